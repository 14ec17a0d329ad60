"""
The sandbox: a provider inside this installation, for demonstration and tests. It moves no money.

It keeps its own book in transactions of its own, executes a key once, ends an order after a while, and goes
wrong as its faults say.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import F

from kernel.money import Money
from payments.crashes import crash_point
from payments.gateways.protocol import AnswerKind, GatewayAnswer, PayoutOrder, ProviderLine
from payments.models import FaultKind, SandboxEnd, SandboxFault, SandboxRefund

ENDS_AFTER: Final = timedelta(seconds=3)
LATE_BY: Final = timedelta(minutes=1)
WAIT_FOR: Final = timedelta(seconds=30)
_LOST: Final = {
    FaultKind.TIMEOUT_DONE: "time-out",
    FaultKind.TIMEOUT_NOT_DONE: "time-out",
    FaultKind.ERROR_DONE: "500",
    FaultKind.ERROR_NOT_DONE: "503",
    FaultKind.LATE: "time-out",
}
_NOT_DONE: Final = (FaultKind.TIMEOUT_NOT_DONE, FaultKind.ERROR_NOT_DONE)
_END_KINDS: Final = {SandboxEnd.SETTLED: AnswerKind.SETTLED, SandboxEnd.RETURNED: AnswerKind.RETURNED}


class SandboxGateway:
    """The sandbox provider behind the protocol of all rails."""

    def submit(self, order: PayoutOrder, *, now: datetime) -> GatewayAnswer:
        """Execute an order once per key, unless a fault says otherwise."""
        with transaction.atomic(durable=True):
            fault = _next_fault(_faults_for(order))
            if fault is not None and fault.kind == FaultKind.REFUSE:
                return GatewayAnswer(kind=AnswerKind.FAILED, code=fault.code)
            if fault is not None and fault.kind == FaultKind.WAIT:
                return GatewayAnswer(kind=AnswerKind.WAIT, retry_at=now + WAIT_FOR)
            if fault is not None and fault.kind in _NOT_DONE:
                return GatewayAnswer(kind=AnswerKind.UNKNOWN, detail=_LOST[FaultKind(fault.kind)])
            line = _execute(order, fault, now)
        crash_point("executed")
        if fault is not None and fault.kind in _LOST:
            return GatewayAnswer(kind=AnswerKind.UNKNOWN, detail=_LOST[FaultKind(fault.kind)])
        return GatewayAnswer(kind=AnswerKind.ACCEPTED, reference=str(line.pk), amount=_amount(line))

    def look_up(self, order: PayoutOrder, *, now: datetime) -> GatewayAnswer:
        """Say what the book holds under a key."""
        with transaction.atomic(durable=True):
            if _next_fault([FaultKind.LOOK_UP_LOST]) is not None:
                return GatewayAnswer(kind=AnswerKind.UNKNOWN, detail="time-out")
            line = SandboxRefund.objects.filter(key=order.key.hex, created_at__lte=now).first()
        return GatewayAnswer(kind=AnswerKind.NONE) if line is None else _told(line, now)

    def lines(self, *, since: datetime, now: datetime) -> Iterator[ProviderLine]:
        """Read the sandbox's book; a line of it names no payment."""
        rows = SandboxRefund.objects.filter(created_at__gte=since, created_at__lte=now)
        for row in rows.order_by("created_at", "id").iterator():
            told = _told(row, now)
            yield ProviderLine(
                reference=told.reference, key=_uuid_or_none(row.key), amount=_amount(row), kind=told.kind,
                created_at=row.created_at, code=told.code,
            )  # fmt: skip


def _uuid_or_none(key: str) -> UUID | None:
    try:
        return UUID(key)
    except ValueError:
        return None


def _faults_for(order: PayoutOrder) -> list[FaultKind]:
    """What can go wrong at this call: an order that is in the book is not refused any more."""
    is_known = SandboxRefund.objects.filter(key=order.key.hex).exists()
    impossible = {FaultKind.LOOK_UP_LOST, FaultKind.REFUSE} if is_known else {FaultKind.LOOK_UP_LOST}
    return [kind for kind in FaultKind if kind not in impossible]


def _execute(order: PayoutOrder, fault: SandboxFault | None, now: datetime) -> SandboxRefund:
    """Write an order into the book, or find it there."""
    kind = fault.kind if fault is not None else ""
    starts_at = now + LATE_BY if kind == FaultKind.LATE else now
    ends = {FaultKind.FAIL_LATER: SandboxEnd.FAILED, FaultKind.RETURN_LATER: SandboxEnd.RETURNED}
    line = SandboxRefund(
        key=order.key.hex,
        amount_minor=order.amount.minor - (kind == FaultKind.WRONG_AMOUNT),
        currency=order.amount.currency,
        created_at=starts_at,
        ends_at=starts_at + ENDS_AFTER,
        end=ends.get(FaultKind(kind), SandboxEnd.SETTLED) if kind else SandboxEnd.SETTLED,
        failure_code=fault.code if fault is not None else "",
    )
    SandboxRefund.objects.bulk_create([line], ignore_conflicts=True)
    return SandboxRefund.objects.get(key=order.key.hex)


def _told(line: SandboxRefund, now: datetime) -> GatewayAnswer:
    """Answer from a line of the book."""
    kind = AnswerKind.ACCEPTED
    if line.ends_at <= now:
        kind = _END_KINDS.get(SandboxEnd(line.end), AnswerKind.FAILED)
    return GatewayAnswer(kind=kind, code=line.failure_code, reference=str(line.pk), amount=_amount(line))


def _amount(line: SandboxRefund) -> Money:
    return Money(line.amount_minor, line.currency)


def _next_fault(kinds: list[FaultKind]) -> SandboxFault | None:
    """Take the next fault of these kinds; each is there for so many calls."""
    faults = SandboxFault.objects.filter(kind__in=kinds, calls_left__gt=0).order_by("id")
    while (fault := faults.first()) is not None:
        taken = SandboxFault.objects.filter(pk=fault.pk, calls_left__gt=0).update(
            calls_left=F("calls_left") - 1
        )
        if taken:
            return fault
    return None
