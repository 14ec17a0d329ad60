from datetime import timedelta

import pytest

from events import journal, selectors
from events.tests.journal import A_CLIENT, NOON, an_event, ordered
from kernel.ids import new_id

pytestmark = pytest.mark.django_db

MALLORY = new_id()


def read(**filters):
    return [event.id for event in selectors.events_after(**({"position": 0, "limit": 10} | filters))]


def test_a_reader_goes_on_where_it_stopped_and_misses_nothing():
    written = [event.id for event in ordered(5)]
    seen, position = [], 0

    while page := selectors.events_after(position=position, limit=2):
        seen += [event.id for event in page]
        position = page[-1].position.number

    assert seen == written
    assert position == selectors.last_position() == 5


def test_a_reader_never_sees_an_event_before_it_has_its_place():
    an_event()

    assert read() == []
    assert selectors.last_position() == 0


def test_a_reader_sees_only_the_types_asked_for():
    an_event()
    voided = an_event(type="payment.voided")
    journal.sequence_events()

    assert read(types=["payment.voided"]) == [voided.id]
    assert read(types=[]) == []


def test_a_reader_for_some_clients_sees_neither_others_nor_what_belongs_to_none():
    own = an_event()
    foreign = an_event(client_id=MALLORY)
    of_none = an_event(client_id=None)
    journal.sequence_events()

    assert read(client_ids=[A_CLIENT]) == [own.id]
    assert read(client_ids=[]) == []
    assert read() == [own.id, foreign.id, of_none.id]


def test_a_page_is_read_with_one_query(django_assert_num_queries):
    ordered(5)

    with django_assert_num_queries(1):
        assert [event.position.number for event in selectors.events_after(position=1, limit=3)] == [2, 3, 4]


def test_a_timeline_tells_what_happened_to_its_subjects_in_order():
    payment, request = new_id(), new_id()
    later = an_event(subject_id=request, at=NOON + timedelta(hours=1))
    first = an_event(subject_id=payment)
    second = an_event(subject_id=payment, type="payment.disputed")
    an_event()

    timeline = selectors.timeline_of([payment, request])

    assert [event.id for event in timeline] == [first.id, second.id, later.id]
