"""
The same call under the same key has one effect and one answer.

All in one transaction: the key is written first, so a second call waits there until the first has
ended; then it finds the answer. There is no state "running" that a crash could leave behind.
"""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet

from accounts.models import IdempotencyRecord
from events.crashes import crash_point
from kernel.errors import DomainError

log = structlog.get_logger(__name__)
KEPT: Final = timedelta(days=7)
RETRY_AFTER_S: Final = 1
# Answers that say "not now" or "not you" are not the answer to the call.
_NOT_STORED: Final = frozenset({401, 403, 409, 412, 429})
_LOCK_NOT_AVAILABLE: Final = "55P03"
# The database has broken a tie: the loser's transaction is undone as a whole and may be done again.
_BROKEN_TIES: Final = frozenset({"40P01", "40001"})
TRIES_MAX: Final = 3


class IdempotencyKeyReused(DomainError):
    """The key was used for another call."""

    code = "idempotency_key_reused"
    title = "This idempotency key belongs to another call."


class StillRunning(DomainError):
    """The first call under this key has not ended; `retry_after` is in seconds."""

    code = "idempotency_key_in_use"
    kind = "conflict"
    title = "The first call under this idempotency key is still running."


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAnswer:
    """An answer as it went out: status, headers worth repeating, and the bytes of the body."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    replayed: bool = False

    @property
    def is_storable(self) -> bool:
        """Refusals by the rules are answers; conflicts, missing rights and faults of ours are not."""
        return self.status < 500 and self.status not in _NOT_STORED


def run_once(
    *,
    principal: str,
    key: str,
    fingerprint: str,
    work: Callable[[], StoredAnswer],
    refusal: Callable[[DomainError], StoredAnswer],
    now: datetime,
) -> StoredAnswer:
    """
    Do the work of a call unless it has been done, and keep its answer for at least seven days.

    `fingerprint` is the SHA-256 (hex) of method, route and canonical body. A DomainError raised by
    `work` undoes all it did; `refusal` translates it into the answer. An answer that is not storable
    is given but nothing of the call remains, save the aftermath of its refusal.

    Where the database breaks a deadlock by undoing this transaction, all of it is done again, three
    times at most: `work` must have no effect outside of the database.

    :raises IdempotencyKeyReused: the key stands for a call with another fingerprint
    :raises StillRunning: the first call holds the key for longer than the database waits
    """

    def attempt() -> StoredAnswer:
        with transaction.atomic(durable=True):
            if not _claim(principal, key, fingerprint, now):
                return _replay(principal, key, fingerprint)
            answer, error = _answer(work, refusal)
            if not answer.is_storable:
                raise _UndoAll(answer, error)
            _leave_trace(error)
            _keep(principal, key, answer)
            crash_point("before_answer_is_kept")
            return answer

    try:
        answer = _again_after_ties(attempt)
    except _UndoAll as undone:
        with transaction.atomic():
            _leave_trace(undone.error)
        return undone.answer
    crash_point("before_answer_is_sent")
    return answer


def _again_after_ties(attempt: Callable[[], StoredAnswer]) -> StoredAnswer:
    for tries in range(1, TRIES_MAX + 1):
        try:
            return attempt()
        except OperationalError as error:
            state = getattr(error.__cause__, "pgcode", None)
            if state not in _BROKEN_TIES or tries == TRIES_MAX:
                raise
            log.warning("transaction_done_again", state=state, tries=tries)
            time.sleep(random.uniform(0.01, 0.05) * tries)  # noqa: S311 - no secret: lets the other one pass
    raise AssertionError("the last try returns or raises")


class _UndoAll(Exception):
    """Leave the transaction without a trace; what is answered is carried out of it."""

    def __init__(self, answer: StoredAnswer, error: DomainError | None) -> None:
        super().__init__(answer.status)
        self.answer, self.error = answer, error


def _claim(principal: str, key: str, fingerprint: str, now: datetime) -> bool:
    """Write the key down; false if it stands there already. Waits for a call that holds it."""
    table = connection.ops.quote_name(IdempotencyRecord._meta.db_table)
    values = [principal, key, fingerprint, connection.ops.adapt_datetimefield_value(now)]
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table} (principal, key, fingerprint, headers, body, created_at) "  # noqa: S608
                "VALUES (%s, %s, %s, '{}', '', %s) ON CONFLICT (principal, key) DO NOTHING",
                values,
            )
            return bool(cursor.rowcount == 1)
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", None) == _LOCK_NOT_AVAILABLE:
            raise StillRunning(retry_after=RETRY_AFTER_S) from error
        raise


def _replay(principal: str, key: str, fingerprint: str) -> StoredAnswer:
    record = IdempotencyRecord.objects.get(principal=principal, key=key)
    if record.fingerprint != fingerprint:
        raise IdempotencyKeyReused
    assert record.status is not None  # written in the transaction that wrote the key
    return StoredAnswer(status=record.status, headers=record.headers, body=bytes(record.body), replayed=True)


def _answer(
    work: Callable[[], StoredAnswer], refusal: Callable[[DomainError], StoredAnswer]
) -> tuple[StoredAnswer, DomainError | None]:
    try:
        with transaction.atomic():
            return work(), None
    except DomainError as error:
        return refusal(error), error


def _leave_trace(error: DomainError | None) -> None:
    """Write down what stays true although the act was refused: the first writing was undone with the act."""
    if error is not None and error.aftermath is not None:
        error.aftermath()


def _keep(principal: str, key: str, answer: StoredAnswer) -> None:
    IdempotencyRecord.objects.filter(principal=principal, key=key).update(
        status=answer.status, headers=dict(answer.headers), body=answer.body
    )


def past_their_time(now: datetime) -> QuerySet[IdempotencyRecord]:
    """Select the answers that need no longer be kept."""
    return IdempotencyRecord.objects.filter(created_at__lt=now - KEPT)
