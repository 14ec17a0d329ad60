"""
The journal's order and seals.

Writers only add rows. One sequencer gives committed events their gapless positions and, in the same
transaction, lays out what is to be told; one sealer closes runs of positions.
"""

from datetime import datetime
from typing import Final

import structlog
from django.db import connection, transaction

from events import seals
from events.mail import routed_types
from events.models import Event, EventPosition, Seal
from events.outbox import lay_out_mail
from events.selectors import last_position, newest_seal, read_journal
from events.verification import verify_journal
from events.webhooks.layout import lay_out_webhooks

__all__ = ["seal", "sequence_events", "verify_journal"]

log = structlog.get_logger(__name__)

# Keys of advisory locks, one per job that runs once at a time: "sequ" and "seal" in ASCII.
_SEQUENCER: Final = 0x73657175
_SEALER: Final = 0x7365616C

_POSITIONS = EventPosition._meta.db_table
_GIVE_NUMBERS: Final = f"""
  WITH waiting AS (SELECT id FROM {_POSITIONS} WHERE number IS NULL ORDER BY id LIMIT %s),
       given AS (SELECT COALESCE(MAX(number), 0) AS last FROM {_POSITIONS}),
       placed AS (SELECT id, given.last + ROW_NUMBER() OVER (ORDER BY id) AS place FROM waiting, given)
UPDATE {_POSITIONS} SET number = placed.place FROM placed WHERE {_POSITIONS}.id = placed.id
RETURNING number
"""  # noqa: S608 - the table's own name


def _is_alone(job: int) -> bool:
    """Take a job for this transaction; False if another process has it. SQLite has one writer anyway."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [job])
        (taken,) = cursor.fetchone()
    return bool(taken)


def sequence_events(batch_max: int = 500) -> int:
    """
    Give the next events that were committed their positions, and lay out their e-mails and webhooks.

    At most `batch_max` events. Returns how many; 0 also while another process does it.
    """
    if not EventPosition.objects.filter(number__isnull=True).exists():
        return 0
    with transaction.atomic():
        if not _is_alone(_SEQUENCER):
            return 0
        with connection.cursor() as cursor:
            cursor.execute(_GIVE_NUMBERS, [batch_max])
            numbers = [number for (number,) in cursor.fetchall()]
        if numbers:
            _lay_out(min(numbers), max(numbers))
    return len(numbers)


def _lay_out(first: int, last: int) -> None:
    events = Event.objects.filter(position__number__range=(first, last)).order_by("position__number")
    for event in events.filter(type__in=routed_types()):
        lay_out_mail(event)
    lay_out_webhooks(events)


def seal(*, now: datetime, run_max: int = 10_000) -> int:
    """
    Seal all positions that have no seal yet, in runs of at most `run_max`.

    A run ends before a missing position, and nothing after it is sealed until a person has looked.
    Returns how many seals were made.
    """
    made = 0
    while _seal_run(now, run_max):
        made += 1
    return made


def _seal_run(now: datetime, run_max: int) -> bool:
    newest = newest_seal()
    if last_position() <= (newest.last if newest else 0):
        return False
    with transaction.atomic():
        if not _is_alone(_SEALER):
            return False
        newest = newest_seal()
        last_sealed, previous = (newest.last, newest.digest) if newest else (0, "")
        last, root = _root_after(last_sealed, run_max)
        if last == last_sealed:
            return False
        first = last_sealed + 1
        Seal.objects.create(
            first=first,
            last=last,
            root=root,
            previous=previous,
            sealed_at=now,
            digest=seals.chain_digest(first=first, last=last, root=root, previous=previous, sealed_at=now),
        )
    return True


def _root_after(position: int, run_max: int) -> tuple[int, str]:
    """Compute the root of the unbroken run after a position; gives its last position too."""
    tree = seals.MerkleTree()
    last = position
    for entry in read_journal(after=position, up_to=position + run_max):
        if entry.position != last + 1:
            log.error("journal_has_a_gap", after=last)
            break
        tree.add(seals.canonical(entry))
        last = entry.position
    return last, tree.root()
