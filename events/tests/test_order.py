"""Positions: gapless, in the order of writing, and never before the commit."""

import threading
from contextlib import closing

import pytest
from django.db import IntegrityError, connection, transaction

from events import journal, selectors
from events.models import EventPosition, Seal
from events.seals import EMPTY_ROOT
from events.tests.journal import NOON, an_event, ordered, past_the_guards, sealed


def numbers():
    return list(EventPosition.objects.order_by("id").values_list("number", flat=True))


def in_thread(work):
    """Start work on a connection of its own."""

    def run():
        with closing(connection):
            work()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.django_db
def test_positions_follow_the_order_of_writing_even_within_one_moment():
    events = [an_event() for _ in range(20)]

    given = journal.sequence_events()

    assert given == 20
    assert [event.id for event in selectors.events_after(position=0, limit=50)] == [
        event.id for event in events
    ]
    assert numbers() == list(range(1, 21))


@pytest.mark.django_db
def test_positions_are_given_in_batches_without_a_gap():
    for _ in range(5):
        an_event()

    assert [journal.sequence_events(batch_max=2) for _ in range(4)] == [2, 2, 1, 0]
    assert numbers() == [1, 2, 3, 4, 5]


@pytest.mark.django_db
def test_a_rolled_back_event_leaves_no_gap():
    ordered(1)
    with transaction.atomic():
        an_event()
        transaction.set_rollback(True)

    ordered(1)

    assert numbers() == [1, 2]


@pytest.mark.django_db
def test_a_batch_is_placed_by_few_statements(django_assert_max_num_queries):
    for _ in range(50):
        an_event()

    with django_assert_max_num_queries(7):
        journal.sequence_events()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_an_event_committed_late_comes_after_those_already_placed():
    written, may_commit = threading.Event(), threading.Event()

    def slow_writer():
        with transaction.atomic():
            an_event(type="payment.voided")
            written.set()
            assert may_commit.wait(10)

    writer = in_thread(slow_writer)
    assert written.wait(10)
    an_event()
    journal.sequence_events()
    seen = [event.type for event in selectors.events_after(position=0, limit=9)]
    may_commit.set()
    writer.join(10)
    journal.sequence_events()

    assert seen == ["payment.captured"]
    assert [event.type for event in selectors.events_after(position=1, limit=9)] == ["payment.voided"]


def two_sequencers_meet():
    """While one has placed an event and not yet committed, another places the next; give its failures."""
    placed, may_end, failures = threading.Event(), threading.Event(), []

    def first():
        with transaction.atomic():
            an_event()
            journal.sequence_events()
            placed.set()
            assert may_end.wait(10)

    def second():
        try:
            journal.sequence_events()
        except IntegrityError as error:
            failures.append(error)

    one = in_thread(first)
    assert placed.wait(10)
    an_event()
    other = in_thread(second)
    other.join(0.5)
    may_end.set()
    for thread in (one, other):
        thread.join(10)
    return failures


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_only_one_sequencer_works_at_a_time():
    failures = two_sequencers_meet()

    assert failures == []
    assert numbers() == [1, None]


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_without_their_lock_two_sequencers_give_the_same_number(monkeypatch):
    monkeypatch.setattr(journal, "_is_alone", lambda job: True)

    failures = two_sequencers_meet()

    assert len(failures) == 1


def race_of_writers_and_sequencers():
    """Let four write, two place; give the numbers of the journal."""
    writing = [True]

    def write():
        for _ in range(25):
            an_event()

    def place():
        while writing[0]:
            journal.sequence_events(batch_max=7)

    writers, placers = [in_thread(write) for _ in range(4)], [in_thread(place) for _ in range(2)]
    for thread in writers:
        thread.join(60)
    writing[0] = False
    for thread in placers:
        thread.join(60)
    while journal.sequence_events():
        pass
    return sorted(numbers())


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_positions_stay_gapless_while_many_write_and_two_place():
    assert race_of_writers_and_sequencers() == list(range(1, 101))


@pytest.mark.django_db
def test_seals_close_runs_and_follow_each_other():
    ordered(5)

    made = journal.seal(now=NOON, run_max=2)

    first, second, third = Seal.objects.order_by("id")
    assert made == 3
    assert [(seal.first, seal.last) for seal in (first, second, third)] == [(1, 2), (3, 4), (5, 5)]
    assert (first.previous, second.previous, third.previous) == ("", first.digest, second.digest)
    assert EMPTY_ROOT not in {first.root, second.root, third.root}


@pytest.mark.django_db
def test_what_is_sealed_already_is_not_sealed_again():
    sealed(3)

    assert journal.seal(now=NOON) == 0
    assert Seal.objects.count() == 1


@pytest.mark.django_db
def test_nothing_is_sealed_over_a_missing_position():
    events = ordered(4)
    with past_the_guards():
        EventPosition.objects.filter(event=events[2]).delete()

    journal.seal(now=NOON)

    assert [(seal.first, seal.last) for seal in Seal.objects.all()] == [(1, 2)]
    assert journal.seal(now=NOON) == 0
