from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import transaction

from events.actors import SYSTEM_ACTOR, Actor
from events.models import Event, EventPosition
from events.tests.journal import ALICE, NOON, an_event

pytestmark = pytest.mark.django_db


def test_an_event_keeps_who_did_what_when_and_to_what():
    subject = UUID(int=7)

    an_event(subject_id=subject, data={"reasons": ("late",), "count": 2, "on": date(2026, 6, 2), "by": ALICE})

    event = Event.objects.get()
    assert (event.type, event.subject_type, event.subject_id) == ("payment.captured", "payment", subject)
    assert (event.actor_kind, event.actor_id, event.at) == ("client", ALICE, NOON)
    assert event.data == {"reasons": ["late"], "count": 2, "on": "2026-06-02", "by": str(ALICE)}


def test_an_event_waits_for_its_position():
    event = an_event()

    assert event.position.number is None


def test_recording_costs_two_inserts(django_assert_num_queries):
    with django_assert_num_queries(2):
        an_event()


def test_an_event_of_a_change_that_is_rolled_back_never_happened():
    with transaction.atomic():
        an_event()
        transaction.set_rollback(True)

    assert Event.objects.count() == EventPosition.objects.count() == 0


@pytest.mark.parametrize(
    "value",
    [1.5, Decimal("1.00"), b"bytes", Ellipsis, {"inner": 1.5}, [1.5], {1: "key"}, "a\0b", "\ud800"],
    ids=ascii,
)
def test_an_event_refuses_values_that_a_database_may_change(value):
    with pytest.raises(TypeError):
        an_event(data={"value": value})

    assert not Event.objects.exists()


@pytest.mark.parametrize(
    "name", ["captured", "Payment.captured", "payment.", "payment captured", "a.b.c", ""]
)
def test_an_event_is_named_noun_and_past_participle(name):
    with pytest.raises(ValueError, match=r"noun\.past_participle"):
        an_event(type=name)


def test_an_event_has_an_instant_with_a_zone():
    with pytest.raises(ValueError, match="zone"):
        an_event(at=datetime(2026, 6, 2, 12, 0))


@pytest.mark.parametrize(("kind", "identity"), [("system", ALICE), ("staff", None), ("robot", ALICE)])
def test_only_the_portal_itself_acts_without_an_id(kind, identity):
    with pytest.raises(ValueError):
        Actor(kind, identity)

    assert Actor("system", None) == SYSTEM_ACTOR
