"""What a line of a statement is about: by machine where it is sure, else by Finance."""

import re
from datetime import date

import pytest

from contracts.tests.cast import NOW, delivered_stage, signed_contract, stage_named
from events.models import Event
from kernel.errors import InvalidInput, NotPermitted, StaleState
from payments.models import (
    Break,
    Payment,
    StatementLine,
)
from payments.references import is_named, payment_reference
from payments.services import (
    confirm_bank_file,
    dispute_line,
    import_statement,
    make_bank_file,
    match_line_to_payment,
    match_line_to_payout,
    match_line_to_stage,
    set_line_aside,
)
from payments.services.line_acts import AmountDiffers, WrongDirection
from payments.tests.bank_book import (
    TUESDAY,
    Entry,
    bank_payouts,
    come_back,
    counts,
    line,
    statement,
    take,
)
from payments.tests.scenes import counters_of, pending_payment, state_of, violated


def test_a_credit_that_only_looks_like_a_return_is_left_to_people(cast, payouts):
    take(cast, statement(come_back(payouts[0], returned="")))

    assert (line().state, line().why_open) == ("open", "looks_like_return")
    assert state_of(payouts[0]) == "accepted"


def test_a_payment_is_found_by_its_number_however_it_is_written(cast, contract):
    payment = pending_payment(contract)
    spelled = payment.number.replace("-", " ").lower()

    take(cast, statement(Entry(amount="1000.00", text=f"Thank you, {spelled}.")))

    payment.refresh_from_db()
    assert (payment.status, payment.deadline is not None) == ("captured", True)
    assert line().matched_payment_id == payment.pk


def test_a_due_stage_is_found_by_contract_and_code_and_its_payment_recorded(cast, contract):
    text = f"{contract.number} P1"

    take(cast, statement(Entry(amount="300.00", text=text)))

    payment = Payment.objects.get()
    assert (payment.stage.code, payment.status, payment.rail) == ("P1", "captured", "bank_file")
    assert payment.value_date == date(2026, 6, 2)


WAYS = {
    "as it was told": lambda told: told,
    "in small letters": str.lower,
    "without spaces": lambda told: told.replace(" ", ""),
    "without anything between": lambda told: re.sub(r"[^A-Z0-9]", "", told),
    "with spaces for hyphens": lambda told: told.replace("-", " "),
    "with more spaces, also broken and fixed ones": lambda told: told.replace(" ", "\n \u00a0\t"),
    "with dashes that a text program makes": lambda told: told.replace("-", " \N{EN DASH} "),
    "within a sentence": lambda told: f"Thank you for {told}, Acme",
    "between slashes": lambda told: f"RE/{told.replace(' ', '/')}/EUR",
}


@pytest.mark.parametrize("way", WAYS)
def test_the_reference_that_clients_are_told_is_found_however_it_is_written(cast, contract, way):
    told = payment_reference(contract, stage_named(contract, "P1"))

    take(cast, statement(Entry(amount="300.00", text=WAYS[way](told))))

    payment = Payment.objects.get()
    assert (payment.stage.code, payment.status, line().state) == ("P1", "captured", "matched")


@pytest.mark.parametrize("wrong", ["{}0", "{}X", "X{}", "1{}"])
def test_a_reference_that_goes_on_is_not_the_one_that_was_told(cast, contract, wrong):
    told = payment_reference(contract, stage_named(contract, "P1"))

    take(cast, statement(Entry(amount="300.00", text=wrong.format(told))))

    assert (line().why_open, Payment.objects.count()) == ("no_reference", 0)


def test_digits_that_follow_a_contracts_number_belong_to_the_number(cast, contract):
    stages = [{"code": "7", "title": "Seven", "kind": "work", "amount": "300.00"}]
    other = signed_contract(cast, title="Other", stages=stages)
    stage = delivered_stage(cast, other, "7", at=NOW).stage
    told = payment_reference(other, stage)

    take(cast, statement(Entry(amount="300.00", text=told.replace(" ", ""))))
    assert line().why_open == "no_reference"

    take(cast, statement(Entry(amount="300.00", text=told), name="2"))
    assert Payment.objects.get().stage == stage


