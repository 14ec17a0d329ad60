"""The check of the journal is able to fail: each fault is planted past the guards and must be told."""

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.core import mail
from django.core.management import CommandError, call_command

from events import journal, verification
from events.models import Event, EventPosition, Seal
from events.tests.journal import NOON, an_event, ordered, past_the_guards, sealed
from kernel.ids import new_id

pytestmark = pytest.mark.django_db


def faults(*, later=timedelta(0), anchors=()):
    report = verification.verify_journal(now=datetime.now(UTC) + later, anchors=anchors)
    assert report.fault_count == len(report.faults)
    return report.faults


def newest_anchor():
    return list(verification.parse_anchors([verification.anchor_line(Seal.objects.latest("id"))]))


def test_a_whole_journal_has_no_faults():
    sealed(3, 1, 4)

    report = verification.verify_journal(now=datetime.now(UTC), anchors=newest_anchor())

    assert (report.positions, report.seals, report.anchors, report.faults) == (8, 3, 1, [])


def test_an_empty_journal_has_no_faults():
    assert faults() == []


def test_a_journal_longer_than_one_reading_is_checked_whole(monkeypatch):
    monkeypatch.setattr("events.selectors.CHUNK_ROWS", 3)
    sealed(4, 1, 1, 1, 5)

    report = verification.verify_journal(now=datetime.now(UTC))

    assert (report.positions, report.seals, report.faults) == (12, 5, [])


@pytest.mark.parametrize(
    "change",
    [
        {"data": {"amount": "900.00"}},
        {"type": "payment.voided"},
        {"client_id": None},
        {"actor_kind": "staff"},
        {"at": NOON + timedelta(microseconds=1)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_event_is_told(change):
    sealed(2, 3, 2)
    with past_the_guards():
        Event.objects.filter(position__number=4).update(**change)

    assert faults() == ["the seal of positions 3 to 5 does not fit its events"]


def test_two_exchanged_events_are_told():
    sealed(3)
    one, other = EventPosition.objects.filter(number__in=(1, 2)).order_by("number")
    with past_the_guards():
        for position, number in ((one, 99), (other, 1), (one, 2)):
            EventPosition.objects.filter(pk=position.pk).update(number=number)

    assert faults() == ["the seal of positions 1 to 3 does not fit its events"]


def test_a_missing_position_is_told():
    sealed(3, 3)
    with past_the_guards():
        EventPosition.objects.filter(number=2).delete()

    found = faults()

    assert "positions 2 to 2 are missing" in found
    assert "the seal of positions 1 to 3 does not fit its events" in found
    assert any("has no place in the journal" in fault for fault in found)


def test_a_position_before_the_first_is_told():
    sealed(1)
    event = an_event()
    with past_the_guards():
        EventPosition.objects.filter(event=event).update(number=0)

    assert "position 0 lies before the first one" in faults()


def test_an_event_without_a_place_is_told():
    event = Event.objects.create(
        type="payment.captured", subject_type="payment", subject_id=new_id(), actor_kind="system", at=NOON
    )

    assert faults() == [f"event {event.pk} has no place in the journal"]


@pytest.mark.parametrize(("seconds", "is_late"), [(-1, False), (2, True)])
def test_an_event_that_waits_too_long_for_its_place_is_told(seconds, is_late):
    event = an_event()

    found = faults(later=verification.POSITION_WITHIN + timedelta(seconds=seconds))

    assert found == [f"event {event.pk} did not get its place within its time"] * is_late


@pytest.mark.parametrize(("seconds", "is_late"), [(-1, False), (2, True)])
def test_events_that_wait_too_long_for_their_seal_are_told(seconds, is_late):
    sealed(2)
    ordered(3)

    found = faults(later=verification.SEAL_WITHIN + timedelta(seconds=seconds))

    assert found == ["3 events from position 3 on are not sealed within their time"] * is_late


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"sealed_at": NOON + timedelta(days=1)}, "the seal of positions 3 to 4 was altered"),
        ({"previous": "0" * 64}, "the seal of positions 3 to 4 does not follow the one before"),
        ({"root": "0" * 64}, "the seal of positions 3 to 4 does not fit its events"),
        ({"digest": "0" * 64}, "the seal of positions 3 to 4 was altered"),
        ({"first": 4}, "the seal of positions 4 to 4 does not begin after 2, where the one before ends"),
    ],
    ids=["sealed_at", "previous", "root", "digest", "first"],
)
def test_an_altered_seal_is_told(change, fault):
    sealed(2, 2, 2)
    with past_the_guards():
        Seal.objects.filter(first=3).update(**change)

    assert fault in faults()


