"""
Checking the journal: its order, its seals, and its tail against what was anchored elsewhere.

One pass over everything, with flat memory; what is written meanwhile is left to the next check.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from events.models import Event, EventPosition, Seal
from events.seals import Entry, MerkleTree, canonical, chain_digest, instant, written_at
from events.selectors import last_position, newest_seal, read_journal, read_seals
from kernel.errors import Fault, InvalidInput

POSITION_WITHIN: Final = timedelta(minutes=1)
"""By when after its writing an event has its place."""

SEAL_WITHIN: Final = timedelta(minutes=5)
"""By when after its writing an event is sealed."""

FAULTS_KEPT: Final = 100


@dataclass(slots=True)
class JournalReport:
    """What was looked at and what is wrong; of many faults the first are kept in words."""

    positions: int = 0
    seals: int = 0
    anchors: int = 0
    fault_count: int = 0
    faults: list[str] = field(default_factory=list)

    def blame(self, fault: str) -> None:
        self.fault_count += 1
        if len(self.faults) < FAULTS_KEPT:
            self.faults.append(fault)


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A seal as it was written down outside of the database."""

    first: int
    last: int
    digest: str


def anchor_line(seal: Seal) -> str:
    """Write a seal as one line of JSON, to be kept where nobody of the database can reach it."""
    return json.dumps(
        {"first": seal.first, "last": seal.last, "digest": seal.digest, "sealed_at": instant(seal.sealed_at)}
    )


def parse_anchors(lines: Iterable[str]) -> Iterator[Anchor]:
    """
    Read anchors, one per line; empty lines are skipped.

    :raises InvalidInput: a line that is no anchor, with its number
    """
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                raw = json.loads(line)
                yield Anchor(first=int(raw["first"]), last=int(raw["last"]), digest=str(raw["digest"]))
            except (ValueError, KeyError, TypeError):
                fault = Fault(path=f"line {number}", message="This is not an anchored seal.")
                raise InvalidInput(f"Line {number} is not an anchored seal.", faults=[fault]) from None


def verify_journal(*, now: datetime, anchors: Iterable[Anchor] = ()) -> JournalReport:
    """
    Check the whole journal (invariant I09).

    Positions are gapless; every event has one, or is younger than `POSITION_WITHIN`; every seal covers
    its events, follows the one before and was not altered; no event waits for its seal longer than
    `SEAL_WITHIN`; every anchored seal is still there.
    """
    report = JournalReport()
    newest = newest_seal()
    walk = _Walk(report=report, now=now, seals=read_seals(up_to=newest.id if newest else 0))
    for entry in read_journal(up_to=last_position()):
        walk.take(entry)
    walk.finish()
    _check_events_without_place(report, now)
    for anchor in anchors:
        _check_anchor(report, anchor)
    return report


class _Walk:
    """Goes along positions and seals together."""

    def __init__(self, *, report: JournalReport, now: datetime, seals: Iterator[Seal]) -> None:
        self._report = report
        self._sealed_by = now - SEAL_WITHIN
        self._seals = seals
        self._last, self._last_seal = 0, (0, "")
        self._unsealed: tuple[int, int] | None = None
        self._open_next_seal()

    def _open_next_seal(self) -> None:
        self._seal = next(self._seals, None)
        self._tree = MerkleTree()

    def take(self, entry: Entry) -> None:
        self._report.positions += 1
        if entry.position > self._last + 1:
            self._report.blame(f"positions {self._last + 1} to {entry.position - 1} are missing")
        elif entry.position <= self._last:
            self._report.blame(f"position {entry.position} lies before the first one")
        self._last = max(self._last, entry.position)
        while self._seal is not None and entry.position > self._seal.last:
            self._close_seal(self._seal)
        if self._seal is not None:
            self._tree.add(canonical(entry))
        elif written_at(entry.id) < self._sealed_by:
            first, count = self._unsealed or (entry.position, 0)
            self._unsealed = (first, count + 1)

    def finish(self) -> None:
        while self._seal is not None:
            if self._seal.last > self._last:
                self._report.blame(f"the journal ends at {self._last}, but is sealed up to {self._seal.last}")
            self._close_seal(self._seal)
        if self._unsealed is not None:
            first, count = self._unsealed
            self._report.blame(f"{count} events from position {first} on are not sealed within their time")

    def _close_seal(self, seal: Seal) -> None:
        self._report.seals += 1
        name = f"the seal of positions {seal.first} to {seal.last}"
        last, digest = self._last_seal
        if seal.first != last + 1:
            self._report.blame(f"{name} does not begin after {last}, where the one before ends")
        if seal.previous != digest:
            self._report.blame(f"{name} does not follow the one before")
        if seal.digest != _digest(seal):
            self._report.blame(f"{name} was altered")
        if seal.root != self._tree.root():
            self._report.blame(f"{name} does not fit its events")
        self._last_seal = (seal.last, seal.digest)
        self._open_next_seal()


def _digest(seal: Seal) -> str:
    return chain_digest(
        first=seal.first, last=seal.last, root=seal.root, previous=seal.previous, sealed_at=seal.sealed_at
    )


def _check_events_without_place(report: JournalReport, now: datetime) -> None:
    for event_id in Event.objects.filter(position__isnull=True).values_list("id", flat=True)[:FAULTS_KEPT]:
        report.blame(f"event {event_id} has no place in the journal")
    milliseconds = (now - POSITION_WITHIN - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    late = EventPosition.objects.filter(number__isnull=True, event_id__lt=UUID(int=milliseconds << 80))
    for event_id in late.values_list("event_id", flat=True)[:FAULTS_KEPT]:
        report.blame(f"event {event_id} did not get its place within its time")


def _check_anchor(report: JournalReport, anchor: Anchor) -> None:
    report.anchors += 1
    kept: Mapping[str, Any] | None = (
        Seal.objects.filter(first=anchor.first, last=anchor.last).values("digest").first()
    )
    if kept is None:
        report.blame(f"the anchored seal of positions {anchor.first} to {anchor.last} is missing")
    elif kept["digest"] != anchor.digest:
        report.blame(f"the seal of positions {anchor.first} to {anchor.last} is not the anchored one")
