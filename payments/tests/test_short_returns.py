"""Payouts that came back with less than was sent."""

from datetime import date, timedelta

import pytest

from contracts.tests.cast import NOW
from kernel.errors import StaleState
from payments import ledger
from payments.models import Break, StatementLine
from payments.services import confirm_step, replace_payout, return_less_fee, set_line_aside
from payments.services.short_returns import lines_of_a_short_return
from payments.services.steps import SecondPersonNeeded
from payments.tests.bank_book import TUESDAY, Entry, come_back, paid, statement, take
from payments.tests.scenes import counters_of, state_of, violated


def test_two_people_book_what_came_back_less_a_fee(cast, payment, payouts, flo):
    """A bank on the way kept five euros: all of it is owed again, and the fee is a cost of the company."""
    payout = payouts[0]
    take(cast, statement(paid(payout), paid(payouts[1])))
    wednesday = NOW + timedelta(days=2)
    back = come_back(payout, amount="95.00")
    take(cast, statement(back, name="3", day=date(2026, 6, 3), opening="700.00"), now=wednesday)
    assert violated(wednesday) == ["I14"]
    found = StatementLine.objects.get(is_credit=True)
    say = {
        "principal": cast.as_finn,
        "payout_id": payout.pk,
        "reason": "Their bank took 5.",
        "now": wednesday,
    }
    with pytest.raises(StaleState):
        return_less_fee(line_id=StatementLine.objects.filter(is_credit=False)[0].pk, **say)

    step = return_less_fee(line_id=found.pk, **say)
    with pytest.raises(SecondPersonNeeded):
        confirm_step(principal=cast.as_finn, step_id=step.pk, now=wednesday)
    assert (state_of(payout), violated(wednesday)) == ("settled", ["I14"])
    confirm_step(principal=flo, step_id=step.pk, now=wednesday)

    payout.refresh_from_db()
    found.refresh_from_db()
    assert (payout.state, payout.failure_code, found.state) == ("returned", "AC04", "matched")
    assert counters_of(payment) == (10000, 20000)
    assert (Break.objects.get().owner, Break.objects.get().resolution) == (cast.finn, "Their bank took 5.")
    assert ledger.balances()["bank_fees:EUR"].text == "5.00"
    assert violated(wednesday) == []
    again = replace_payout(principal=cast.as_finn, payout_id=payout.pk, reason="New account.", now=wednesday)
    assert confirm_step(principal=flo, step_id=again.pk, now=wednesday).amount_minor == 10000
    assert violated(wednesday) == []


def test_money_of_a_return_without_its_key_is_named_by_people(cast, payouts, flo):
    take(cast, statement(Entry(amount="95.00", text="RETOURE", returned="AC01"), Entry(amount="-95.00")))
    came, went = (StatementLine.objects.get(is_credit=is_credit) for is_credit in (True, False))
    say = {"principal": cast.as_finn, "payout_id": payouts[0].pk, "reason": "The only one.", "now": TUESDAY}
    with pytest.raises(StaleState):
        return_less_fee(line_id=went.pk, **say)

    step = return_less_fee(line_id=came.pk, **say)
    set_line_aside(principal=cast.as_finn, line_id=came.pk, reason="Other business.", now=TUESDAY)

    with pytest.raises(StaleState):
        confirm_step(principal=flo, step_id=step.pk, now=TUESDAY)
    assert state_of(payouts[0]) == "accepted"


def test_money_that_names_one_payout_is_not_what_came_back_of_another(cast, payouts):
    """It came without the mark of a return, so nobody matched it; its key says whose it is."""
    hundred, two_hundred = payouts
    take(cast, statement(Entry(amount="95.00", end_to_end=hundred.pk.hex)))
    line = StatementLine.objects.get()
    say = {"principal": cast.as_finn, "line_id": line.pk, "reason": "It came back.", "now": TUESDAY}

    with pytest.raises(StaleState):
        return_less_fee(payout_id=two_hundred.pk, **say)

    assert line not in lines_of_a_short_return(cast.as_finn, two_hundred)
    assert line in lines_of_a_short_return(cast.as_finn, hundred)
    assert return_less_fee(payout_id=hundred.pk, **say).line == line
