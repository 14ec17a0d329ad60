"""What is always true: clean in every course of a case, and every violation is reported."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection

from accounts.principals import SYSTEM
from contracts.services import add_member
from contracts.tests.cast import NOW
from events.guards import lifted
from payments.checks import Cost, find_violations
from payments.models import Payment, Payout
from refunds import services
from refunds.invariants import INVARIANTS
from refunds.models import Decision, RefundRequest
from refunds.tests.scene import (
    LATER,
    Scene,
    again,
    another_reviewer,
    applied,
    approve,
    approved,
    eur,
    in_review,
    make_scene,
    paid,
    proposed,
)
from refunds.tests.test_deciding import cancel, exchange
from refunds.tests.test_facts import calls, use
from refunds.tests.test_four_eyes import delivered_late_by, hand_of_rosa

pytestmark = pytest.mark.django_db


def found() -> set[tuple[str, str]]:
    ours = {(check.id, check.title) for check in INVARIANTS}
    violations = find_violations(LATER + timedelta(minutes=5), cost=Cost.DEEP)
    return {(one.id, one.title) for one in violations if (one.id, one.title) in ours}


def titles() -> set[str]:
    return {title for _, title in found()}


def force(sql: str, **values) -> None:
    """Change rows past every guard, as nobody should."""
    with lifted(operations=("UPDATE", "INSERT", "DELETE")), connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = ON")
        cursor.execute(sql, values)
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = OFF")


def key(row) -> str:
    return row.pk.hex if connection.vendor == "sqlite" else str(row.pk)


def drop_check(table: str, name: str) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")


def test_every_course_of_a_case_is_clean(scene):
    first = approved(scene, amount=eur("100.00"))
    cancel(scene, first)
    services.propose_answer(principal=scene.cast.as_rita, request_id=first.pk, now=LATER)
    approve(scene, first, another_reviewer())
    approve(scene, exchange(scene, "200.00"))
    withdrawn = proposed(scene, amount=eur("50.00"))
    services.withdraw_request(principal=scene.cast.as_alice, request_id=withdrawn.pk, now=LATER)
    applied(scene, now=scene.payment.deadline)

    assert found() == set()


@pytest.fixture
def done(scene):
    """An approved request with its payout; Rita proposed it, Arno approved it."""
    return scene, approved(scene)


def test_an_approved_request_without_a_payout_is_reported(done):
    force("DELETE FROM payments_transfer WHERE payout_id IS NOT NULL")
    force("DELETE FROM payments_payout")

    assert "an approved refund has a payout that counts" in titles()


def test_an_approved_request_whose_payout_was_cancelled_is_reported(done):
    force("UPDATE payments_payout SET state = 'cancelled'")

    assert titles() == {"an approved refund has a payout that counts"}


def test_while_another_request_is_open_a_cancelled_payout_may_wait(scene):
    first = approved(scene, amount=eur("400.00"))
    proposed(scene, amount=eur("100.00"))
    cancel(scene, first)

    assert again(first).state == "approved"
    assert found() == set()


def test_a_second_live_payout_is_reported(done):
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX a_request_has_one_live_payout")
    payout = Payout.objects.get()
    fields = {field.attname: getattr(payout, field.attname) for field in Payout._meta.concrete_fields}
    del fields["id"]
    Payout.objects.create(**fields)

    assert "a request has at most one live payout" in titles()


@pytest.mark.parametrize("state", ["withdrawn", "rejected", "in_review"])
def test_money_that_moves_for_a_request_that_is_not_approved_is_reported(done, state):
    force("UPDATE refunds_refundrequest SET state = %(state)s", state=state)

    assert "only an approved request moves money" in titles()


def test_money_that_moved_without_a_request_is_reported(done):
    force("UPDATE payments_payout SET request_id = %(none)s", none=key(Payment.objects.get()))

    assert "only an approved request moves money" in titles()


def test_what_was_paid_for_a_request_that_is_not_approved_is_reported(done):
    force("UPDATE payments_payout SET state = 'accepted', accepted_at = created_at")
    assert "what was paid belongs to an approved request" not in titles()

    force("UPDATE refunds_refundrequest SET state = 'withdrawn'")
    assert "what was paid belongs to an approved request" in titles()


def test_a_payout_of_another_amount_than_decided_is_reported(done):
    force("UPDATE payments_payout SET amount_minor = amount_minor - 1")

    assert titles() == {"a payout equals its decision"}


def test_a_payout_in_another_currency_than_decided_is_reported(done):
    force("UPDATE payments_payout SET currency = 'USD'")

    assert titles() == {"a payout equals its decision"}


@pytest.fixture
def credited(scene):
    request = exchange(scene, "200.00")
    approve(scene, request)
    return scene, again(request)


def test_a_credit_of_another_amount_than_decided_is_reported(credited):
    force("UPDATE payments_payment SET amount_minor = amount_minor + 1 WHERE method = 'credit'")

    assert titles() == {"a credit equals its decision"}


def test_an_approved_exchange_without_a_credit_is_reported(credited):
    drop_check("payments_payment", "a_credit_comes_from_a_request_and_has_no_window")
    force("UPDATE payments_payment SET credit_of_request_id = NULL WHERE method = 'credit'")

    assert titles() == {"an approved exchange has one credit"}


def test_a_credit_of_a_request_that_is_not_approved_is_reported(credited):
    force("UPDATE refunds_refundrequest SET state = 'withdrawn'")

    assert "only an approved exchange gives a credit" in titles()


def test_a_state_that_the_decision_does_not_say_is_reported(scene):
    request = applied(scene, now=scene.payment.deadline)
    assert found() == set()

    force("UPDATE refunds_refundrequest SET state = 'approved'")
    assert "a decided request has the decision that its state says" in titles()
    assert request


def test_a_decision_that_its_facts_do_not_give_is_reported(scene):
    applied(scene, now=scene.payment.deadline)
    assert found() == set()

    force("UPDATE refunds_decision SET outcome = 'inadmissible'")

    assert found() == {("I10", "a decision follows from its stored facts")}


def test_every_invariant_of_this_room_is_seen_to_be_reported():
    said = Path(__file__).read_text("utf-8")

    assert [check.title for check in INVARIANTS if f'"{check.title}"' not in said] == []


# Four eyes


def test_one_person_for_both_is_reported(done):
    drop_check("refunds_decision", "nobody_approves_what_they_proposed")
    force("UPDATE refunds_decision SET approved_by_id = proposed_by_id")

    assert titles() == {"nobody approves what they proposed"}


@pytest.mark.parametrize(
    ("hand", "title"),
    [
        ("recorded", "nobody approves what they recorded"),
        ("accepted", "nobody approves a case with an acceptance they recorded"),
        ("assessed", "nobody approves work they assessed"),
        ("excluded", "nobody approves a case with a fact they established"),
        ("found a hidden defect", "nobody approves a case with a fact they established"),
        ("checked the law", "nobody approves a case with a fact they established"),
    ],
)
def test_an_approval_by_somebody_with_a_hand_in_it_is_reported(db, hand, title):
    scene = make_scene(kind="consumer", is_delivered=True)
    use(scene, calls("10"))
    request, rosa = hand_of_rosa(scene, hand)
    approve(scene, request)
    assert found() == set()

    force("UPDATE refunds_decision SET approved_by_id = %(rosa)s", rosa=key(rosa.user))
    assert titles() == {title}


def test_an_approval_by_who_recorded_a_delivery_after_the_application_is_reported(db):
    scene, rosa = make_scene(), another_reviewer()
    approve(scene, delivered_late_by(scene, rosa), now=LATER + timedelta(minutes=2))
    assert found() == set()

    force("UPDATE refunds_decision SET approved_by_id = %(rosa)s", rosa=key(rosa.user))
    assert titles() == {"nobody approves a case with a delivery they recorded after the application"}


@pytest.mark.parametrize("who", ["rita", "arno"])
def test_a_decision_by_a_member_of_the_client_is_reported(done, who):
    scene, _ = done
    cast = scene.cast
    add_member(principal=SYSTEM, client_id=cast.client.pk, user=getattr(cast, who), role="viewer", now=NOW)

    assert titles() == {"nobody decides for a client they belong to"}


def test_whoever_joins_the_client_after_the_decision_breaks_nothing(done):
    scene, _ = done
    cast = scene.cast
    later = LATER + timedelta(seconds=1)
    add_member(principal=SYSTEM, client_id=cast.client.pk, user=cast.rita, role="viewer", now=later)

    assert found() == set()


def test_money_returned_by_nobody_is_reported(done):
    drop_check("refunds_decision", "money_is_returned_only_by_two_people")
    drop_check("refunds_decision", "above_the_limit_an_approver_approves")
    force("UPDATE refunds_decision SET approved_by_id = NULL, proposed_by_id = NULL")

    assert titles() == {"money is returned only by two people"}


def test_approvals_of_a_reviewer_beyond_the_limit_of_the_day_are_reported(scene):
    rosa = another_reviewer()
    approve(scene, proposed(scene, amount=eur("600.00")), rosa)
    other = Scene(scene.cast, scene.contract, paid(scene.cast, scene.contract, "S2"))
    approve(scene, proposed(other, amount=eur("400.01"), now=LATER + timedelta(minutes=1)))
    assert found() == set()

    force("UPDATE refunds_decision SET approved_as = 'reviewer' WHERE refund_minor = 40001")
    assert titles() == {"approvals by reviewers stay within the limit of the day"}


def test_each_invariant_has_its_own_words():
    assert len({check.title for check in INVARIANTS}) == len(INVARIANTS)


# What the database refuses by itself


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE refunds_decision SET refund_minor = 1",
        "UPDATE refunds_proposal SET note = 'x'",
        "DELETE FROM refunds_decision",
        "UPDATE refunds_refundrequest SET state = 'submitted'",
        "UPDATE refunds_refundrequest SET submitted_at = recorded_at, statement = 'x'",
        "UPDATE refunds_refundrequest SET receipt_answer = '{}'",
        "UPDATE refunds_refundrequest SET amount_minor = 1",
        "UPDATE refunds_refundrequest SET objections = '[1]'",
        "UPDATE refunds_refundrequest SET answer_due_on = '2030-01-01'",
        "DELETE FROM refunds_refundrequest",
    ],
)
def test_the_database_keeps_requests_and_decisions_as_they_were_written(done, sql):
    from django.db import IntegrityError, transaction

    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_the_database_refuses_a_second_open_request_of_a_payment(scene):
    from django.db import IntegrityError, transaction

    request = in_review(scene)
    fields = {field.attname: getattr(request, field.attname) for field in RefundRequest._meta.concrete_fields}
    second = {**fields, "number": "RR-2026-999999", "state": "submitted"}
    del second["id"]

    with pytest.raises(IntegrityError), transaction.atomic():
        RefundRequest.objects.create(**second)
    assert Decision.objects.count() == 0
