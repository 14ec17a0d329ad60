"""Review: taken up, held for information, gone on with, withdrawn."""

from datetime import date, timedelta

import pytest

from accounts.principals import SYSTEM
from contracts.services import add_member
from contracts.tests.cast import NOW
from events.models import Event
from kernel.errors import InvalidInput, NotFoundOrHidden, NotPermitted, StaleState
from refunds import services
from refunds.errors import FourEyesViolated
from refunds.tests.scene import LATER, again, applied, approved, in_review, proposed

pytestmark = pytest.mark.django_db


def asked(scene, *, now=LATER):
    request = in_review(scene, now=now)
    services.request_information(
        principal=scene.cast.as_rita, request_id=request.pk, question="Which orders?", now=now
    )
    return again(request)


def test_a_reviewer_takes_a_case_up_once(scene):
    request = in_review(scene)

    assert (request.state, request.reviewer) == ("in_review", scene.cast.rita)
    with pytest.raises(StaleState):
        services.start_review(principal=scene.cast.as_arno, request_id=request.pk, now=LATER)


@pytest.mark.parametrize("who", ["as_alice", "as_finn", "as_ada", "as_erp"])
def test_others_do_not_take_cases_up(scene, who):
    request = applied(scene)

    with pytest.raises(NotPermitted):
        services.start_review(principal=getattr(scene.cast, who), request_id=request.pk, now=LATER)


def test_nobody_takes_up_the_case_of_a_client_they_belong_to(scene):
    request = applied(scene)
    cast = scene.cast
    add_member(principal=SYSTEM, client_id=cast.client.pk, user=cast.rita, role="owner", now=NOW)

    with pytest.raises(FourEyesViolated) as refusal:
        services.start_review(principal=cast.as_rita, request_id=request.pk, now=LATER)

    assert refusal.value.data["because"] == ["member"]


def test_the_client_has_seven_local_days_to_answer(scene):
    request = asked(scene, now=NOW.replace(hour=22, minute=30))

    assert (request.state, request.information_due_on) == ("information_requested", date(2026, 6, 9))
    assert request.messages.get().body == "Which orders?"


def test_the_clients_answer_brings_the_case_back_to_review(scene):
    request = asked(scene)

    services.answer_information(
        principal=scene.cast.as_alice, request_id=request.pk, body="All of May.", now=LATER
    )

    request = again(request)
    assert (request.state, request.information_due_on) == ("in_review", None)
    types = Event.objects.filter(subject_id=request.pk).order_by("id").values_list("type", flat=True)
    assert list(types)[-2:] == ["message.posted", "refund_request.information_received"]


@pytest.mark.parametrize(("days", "goes_on"), [(7, False), (8, True)])
def test_the_review_goes_on_without_an_answer_only_after_the_last_day(scene, days, goes_on):
    request = asked(scene)
    local_noon = NOW.replace(hour=10) + timedelta(days=days)
    rita = {"principal": scene.cast.as_rita, "request_id": request.pk, "now": local_noon}

    if goes_on:
        assert services.start_review(**rita).state == "in_review"
    else:
        with pytest.raises(StaleState):
            services.start_review(**rita)


def test_the_reminder_comes_once_from_two_days_before(scene):
    request = asked(scene)
    early, due = NOW + timedelta(days=4), NOW + timedelta(days=5)

    assert services.remind_of_question(request_id=request.pk, now=early) is False
    assert services.due_reminders(due, 10) == [request.pk]
    assert services.remind_of_question(request_id=request.pk, now=due) is True
    assert services.remind_of_question(request_id=request.pk, now=due) is False
    assert services.due_reminders(due, 10) == []
    assert Event.objects.filter(type="refund_request.information_reminded").count() == 1


def test_a_question_needs_words(scene):
    request = in_review(scene)

    with pytest.raises(InvalidInput):
        services.request_information(
            principal=scene.cast.as_rita, request_id=request.pk, question="  ", now=LATER
        )

    assert again(request).state == "in_review"


@pytest.mark.parametrize("reached", [applied, in_review, asked, proposed])
def test_an_application_can_be_withdrawn_until_it_is_answered(scene, reached):
    request = reached(scene)

    services.withdraw_request(principal=scene.cast.as_alice, request_id=request.pk, now=LATER)

    assert again(request).state == "withdrawn"
    assert Event.objects.filter(type="refund_request.withdrawn").count() == 1


def test_what_is_approved_can_no_longer_be_withdrawn(scene):
    request = approved(scene)

    with pytest.raises(StaleState):
        services.withdraw_request(principal=scene.cast.as_alice, request_id=request.pk, now=LATER)


@pytest.mark.parametrize("who", ["as_bea", "as_rita", "as_finn"])
def test_only_those_who_may_apply_withdraw(scene, who):
    request = applied(scene)

    with pytest.raises(NotPermitted):
        services.withdraw_request(principal=getattr(scene.cast, who), request_id=request.pk, now=LATER)


def test_a_stranger_withdraws_nothing(scene):
    request = applied(scene)

    with pytest.raises(NotFoundOrHidden):
        services.withdraw_request(principal=scene.cast.as_mallory, request_id=request.pk, now=LATER)