def test_a_stage_that_is_not_due_is_not_paid_by_machine(cast, contract):
    take(cast, statement(Entry(amount="1000.00", text=f"{contract.number} S1")))
    assert line().why_open == "no_reference"

    delivered_stage(cast, contract, "S1", at=NOW)
    take(cast, statement(Entry(amount="1000.00", text=f"{contract.number} S1"), name="2"))
    assert Payment.objects.get().stage.code == "S1"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("BJ-03 S1", True),
        ("RE BJ03S1 THANKS", True),
        ("BJ-03 S12", False),
        ("XBJ-03 S1", False),
        ("BJ-03 S", False),
        ("", False),
    ],
)
def test_a_reference_is_named_whole_or_not_at_all(text, found):
    assert is_named("BJ-03 S1", text) is found


@pytest.mark.parametrize("name", ["7", "S 12A", "2026", "251126"])
def test_a_reference_of_few_signs_or_of_digits_alone_names_nothing(name):
    assert not is_named(name, f"INV {name}")


def test_another_amount_than_expected_is_a_difference_and_captures_nothing(cast, contract):
    payment = pending_payment(contract)

    take(cast, statement(Entry(amount="999.00", text=payment.number)))

    payment.refresh_from_db()
    assert (payment.status, line().why_open) == ("pending", "amount_differs")
    found = Break.objects.get()
    assert (found.kind, found.payment_id, found.detail["theirs"]["amount"]) == (
        "unclaimed",
        payment.pk,
        "999.00",
    )
    assert violated(TUESDAY) == []


def test_two_payments_that_fit_are_left_to_people(cast, contract):
    for code in ("S1", "S2"):
        pending_payment(contract, code, "500.00", reference="INV 2026/7")

    take(cast, statement(Entry(amount="500.00", text="INV 2026/7")))

    assert line().why_open == "ambiguous"
    assert not Payment.objects.filter(status="captured").exists()


def test_finance_says_which_payment_a_line_is(cast, contract):
    payment = pending_payment(contract)
    take(cast, statement(Entry(amount="1000.00", text="for the order desk")))
    found = line()
    assert found.why_open == "no_reference"

    match_line_to_payment(
        principal=cast.as_finn, line_id=found.pk, payment_id=payment.pk, reason="They rang.", now=TUESDAY
    )

    payment.refresh_from_db()
    assert (payment.status, line().reason, line().decided_by) == ("captured", "They rang.", cast.finn)
    event = Event.objects.get(type="statement_line.matched")
    assert (event.actor_id, event.data["payment"]) == (cast.finn.pk, str(payment.pk))
    with pytest.raises(StaleState):
        set_line_aside(principal=cast.as_finn, line_id=found.pk, reason="x", now=TUESDAY)


def test_finance_says_which_stage_a_line_pays(cast, contract):
    take(cast, statement(Entry(amount="500.00", text="in advance")))

    match_line_to_stage(
        principal=cast.as_finn,
        line_id=line().pk,
        stage_id=stage_named(contract, "S2").pk,
        reason="Agreed.",
        now=TUESDAY,
    )

    assert Payment.objects.get().status == "captured"


def test_a_line_is_matched_to_nothing_of_another_amount_or_direction(cast, contract, payouts):
    payment = pending_payment(contract, "S2", "400.00")
    take(cast, statement(Entry(amount="-400.00"), Entry(amount="399.00")))
    came, went = (StatementLine.objects.get(is_credit=is_credit) for is_credit in (True, False))
    act = {"principal": cast.as_finn, "reason": "x", "now": TUESDAY}

    with pytest.raises(AmountDiffers):
        match_line_to_payment(line_id=came.pk, payment_id=payment.pk, **act)
    with pytest.raises(WrongDirection):
        match_line_to_payment(line_id=went.pk, payment_id=payment.pk, **act)
    with pytest.raises(AmountDiffers):
        match_line_to_payout(line_id=went.pk, payout_id=payouts[0].pk, **act)
    assert {row.state for row in StatementLine.objects.all()} == {"open"}


