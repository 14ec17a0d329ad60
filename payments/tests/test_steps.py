"""Steps with money that take evidence and two people."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts.groups import FINANCE
from accounts.principals import SYSTEM, Principal
from accounts.services import create_user
from contracts.models import Role
from contracts.services import add_member
from contracts.tests.cast import NOW
from events.models import Event
from kernel.errors import InvalidInput, NotFoundOrHidden, NotPermitted, StaleState
from kernel.ids import new_id
from payments import ledger
from payments.models import Break, Payout, PayoutStep
from payments.services import (
    book_answer,
    charge_back_payment,
    confirm_step,
    dispute_payment,
    give_up_payout,
    replace_payout,
    resolve_break,
    resolve_manual,
    take_break,
    withdraw_step,
)
from payments.services.steps import DifferenceOpen, PaymentNotRefundable, SecondPersonNeeded, StepOpen
from payments.tests.scenes import (
    LATER,
    answer,
    captured_payment,
    fault,
    look_after,
    ready_payout,
    send,
    settle,
    violated,
)


@pytest.fixture
def payment(contract):
    return captured_payment(contract)


@pytest.fixture
def doubtful(payment):
    """A payout that the machine left to Finance; the sandbox did not execute it."""
    payout = ready_payout(payment, "100.00")
    fault("timeout_not_done")
    send()
    look_after(NOW + timedelta(hours=20))
    payout.refresh_from_db()
    assert payout.state == "manual"
    return payout


@pytest.fixture
def failed(payment):
    payout = ready_payout(payment, "100.00")
    fault("refuse", code="account_closed")
    send()
    return payout


@pytest.fixture
def flo(cast):
    """A second person in Finance."""
    return Principal(
        user=create_user(email="flo@company.example", name="Flo", is_staff=True, groups=[FINANCE])
    )


@pytest.mark.parametrize("kind", ["accepted", "settled"])
def test_a_providers_yes_about_a_payout_with_finance_leaves_a_break(doubtful, kind):
    for _ in range(2):
        book_answer(payout_id=doubtful.pk, answer=answer(kind), now=LATER)

    doubtful.refresh_from_db()
    assert doubtful.state == "manual"
    assert Break.objects.get().kind == "theirs_only"


def test_what_the_provider_says_was_sent_is_not_called_failed(cast, doubtful, flo):
    waiting = propose(cast.as_finn, doubtful, accepted=False)
    book_answer(payout_id=doubtful.pk, answer=answer("settled"), now=LATER)

    with pytest.raises(DifferenceOpen):
        confirm_step(principal=flo, step_id=waiting.pk, now=LATER)
    withdraw_step(principal=cast.as_finn, step_id=waiting.pk, now=LATER)
    with pytest.raises(DifferenceOpen):
        propose(cast.as_finn, doubtful, accepted=False)

    resolve_break(principal=cast.as_finn, break_id=Break.objects.get().pk, resolution="A mistake.", now=LATER)
    assert propose(cast.as_finn, doubtful, accepted=False).kind == "mark_failed"


def propose(principal, payout, *, accepted=True, **fields):
    given = {"reason": "The bank says so.", "evidence_reference": "Statement 17", "now": LATER, **fields}
    return resolve_manual(principal=principal, payout_id=payout.pk, accepted=accepted, **given)


@pytest.mark.parametrize(
    ("accepted", "state", "counters"), [(True, "accepted", (0, 10000)), (False, "failed", (10000, 0))]
)
def test_two_people_say_what_became_of_a_doubtful_payout(
    cast, payment, doubtful, flo, accepted, state, counters
):
    step = propose(cast.as_finn, doubtful, accepted=accepted)
    doubtful.refresh_from_db()
    assert doubtful.state == "manual"

    confirm_step(principal=flo, step_id=step.pk, now=LATER)

    doubtful.refresh_from_db()
    payment.refresh_from_db()
    assert doubtful.state == state
    assert (payment.reserved_minor, payment.refunded_minor) == counters
    assert [found for found in violated(LATER) if found != "I15"] == []
    events = Event.objects.filter(subject_id=doubtful.pk).order_by("id")
    assert list(events.values_list("type", flat=True))[-2:] == [
        "payout.step_proposed", f"payout.{state}",
    ]  # fmt: skip


def test_an_approver_may_be_the_second_person(cast, doubtful):
    step = propose(cast.as_finn, doubtful)

    assert confirm_step(principal=cast.as_arno, step_id=step.pk, now=LATER).state == "accepted"


def test_nobody_confirms_what_they_proposed(cast, doubtful):
    step = propose(cast.as_finn, doubtful)

    with pytest.raises(SecondPersonNeeded):
        confirm_step(principal=cast.as_finn, step_id=step.pk, now=LATER)
    with pytest.raises(IntegrityError, match="second_person"), transaction.atomic():
        PayoutStep.objects.filter(pk=step.pk).update(confirmed_by=cast.finn, confirmed_at=LATER)

    doubtful.refresh_from_db()
    assert doubtful.state == "manual"


def test_others_neither_propose_nor_confirm(cast, doubtful):
    step = propose(cast.as_finn, doubtful)

    for person in (cast.as_alice, cast.as_rita, cast.as_ada, cast.as_erp, SYSTEM):
        with pytest.raises(NotPermitted):
            confirm_step(principal=person, step_id=step.pk, now=LATER)
    for person in (cast.as_alice, cast.as_rita, cast.as_arno):
        with pytest.raises(NotPermitted):
            propose(person, doubtful)
    with pytest.raises(NotFoundOrHidden):
        propose(cast.as_mallory, doubtful)


def test_nobody_moves_money_of_a_client_they_belong_to(cast, doubtful, flo):
    step = propose(cast.as_finn, doubtful)
    add_member(principal=SYSTEM, client_id=cast.client.pk, user=flo.user, role=Role.VIEWER, now=NOW)

    with pytest.raises(NotPermitted):
        confirm_step(principal=flo, step_id=step.pk, now=LATER)


def test_a_resolution_needs_reason_and_evidence(cast, doubtful):
    for missing in ({"reason": " "}, {"evidence_reference": " "}, {"evidence_reference": "x" * 141}):
        with pytest.raises(InvalidInput):
            propose(cast.as_finn, doubtful, **missing)
    with pytest.raises(NotFoundOrHidden):
        propose(cast.as_finn, doubtful, evidence_id=new_id())
    assert not PayoutStep.objects.exists()


def test_one_step_waits_at_a_time_and_can_be_withdrawn(cast, doubtful, flo):
    step = propose(cast.as_finn, doubtful)
    with pytest.raises(StepOpen):
        propose(flo, doubtful, accepted=False)

    withdraw_step(principal=flo, step_id=step.pk, now=LATER)

    with pytest.raises(StaleState):
        confirm_step(principal=flo, step_id=step.pk, now=LATER)
    with pytest.raises(StaleState):
        withdraw_step(principal=flo, step_id=step.pk, now=LATER)
    assert propose(flo, doubtful, accepted=False).kind == "mark_failed"


def test_a_step_is_done_once(cast, payment, doubtful, flo):
    step = propose(cast.as_finn, doubtful)
    confirm_step(principal=flo, step_id=step.pk, now=LATER)

    with pytest.raises(StaleState):
        confirm_step(principal=cast.as_arno, step_id=step.pk, now=LATER)

    payment.refresh_from_db()
    assert payment.refunded_minor == 10000


def test_only_a_payout_with_finance_is_resolved_by_people(cast, payment):
    payout = ready_payout(payment, "1.00")

    with pytest.raises(StaleState):
        propose(cast.as_finn, payout)


def test_a_failed_payout_is_sent_again_as_a_successor_with_its_own_key(cast, payment, failed, flo):
    step = replace_payout(principal=cast.as_finn, payout_id=failed.pk, reason="New account.", now=LATER)

    successor = confirm_step(principal=flo, step_id=step.pk, now=LATER)

    assert successor.pk != failed.pk
    assert (successor.replaces_id, successor.request_id, successor.amount_minor) == (
        failed.pk, failed.request_id, failed.amount_minor,
    )  # fmt: skip
    assert (successor.created_by, successor.confirmed_by) == (cast.finn, flo.user)
    payment.refresh_from_db()
    assert payment.reserved_minor == 10000
    settle(LATER)
    successor.refresh_from_db()
    payment.refresh_from_db()
    assert (successor.state, payment.refunded_minor) == ("settled", 10000)
    assert ledger.balances()["refunds_payable:EUR"].text == "0.00"
    assert violated(LATER) == []


def test_a_returned_payout_has_one_successor(cast, payment, flo):
    payout = ready_payout(payment, "100.00")
    fault("return_later", code="account_closed")
    settle()
    step = replace_payout(principal=cast.as_finn, payout_id=payout.pk, reason="New account.", now=LATER)
    confirm_step(principal=flo, step_id=step.pk, now=LATER)

    with pytest.raises(StaleState):
        replace_payout(principal=flo, payout_id=payout.pk, reason="Again.", now=LATER)

    assert Payout.objects.filter(replaces=payout).count() == 1


@pytest.mark.parametrize("state", ["ready", "accepted", "settled"])
def test_what_did_not_fail_is_not_sent_again(cast, payment, state):
    payout = ready_payout(payment, "1.00")
    if state != "ready":
        send()
    if state == "settled":
        look_after(NOW + timedelta(minutes=1))
    payout.refresh_from_db()
    assert payout.state == state

    with pytest.raises(StaleState):
        replace_payout(principal=cast.as_finn, payout_id=payout.pk, reason="Again.", now=LATER)


def test_nothing_is_sent_again_for_a_payment_that_was_charged_back(cast, payment, failed, flo):
    step = replace_payout(principal=cast.as_finn, payout_id=failed.pk, reason="New account.", now=LATER)
    charge_back_payment(principal=cast.as_finn, payment_id=payment.pk, now=LATER)

    with pytest.raises(PaymentNotRefundable):
        confirm_step(principal=flo, step_id=step.pk, now=LATER)

    assert Payout.objects.count() == 1


def give_up(principal, payout, reason="The bank took it back."):
    return give_up_payout(principal=principal, payout_id=payout.pk, reason=reason, now=LATER)


def test_what_failed_is_given_up_once_its_payment_was_charged_back(cast, payment, failed, flo):
    charge_back_payment(principal=cast.as_finn, payment_id=payment.pk, now=LATER)
    step = give_up(cast.as_finn, failed)
    with pytest.raises(SecondPersonNeeded):
        confirm_step(principal=cast.as_finn, step_id=step.pk, now=LATER)

    last = confirm_step(principal=flo, step_id=step.pk, now=LATER)

    payment.refresh_from_db()
    assert (last.state, last.replaces_id, payment.reserved_minor) == ("cancelled", failed.pk, 0)
    assert ledger.balances()["refunds_payable:EUR"].text == "0.00"
    assert violated(LATER) == []
    with pytest.raises(StaleState):
        give_up(cast.as_finn, failed)


def test_what_came_back_is_given_up_and_the_difference_is_explained(cast, payment, flo):
    payout = ready_payout(payment, "100.00")
    fault("return_later", code="account_closed")
    settle()
    charge_back_payment(principal=cast.as_finn, payment_id=payment.pk, now=LATER)
    assert violated(LATER) == []

    confirm_step(principal=flo, step_id=give_up(cast.as_finn, payout).pk, now=LATER)

    payment.refresh_from_db()
    assert (payment.reserved_minor, payment.refunded_minor) == (0, 0)
    assert violated(LATER) == []


def test_nothing_is_given_up_while_it_can_still_be_sent(cast, payment, failed):
    with pytest.raises(StaleState):
        give_up(cast.as_finn, failed)
    dispute_payment(principal=cast.as_finn, payment_id=payment.pk, now=LATER)
    with pytest.raises(StaleState):
        give_up(cast.as_finn, failed)
    with pytest.raises(NotPermitted):
        give_up(cast.as_rita, failed)
    assert not PayoutStep.objects.exists()


def test_a_step_that_does_not_exist_is_not_confirmed(flo):
    with pytest.raises(NotFoundOrHidden):
        confirm_step(principal=flo, step_id=new_id(), now=LATER)


def test_a_difference_is_cleared_by_finance_and_then_explains_itself(cast, payment):
    ready_payout(payment, "100.00")
    fault("wrong_amount")
    send()
    assert violated(LATER) == ["I14"]
    found = Break.objects.get()
    with pytest.raises(NotPermitted):
        resolve_break(principal=cast.as_rita, break_id=found.pk, resolution="The rest was sent.", now=LATER)
    with pytest.raises(InvalidInput):
        resolve_break(principal=cast.as_finn, break_id=found.pk, resolution="", now=LATER)

    take_break(principal=cast.as_finn, break_id=found.pk, now=LATER)
    resolve_break(principal=cast.as_finn, break_id=found.pk, resolution="The rest was sent.", now=LATER)

    found.refresh_from_db()
    assert (found.owner, found.resolved_at) == (cast.finn, LATER)
    assert violated(LATER) == []
    with pytest.raises(StaleState):
        take_break(principal=cast.as_finn, break_id=found.pk, now=LATER)