def test_a_seal_taken_out_of_the_chain_is_told():
    sealed(2, 2, 2)
    with past_the_guards():
        Seal.objects.filter(first=3).delete()

    found = faults()

    assert "the seal of positions 5 to 6 does not begin after 2, where the one before ends" in found
    assert "the seal of positions 5 to 6 does not follow the one before" in found


def test_events_cut_from_under_their_seal_are_told():
    sealed(2, 2)
    with past_the_guards():
        EventPosition.objects.filter(number__gt=2).delete()

    assert "the journal ends at 2, but is sealed up to 4" in faults()


def cut_after(position):
    with past_the_guards():
        Seal.objects.filter(last__gt=position).delete()
        gone = list(EventPosition.objects.filter(number__gt=position).values_list("event_id", flat=True))
        EventPosition.objects.filter(number__gt=position).delete()
        Event.objects.filter(pk__in=gone).delete()


def test_a_clean_cut_of_the_tail_is_told_by_the_anchor_alone():
    sealed(2, 2)
    anchors = newest_anchor()
    cut_after(2)

    assert faults() == []
    assert faults(anchors=anchors) == ["the anchored seal of positions 3 to 4 is missing"]


def test_a_tail_written_anew_is_told_by_the_anchor():
    sealed(2, 2)
    anchors = newest_anchor()
    cut_after(2)
    ordered(2)
    journal.seal(now=NOON)

    assert faults() == []
    assert faults(anchors=anchors) == ["the seal of positions 3 to 4 is not the anchored one"]


def test_of_very_many_faults_the_first_are_told_and_all_are_counted():
    sealed(*[1] * 120)
    with past_the_guards():
        Event.objects.update(data={"amount": "0.01"})

    report = verification.verify_journal(now=datetime.now(UTC))

    assert (report.fault_count, len(report.faults)) == (120, verification.FAULTS_KEPT)


def verify(*arguments):
    out, err = io.StringIO(), io.StringIO()
    call_command("verify_journal", *arguments, stdout=out, stderr=err)
    return out.getvalue()


def test_the_command_counts_what_it_looked_at(tmp_path: Path):
    sealed(2, 3)
    file = tmp_path / "anchors"
    call_command("seal_anchor", "--file", str(file), stdout=io.StringIO())

    assert verify("--anchor", str(file)) == "5 events in order, 2 seals, 1 anchors, 0 faults\n"


def test_the_command_fails_and_names_the_fault():
    sealed(2)
    with past_the_guards():
        Event.objects.filter(position__number=1).update(data={})
    err = io.StringIO()

    with pytest.raises(CommandError) as refusal:
        call_command("verify_journal", stdout=io.StringIO(), stderr=err)

    assert refusal.value.returncode == 1
    assert "FAULT: the seal of positions 1 to 2 does not fit its events" in err.getvalue()


@pytest.mark.parametrize(
    "content",
    ["", "no json\n", '{"first": 1}\n', "[1]\n", "\xff"],
    ids=["empty", "text", "part", "list", "bytes"],
)
def test_a_file_that_holds_no_anchors_is_not_taken_for_a_clean_check(tmp_path: Path, content):
    sealed(1)
    file = tmp_path / "anchors"
    file.write_bytes(content.encode("latin-1"))

    with pytest.raises(CommandError, match="anchor"):
        verify("--anchor", str(file))


def test_a_file_that_is_not_there_is_not_taken_for_a_clean_check(tmp_path: Path):
    with pytest.raises(CommandError):
        verify("--anchor", str(tmp_path / "nowhere"))


def test_anchors_gather_in_a_file_and_go_out_by_mail(tmp_path: Path):
    file = tmp_path / "anchors"
    for place in range(2):
        sealed_at = NOON + timedelta(minutes=place)
        ordered(2)
        journal.seal(now=sealed_at)
        call_command("seal_anchor", "--file", str(file), "--email", "audit@example.com", stdout=io.StringIO())

    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(line["first"], line["last"]) for line in lines] == [(1, 2), (3, 4)]
    assert [message.to for message in mail.outbox] == [["audit@example.com"]] * 2
    assert json.loads(mail.outbox[1].body) == lines[1]


def test_a_journal_without_a_seal_has_nothing_to_anchor():
    with pytest.raises(CommandError, match="no seal"):
        call_command("seal_anchor")


def test_the_time_of_writing_counts_not_the_time_that_the_event_tells():
    with time_machine.travel(NOON):
        an_event(at=NOON - timedelta(days=30))

        found = verification.verify_journal(now=NOON).faults

    assert found == []