def test_a_return_without_its_key_is_matched_by_hand(cast, payment, payouts):
    take(cast, statement(Entry(amount="100.00", text="RETOURE", returned="AC01")))
    found = line()

    match_line_to_payout(
        principal=cast.as_finn, line_id=found.pk, payout_id=payouts[0].pk, reason="The only one.", now=TUESDAY
    )

    assert state_of(payouts[0]) == "returned"
    assert counters_of(payment) == (10000, 20000)
    assert violated(TUESDAY) == []


def test_money_that_is_not_ours_becomes_a_difference(cast):
    take(cast, statement(Entry(amount="-40.00", text="?"), Entry(amount="7.00")))
    came, went = (StatementLine.objects.get(is_credit=is_credit) for is_credit in (True, False))

    dispute_line(principal=cast.as_finn, line_id=came.pk, reason="Nobody knows.", now=TUESDAY)
    assert violated(TUESDAY) == []
    dispute_line(principal=cast.as_finn, line_id=went.pk, reason="Nobody knows.", now=TUESDAY)

    assert sorted(Break.objects.values_list("kind", flat=True)) == ["theirs_only", "unclaimed"]
    assert violated(TUESDAY) == ["I14"]


def test_other_business_of_the_company_is_set_aside_with_a_reason(cast):
    take(cast, statement(Entry(amount="-40.00", text="Rent")))

    with pytest.raises(InvalidInput):
        set_line_aside(principal=cast.as_finn, line_id=line().pk, reason=" ", now=TUESDAY)
    set_line_aside(principal=cast.as_finn, line_id=line().pk, reason="Rent.", now=TUESDAY)

    assert line().state == "set_aside"
    assert not Break.objects.exists()


@pytest.mark.parametrize("name", ["rita", "arno", "ada", "alice"])
def test_nobody_but_finance_imports_and_matches(cast, contract, name):
    payment = pending_payment(contract)
    take(cast, statement(Entry(amount="1000.00")))
    who, found, before = getattr(cast, f"as_{name}"), line(), counts()

    for act in (
        lambda: import_statement(principal=who, content=statement(), now=TUESDAY),
        lambda: match_line_to_payment(
            principal=who, line_id=found.pk, payment_id=payment.pk, reason="x", now=TUESDAY
        ),
        lambda: set_line_aside(principal=who, line_id=found.pk, reason="x", now=TUESDAY),
        lambda: dispute_line(principal=who, line_id=found.pk, reason="x", now=TUESDAY),
    ):
        with pytest.raises(NotPermitted):
            act()
    assert counts() == before


def test_a_bank_line_is_not_the_money_of_a_payment_that_stripe_confirms(cast, contract, settings):
    """Stripe may confirm it yet: money that came twice would be booked once."""
    settings.PAYOUT_RAILS = ["stripe", "bank_file"]
    expected = pending_payment(contract, method="card", rail="stripe", provider_reference="pi_1")
    take(cast, statement(Entry(amount="1000.00", text="It came by bank.")))

    with pytest.raises(StaleState, match="Stripe"):
        match_line_to_payment(
            principal=cast.as_finn, line_id=line().pk, payment_id=expected.pk, reason="x", now=TUESDAY
        )

    assert line().state == "open"


def test_nobody_alone_calls_a_payout_paid_whose_file_was_not_confirmed(cast, payment, flo):
    """A line without the payout's key says nothing by itself: the upload needs its second person."""
    (payout,) = bank_payouts(payment, ["40.00"])
    file = make_bank_file(principal=cast.as_finn, now=NOW)
    take(cast, statement(Entry(amount="-40.00", text="Rent")))
    match = {"principal": cast.as_finn, "line_id": line().pk, "payout_id": payout.pk, "reason": "It is."}

    with pytest.raises(StaleState):
        match_line_to_payout(**match, now=TUESDAY)

    assert (state_of(payout), line().state, counters_of(payment)) == ("submitting", "open", (4000, 0))
    confirm_bank_file(principal=flo, file_id=file.pk, now=TUESDAY)
    match_line_to_payout(**match, now=TUESDAY)
    assert state_of(payout) == "settled"
