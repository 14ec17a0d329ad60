"""
The same call under the same key has one effect and one answer.

All in one transaction: the key is written first, so a second call waits there until the first has
ended; then it finds the answer. There is no state "running" that a crash could leave behind.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet

from accounts.models import IdempotencyRecord
from kernel.errors import DomainError

KEPT: Final = timedelta(days=7)
RETRY_AFTER_S: Final = 1
# Answers that say "not now" or "not you" are not the answer to the call.
_NOT_STORED: Final = frozenset({401, 403, 409, 412, 429})
_LOCK_NOT_AVAILABLE: Final = "55P03"


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

    :raises IdempotencyKeyReused: the key stands for a call with another fingerprint
    :raises StillRunning: the first call holds the key for longer than the database waits
    """
    unstored: list[tuple[StoredAnswer, DomainError | None]] = []
    try:
        with transaction.atomic(durable=True):
            if not _claim(principal, key, fingerprint, now):
                return _replay(principal, key, fingerprint)
            answer, error = _answer(work, refusal)
            if not answer.is_storable:
                unstored.append((answer, error))
                raise _UndoAll
            _leave_trace(error)
            _keep(principal, key, answer)
            return answer
    except _UndoAll:
        answer, error = unstored[0]
        with transaction.atomic():
            _leave_trace(error)
        return answer


class _UndoAll(Exception):
    """Leave the transaction without a trace."""


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
