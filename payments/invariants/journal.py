"""I09: the journal is whole, in order and sealed, and nothing is missing at its end."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from django.conf import settings

from events.verification import Anchor, parse_anchors, verify_journal
from kernel.errors import InvalidInput
from payments.checks import Check, Cost


def faults_of_the_journal(now: datetime) -> Iterator[tuple[object, object]]:
    """Give what is wrong with the journal, held against the seals kept outside where there are any."""
    try:
        anchors = _anchors()
    except (OSError, UnicodeDecodeError, InvalidInput) as error:
        yield settings.ANCHOR_FILE, f"cannot be read: {error}"
        anchors = []
    report = verify_journal(now=now, anchors=anchors)
    for fault in report.faults:
        yield "journal", fault
    if report.fault_count > len(report.faults):
        yield "journal", f"and {report.fault_count - len(report.faults)} more"


def _anchors() -> list[Anchor]:
    if not settings.ANCHOR_FILE.exists():
        return []
    with settings.ANCHOR_FILE.open(encoding="utf-8") as lines:
        return list(parse_anchors(lines))


JOURNAL: Final = (
    Check(
        id="I09",
        title="the journal is not as it was written",
        safety=False,
        cost=Cost.DEEP,
        find=faults_of_the_journal,
    ),
)
