"""The case on one page: who sees what, what may be done and why not, what comes next."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kernel.errors import DomainError, NotFoundOrHidden
from payments.models import Payout
from refunds import services
from refunds.selectors import allowed_actions, case_view, payout_states_of, request_by_number, requests_of
from refunds.selectors.actions import CLIENT_RULES, STAFF_RULES
from refunds.tests.scene import LATER, again, applied, approved, in_review, proposed
from refunds.tests.test_deciding import cancel
from refunds.tests.test_facts import calls, use
from refunds.tests.test_reviewing import asked

pytestmark = pytest.mark.django_db


def test_a_stranger_and_a_missing_case_look_the_same(scene):
    request = applied(scene)
    told = []
    for request_id in (request.pk, uuid4()):
        with pytest.raises(NotFoundOrHidden) as refusal:
            case_view(scene.cast.as_mallory, request_id, now=LATER)
        told.append((str(refusal.value), refusal.value.code, refusal.value.data))

    assert told[0] == told[1]
    assert not requests_of(scene.cast.as_mallory).exists()
    with pytest.raises(NotFoundOrHidden):
        request_by_number(scene.cast.as_mallory, request.number)


@pytest.mark.parametrize("who", ["as_alice", "as_bea", "as_cem", "as_rita", "as_finn", "as_ada", "as_erp"])
def test_the_client_its_systems_and_staff_see_the_case(scene, who):
    request = applied(scene)

    assert case_view(getattr(scene.cast, who), request.pk, now=LATER).request == request


def test_the_client_is_not_shown_the_inner_steps(scene):
    request = proposed(scene)

    ours = [entry.type for entry in case_view(scene.cast.as_rita, request.pk, now=LATER).timeline]
    theirs = case_view(scene.cast.as_alice, request.pk, now=LATER)

    assert ours == ["refund_request.submitted", "refund_request.review_started", "refund_request.proposed"]
    assert [entry.type for entry in theirs.timeline] == ours[:2]
    assert {entry.person for entry in theirs.timeline} == {""}
    assert theirs.proposal is None


def test_an_open_case_shows_what_its_facts_give_now_and_what_changed(scene):
    request = in_review(scene)
    use(scene, calls("1000"))

    view = case_view(scene.cast.as_rita, request.pk, now=LATER)

    assert view.answer["refund"] == "987.50"
    assert {"field": "refund", "shown": "1000.00", "now": "987.50"} in view.changes


def test_a_decided_case_shows_the_stored_answer_whatever_came_later(scene):
    request = approved(scene)
    use(scene, calls("1000"))

    view = case_view(scene.cast.as_alice, request.pk, now=LATER)

    assert view.answer == view.decision.answer
    assert view.changes == []


@pytest.mark.parametrize(
    ("reached", "who", "what"),
    [
        (applied, "staff", "begin"),
        (in_review, "staff", "examine"),
        (asked, "client", "question"),
        (proposed, "staff", "second person"),
        (approved, "system", "send the money"),
    ],
)
def test_the_next_step_says_whose_turn_it_is(scene, reached, who, what):
    step = case_view(scene.cast.as_alice, reached(scene).pk, now=LATER).next_step

    assert step.who == who
    assert what in step.what


def test_after_a_no_there_is_no_next_step(scene):
    request = applied(scene, now=scene.payment.deadline)

    assert case_view(scene.cast.as_alice, request.pk, now=LATER).next_step is None


@pytest.mark.parametrize("reached", [applied, in_review, asked, proposed, approved])
@pytest.mark.parametrize("who", ["as_alice", "as_bea", "as_rita", "as_arno", "as_finn", "as_ada"])
def test_what_is_shown_as_possible_is_possible_and_what_is_not_is_refused_with_that_code(scene, reached, who):
    request = reached(scene)
    principal = getattr(scene.cast, who)
    calls_of = {
        "start_review": lambda: services.start_review,
        "withdraw": lambda: services.withdraw_request,
        "propose": lambda: services.propose_answer,
        "approve": lambda: services.approve_request,
    }

    for action in allowed_actions(principal, again(request), now=LATER):
        if action.name not in calls_of:
            continue
        service = calls_of[action.name]()
        if action.allowed:
            continue
        with pytest.raises(DomainError) as refusal:
            service(principal=principal, request_id=request.pk, now=LATER)
        assert (refusal.value.code, refusal.value.detail) == (action.code, action.why_not)


@pytest.mark.parametrize("name", ["start_review", "withdraw", "propose", "approve"])
def test_every_allowed_action_works(scene, name):
    reached = {"start_review": applied, "withdraw": applied, "propose": in_review, "approve": proposed}[name]
    request = reached(scene)
    who = {"withdraw": scene.cast.as_alice, "approve": scene.cast.as_arno}.get(name, scene.cast.as_rita)
    service = {"propose": "propose_answer", "approve": "approve_request", "withdraw": "withdraw_request"}

    (action,) = [one for one in allowed_actions(who, again(request), now=LATER) if one.name == name]
    getattr(services, service.get(name, name))(principal=who, request_id=request.pk, now=LATER)

    assert action.allowed
    assert again(request).state != request.state


def test_staff_and_clients_are_shown_their_own_actions_all_of_them(scene):
    request = applied(scene)

    ours = allowed_actions(scene.cast.as_rita, request, now=LATER)
    theirs = allowed_actions(scene.cast.as_alice, request, now=LATER)

    assert [action.name for action in ours] == list(STAFF_RULES)
    assert [action.name for action in theirs] == list(CLIENT_RULES)


def test_where_the_money_is_follows_the_payout(scene):
    request = approved(scene)
    ready = payout_states_of([request])
    Payout.objects.update(state="submitting")
    Payout.objects.update(state="accepted", accepted_at=LATER)

    view = case_view(scene.cast.as_alice, request.pk, now=LATER)

    assert ready == {request.pk: "ready"}
    assert (view.money.state, view.money.is_paid) == ("accepted", True)


def test_a_cancelled_payout_moved_no_money(scene):
    request = approved(scene)
    cancel(scene, request)

    assert case_view(scene.cast.as_rita, request.pk, now=LATER).money.is_paid is False


@pytest.mark.parametrize(("who", "most"), [("as_alice", 14), ("as_rita", 20)])
def test_a_case_takes_the_same_queries_however_much_happened(scene, who, most):
    principal = getattr(scene.cast, who)
    request = in_review(scene)
    wrote = {"principal": scene.cast.as_alice, "request_id": request.pk, "body": "Well?", "now": LATER}
    services.post_message(**wrote)
    with CaptureQueriesContext(connection) as few:
        case_view(principal, request.pk, now=LATER)
    for _ in range(5):
        services.post_message(**wrote)

    with CaptureQueriesContext(connection) as many:
        case_view(principal, request.pk, now=LATER)

    assert len(few) == len(many) <= most
