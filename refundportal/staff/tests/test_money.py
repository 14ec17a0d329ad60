"""What Finance does with payments and payouts, and that nobody else does."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.groups import FINANCE
from contracts.tests.cast import NOW, stage_named
from kernel.states import move
from payments.models import Payment, Payout, PayoutStep
from payments.services import charge_back_payment, record_payment
from payments.states import PAYOUT
from refundportal.staff.tests.desk import Desk, act_of, count_events, hidden, words
from refunds.models import RefundRequest
from refunds.tests.scene import Scene, again, another_reviewer, approved, eur, evidence


def pending(scene: Scene) -> Payment:
    return record_payment(
        principal=scene.cast.as_finn,
        stage_id=stage_named(scene.contract, "S2").pk,
        amount=eur("500.00"),
        method="bank",
        now=NOW,
    )


def status(payment: Payment) -> str:
    return Payment.objects.get(pk=payment.pk).status


def payout_in(scene: Scene, state: str = "ready") -> Payout:
    payout = Payout.objects.get(request_id=approved(scene).pk)
    if state != "ready":
        move(payout, "ready", state, table=PAYOUT)
    return payout


def state(payout: Payout) -> str:
    return Payout.objects.get(pk=payout.pk).state


def another_of_finance() -> Desk:
    return Desk(another_reviewer("fred", FINANCE).user)


def test_finance_records_a_payment_and_its_money_arrives(scene: Scene):
    finn = Desk(scene.cast.finn)
    stage = stage_named(scene.contract, "S2")

    answer = finn.do(
        scene.contract,
        "record_payment",
        stage=str(stage.pk),
        amount="500.00",
        method="bank",
        reference="INV 7",
        value_date="2026-05-29",
    )
    payment = Payment.objects.get(stage=stage)
    assert answer.status_code == 302
    assert (payment.amount_minor, payment.status, payment.reference) == (50000, "pending", "INV 7")

    finn.do(payment, "capture", captured_at="2026-06-01T11:30")

    payment.refresh_from_db()
    assert payment.status == "captured"
    assert payment.captured_at.isoformat() == "2026-06-01T09:30:00+00:00"
    assert payment.deadline_text.startswith("2026-06-05")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("600.00", "stage"),
        ("1.005", "This is no amount in EUR."),
        ("-5", "must be above zero"),
        ("abc", "This is no amount in EUR."),
    ],
)
def test_an_amount_that_cannot_be_is_refused_and_nothing_is_stored(scene: Scene, typed: str, said: str):
    stage = stage_named(scene.contract, "S2")

    answer = Desk(scene.cast.finn).do(
        scene.contract, "record_payment", stage=str(stage.pk), amount=typed, method="bank"
    )

    assert answer.status_code in (409, 422)
    assert said in words(answer)
    assert not Payment.objects.filter(stage=stage).exists()


@pytest.mark.parametrize("typed", ["2026-06-01T23:00", "2026-05-30T08:00", "2026-03-29T02:30"])
def test_money_cannot_arrive_in_the_future_long_ago_or_in_an_hour_that_never_was(scene: Scene, typed: str):
    payment = pending(scene)

    answer = Desk(scene.cast.finn).do(payment, "capture", captured_at=typed)

    assert answer.status_code == 422
    assert status(payment) == "pending"


@pytest.mark.parametrize(
    ("act", "becomes"), [("authorise", "authorised"), ("fail", "failed"), ("void", "voided")]
)
def test_a_payment_on_its_way_can_be_promised_fail_or_be_taken_back(scene: Scene, act: str, becomes: str):
    payment = pending(scene)

    assert Desk(scene.cast.finn).do(payment, act, reason="The bank said so.").status_code == 302
    assert status(payment) == becomes


def test_a_dispute_is_noted_won_and_lost(scene: Scene):
    finn = Desk(scene.cast.finn)

    finn.do(scene.payment, "dispute", reason="Letter of the bank.")
    assert status(scene.payment) == "disputed"
    finn.do(scene.payment, "resolve_dispute", reason="The bank agreed.")
    assert status(scene.payment) == "captured"
    finn.do(scene.payment, "charge_back", reason="The bank changed its mind.", amount="")
    assert status(scene.payment) == "charged_back"
    assert Payment.objects.get(pk=scene.payment.pk).charged_back_minor == 100000


PAYMENT_ACTS = ("authorise", "capture", "fail", "void", "dispute", "resolve_dispute", "charge_back")


@pytest.mark.parametrize("name", ["rita", "arno", "ada"])
def test_nobody_but_finance_touches_a_payment(scene: Scene, name: str):
    payment = pending(scene)
    events = count_events()
    desk = Desk(getattr(scene.cast, name))

    for act in PAYMENT_ACTS:
        row = payment if act in ("authorise", "capture", "fail", "void") else scene.payment
        assert "Only Finance may do this." in words(desk.look(row, act)), act
        assert desk.do(row, act, reason="Because.").status_code == 403, act
    answer = desk.do(
        scene.contract,
        "record_payment",
        stage=str(stage_named(scene.contract, "S2").pk),
        amount="1.00",
        method="bank",
    )

    assert answer.status_code in (403, 422)
    assert (status(payment), status(scene.payment), count_events()) == ("pending", "captured", events)


def test_a_payout_is_stopped_with_a_reason_and_its_case_is_in_review_again(scene: Scene):
    payout = payout_in(scene)
    finn = Desk(scene.cast.finn)

    assert finn.do(payout, "cancel", reason="").status_code == 422
    assert state(payout) == "ready"
    assert finn.do(payout, "cancel", reason="Wrong rail.").status_code == 302

    assert state(payout) == "cancelled"
    assert RefundRequest.objects.get(pk=payout.request_id).state == "in_review"


def test_what_became_of_a_payout_is_said_by_one_and_confirmed_by_another(scene: Scene):
    payout = payout_in(scene, "manual")
    finn, fred = Desk(scene.cast.finn), another_of_finance()

    finn.do(
        payout,
        "resolve",
        accepted="yes",
        value_date="2026-06-01",
        evidence_reference="BANK-77",
        reason="On the statement.",
    )
    own = finn.do(payout, "confirm", step=str(PayoutStep.objects.get().pk))
    assert (own.status_code, state(payout)) == (403, "manual")
    assert "You proposed it: somebody else confirms." in words(finn.open(payout))
    page = fred.look(payout, "confirm")
    assert "BANK-77" in words(page)

    assert fred.do(payout, "confirm", step=hidden(page, "step")).status_code == 302

    payout.refresh_from_db()
    assert (payout.state, payout.confirmed_by.name) == ("accepted", "Fred")


def test_a_payout_that_failed_is_sent_again_by_two_people(scene: Scene):
    payout = payout_in(scene, "manual")
    finn, fred = Desk(scene.cast.finn), another_of_finance()
    finn.do(payout, "resolve", accepted="no", evidence_reference="BANK-78", reason="Account closed.")
    fred.do(payout, "confirm", step=str(PayoutStep.objects.get().pk))
    assert state(payout) == "failed"

    finn.do(payout, "replace", reason="New account.")
    fred.do(payout, "confirm", step=str(PayoutStep.objects.get(kind="replace").pk))

    successor = Payout.objects.get(replaces=payout)
    assert (successor.state, successor.amount_minor) == ("ready", payout.amount_minor)
    assert "It was sent again already." in words(finn.open(payout))


def test_what_failed_is_given_up_by_two_people_after_a_chargeback(scene: Scene):
    payout = payout_in(scene, "manual")
    finn, fred = Desk(scene.cast.finn), another_of_finance()
    finn.do(payout, "resolve", accepted="no", evidence_reference="BANK-78", reason="Account closed.")
    fred.do(payout, "confirm", step=str(PayoutStep.objects.get().pk))
    assert finn.do(payout, "give-up", reason="Too early.").status_code == 409
    charge_back_payment(
        principal=scene.cast.as_finn, payment_id=payout.payment_id, now=payout.created_at + timedelta(hours=1)
    )

    finn.do(payout, "give-up", reason="The bank took it back.")
    fred.do(payout, "confirm", step=str(PayoutStep.objects.get(kind="give_up").pk))

    assert Payout.objects.get(replaces=payout).state == "cancelled"
    assert RefundRequest.objects.get(pk=payout.request_id).state == "in_review"


def test_a_proposed_step_is_withdrawn(scene: Scene):
    payout = payout_in(scene, "manual")
    finn = Desk(scene.cast.finn)
    finn.do(
        payout,
        "resolve",
        accepted="yes",
        value_date="2026-06-01",
        evidence_reference="BANK-77",
        reason="On the statement.",
    )
    page = finn.look(payout, "withdraw")

    finn.do(payout, "withdraw", step=hidden(page, "step"))

    assert PayoutStep.objects.get().withdrawn_at is not None
    assert state(payout) == "manual"


@pytest.mark.parametrize("name", ["rita", "ada"])
def test_nobody_but_finance_touches_a_payout(scene: Scene, name: str):
    payout = payout_in(scene, "manual")
    Desk(scene.cast.finn).do(
        payout, "resolve", accepted="yes", value_date="2026-06-01", evidence_reference="B", reason="Seen."
    )
    step, events = str(PayoutStep.objects.get().pk), count_events()
    desk = Desk(getattr(scene.cast, name))

    for act in ("cancel", "resolve", "replace", "give-up", "confirm", "withdraw"):
        answer = desk.do(
            payout,
            act,
            reason="x",
            accepted="yes",
            value_date="2026-06-01",
            evidence_reference="B",
            step=step,
        )
        assert answer.status_code == 403, act

    assert (state(payout), count_events()) == ("manual", events)


def test_a_step_of_another_payout_is_not_confirmed_by_its_number(scene: Scene):
    payout = payout_in(scene, "manual")

    answer = another_of_finance().do(payout, "confirm", step="00000000-0000-0000-0000-000000000001")

    assert answer.status_code in (404, 409)
    assert state(payout) == "manual"


def letter(scene: Scene, **typed: Any) -> dict[str, Any]:
    return {
        "received_via": "letter",
        "received_at": "2026-06-01T11:00",
        "evidence": str(evidence(scene).pk),
        "reason": "defects",
        "statement": "It does not print.",
        **typed,
    }


def test_an_application_by_letter_is_recorded_from_when_it_arrived(scene: Scene):
    item = stage_named(scene.contract, "S1").items.get(code="AC-2")
    rita = Desk(scene.cast.rita)

    answer = rita.do(
        scene.payment, "record_application", **letter(scene, **{f"item_{item.pk.hex}": "Blank."})
    )

    request = RefundRequest.objects.get()
    assert answer.headers["Location"].endswith(f"/refunds/refundrequest/{request.pk}/change/")
    assert (request.received_via, request.recorded_by) == ("letter", scene.cast.rita)
    assert request.submitted_at.isoformat() == "2026-06-01T09:00:00+00:00"
    assert request.objections == [{"stage": "S1", "item": "AC-2", "text": "Blank."}]


@pytest.mark.parametrize(
    "typed", [{"received_at": "2026-06-01T20:00"}, {"evidence": ""}, {"received_via": "portal"}]
)
def test_an_application_without_proof_or_from_the_future_is_not_recorded(scene: Scene, typed: dict[str, str]):
    answer = Desk(scene.cast.rita).do(scene.payment, "record_application", **letter(scene, **typed))

    assert answer.status_code == 422
    assert not RefundRequest.objects.exists()


def test_finance_records_no_application(scene: Scene):
    answer = Desk(scene.cast.finn).do(scene.payment, "record_application", **letter(scene))

    assert answer.status_code == 403
    assert not RefundRequest.objects.exists()


def test_who_recorded_an_application_does_not_approve_it(scene: Scene):
    arno, rita = Desk(scene.cast.arno), Desk(scene.cast.rita)
    arno.do(scene.payment, "record_application", **letter(scene))
    request = RefundRequest.objects.get()
    rita.do(request, "start_review")
    rita.do(request, "propose", shown=hidden(rita.look(request, "propose"), "shown"))

    answer = arno.do(request, "approve", proposal=str(request.proposals.get().pk))

    assert answer.status_code == 403
    assert again(request).state == "proposed"


def test_an_act_that_there_is_not_is_missing(scene: Scene):
    assert Desk(scene.cast.finn).post(act_of(scene.payment, "delete")).status_code == 404
