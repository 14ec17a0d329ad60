"""
Reconciliation: our payouts held against the book of a provider, line by line, both ways.

What the provider has and we do not, what we have and it does not, and what differs becomes a break for
Finance. What is merely ahead of us (an answer that was lost, a payout that a restored backup forgot it had
sent) is booked by the function that books answers. Nothing here sends money.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction

from accounts.models import User
from accounts.principals import Principal
from accounts.rights import require_finance
from events.actors import SYSTEM_ACTOR, Actor
from events.services import record_event
from payments.checks import money_may_be_unsafe
from payments.gateways import gateway_of, machine_rails
from payments.gateways.protocol import AnswerKind, BookClosed, GatewayAnswer, ProviderLine
from payments.models import Break, BreakKind, Payment, Payout, PayoutState, Rail, Reconciliation
from payments.restores import database_identity
from payments.selectors import lock_payment, lock_payout
from payments.services.bank_reconciliation import bank_comparison_due, compare_with_bank
from payments.services.booking import book_answer
from payments.services.breaks import leave_break
from payments.services.sending import claim_payout, order_of

log = structlog.get_logger(__name__)

EVERY: Final = timedelta(days=1)
REACH: Final = timedelta(days=35)
"""How far back a book is read: a refund may come back for a month."""

LAG: Final = timedelta(minutes=30)
"""A provider's lists lag: what is missing there counts as missing only when it is older."""

RETRY_AFTER: Final = timedelta(minutes=10)
GONE_WELL: Final = (AnswerKind.ACCEPTED, AnswerKind.SETTLED)
_PAID: Final = (PayoutState.ACCEPTED, PayoutState.SETTLED)


@dataclass(slots=True)
class _Comparison:
    """One run: what was seen so far."""

    run: Reconciliation
    now: datetime
    seen: set[UUID] = field(default_factory=set)
    live: dict[UUID, str] = field(default_factory=dict)
    """Keys with a line that moved money, and the line's name."""


def reconcile_due(*, now: datetime) -> int:
    """Reconcile the rails whose last comparison is a day old, or was in another database; give how many."""
    due = [rail for rail in machine_rails() if is_comparison_due(rail, now)]
    for rail in due:
        reconcile(rail=rail, now=now)
    if is_bank_due := bank_comparison_due(now):
        compare_with_bank(now=now)
    return len(due) + is_bank_due


def is_comparison_due(rail: str, now: datetime) -> bool:
    """Tell whether a rail's last comparison is a day old, broke off, or was in another database."""
    last = Reconciliation.objects.filter(rail=rail).order_by("-started_at", "-id").first()
    if last is None:
        return True
    if last.ended_at is None or last.error:
        return now - last.started_at >= RETRY_AFTER or last.started_at > now
    return now - last.started_at >= EVERY or last.database != database_identity()


def comparable_rails() -> list[str]:
    """Name the rails with a book to compare: where a machine sends, and the bank's by its statements."""
    return [*machine_rails(), *(rail for rail in settings.PAYOUT_RAILS if rail == Rail.BANK_FILE.value)]


def reconcile_now(*, principal: Principal, rail: str, now: datetime) -> Reconciliation:
    """
    Reconcile a rail because a person of Finance asks.

    :raises NotPermitted: reconciling is for Finance
    :raises NoGateway: the rail is off, or no machine sends on it
    """
    person = require_finance(principal)
    if rail == Rail.BANK_FILE.value and rail in comparable_rails():
        return compare_with_bank(principal=principal, now=now)
    return reconcile(rail=rail, now=now, asked_by=person, actor=principal.actor)


def reconcile(
    *,
    rail: str,
    now: datetime,
    asked_by: User | None = None,
    actor: Actor = SYSTEM_ACTOR,
    after_restore: bool = False,
) -> Reconciliation:
    """
    Hold our payouts of a rail against its provider's book, both ways.

    With `after_restore` nothing is sent on the rail until this, or a later one, has read the book to its end.
    A book that cannot be read is noted with the run and raises nothing.

    :raises NoGateway: the rail is off, or no machine sends on it
    """
    gateway = gateway_of(rail)
    since = now - REACH
    last = Reconciliation.objects.filter(rail=rail).order_by("-started_at", "-id").first()
    standing = database_identity() if last is None else last.database
    run = Reconciliation.objects.create(
        rail=rail,
        since=since,
        started_at=now,
        asked_by=asked_by,
        database="" if after_restore else standing,
    )
    compared = _Comparison(run=run, now=now)
    try:
        for line in gateway.lines(since=since, now=now):
            run.lines_read += 1
            _compare_line(compared, line)
        _compare_ours(compared)
    except BookClosed as error:
        log.warning("reconciliation_broke_off", rail=rail, why=str(error))
        return _break_off(run, str(error)[:500], actor, now)
    return _end(run, actor, now)


@transaction.atomic
def _break_off(run: Reconciliation, error: str, actor: Actor, now: datetime) -> Reconciliation:
    run.error = error or "The provider's book could not be read to its end."
    run.save(update_fields=["error", "lines_read"])
    _tell("reconciliation.broken_off", run, actor, now)
    return run


@transaction.atomic
def _end(run: Reconciliation, actor: Actor, now: datetime) -> Reconciliation:
    run.ended_at, run.database = now, database_identity()
    run.differences = Break.objects.filter(resolved_at=None).count()
    run.save(update_fields=["ended_at", "database", "lines_read", "differences"])
    money_may_be_unsafe()
    _tell("reconciliation.ended", run, actor, now)
    return run


def _tell(type: str, run: Reconciliation, actor: Actor, now: datetime) -> None:
    record_event(
        type=type,
        subject_type="reconciliation",
        subject_id=run.pk,
        client_id=None,
        actor=actor,
        at=now,
        data={"rail": run.rail, "lines": run.lines_read, "differences": run.differences},
    )


def _compare_line(compared: _Comparison, line: ProviderLine) -> None:
    """Hold one line of theirs against our payouts."""
    of_rail = Payout.objects.filter(rail=compared.run.rail)
    payout = None if line.key is None else of_rail.filter(pk=line.key).first()
    if payout is None:
        if line.kind != AnswerKind.FAILED:
            leave_theirs(line, rail=compared.run.rail, now=compared.now)
        return
    compared.seen.add(payout.pk)
    if line.kind in GONE_WELL and compared.live.setdefault(payout.pk, line.reference) != line.reference:
        leave_theirs(line, payout, rail=compared.run.rail, now=compared.now)
        return
    book_line(payout, line, compared.now)


def book_line(payout: Payout, line: ProviderLine, now: datetime) -> None:
    """Book what a provider's line says about a payout, unless that is known already."""
    if _tells_nothing_new(payout, line):
        return
    _claim_if_ready(payout.pk, line, now)
    answer = GatewayAnswer(
        kind=line.kind, code=line.code, reference=line.reference, amount=line.amount, detail="their book"
    )
    book_answer(payout_id=payout.pk, answer=answer, now=now)


def _tells_nothing_new(payout: Payout, line: ProviderLine) -> bool:
    """Tell whether a line says what we know, so that no lock is taken for the many that agree."""
    agrees = (line.amount.minor, line.amount.currency) == (payout.amount_minor, payout.currency)
    known = {
        AnswerKind.ACCEPTED: (*_PAID, PayoutState.RETURNED),
        AnswerKind.SETTLED: (PayoutState.SETTLED, PayoutState.RETURNED),
        AnswerKind.FAILED: (
            PayoutState.FAILED, PayoutState.RETURNED, PayoutState.CANCELLED, PayoutState.READY,
        ),
        AnswerKind.RETURNED: (PayoutState.RETURNED,),
    }  # fmt: skip
    return agrees and payout.state in known.get(line.kind, ())


@transaction.atomic
def _claim_if_ready(payout_id: UUID, line: ProviderLine, now: datetime) -> None:
    """
    Take a payout as sent that we hold for unsent although the provider has it.

    A backup that was restored forgets what was sent after it; sending again would be a second time.
    """
    lock_payment(Payout.objects.values_list("payment_id", flat=True).get(pk=payout_id))
    payout = lock_payout(payout_id)
    if payout.state == PayoutState.READY:
        claim_payout(payout, min(now, line.created_at))


def leave_theirs(line: ProviderLine, payout: Payout | None = None, *, rail: str, now: datetime) -> None:
    """Note money that the provider sent and that no payout of ours explains, or a payout a second time."""
    payment = None
    if payout is None and line.payment_reference:
        payment = Payment.objects.filter(rail=rail, provider_reference=line.payment_reference).first()
    leave_break(
        kind=BreakKind.THEIRS_ONLY,
        payment_id=payout.payment_id if payout else payment.pk if payment else None,
        payout_id=payout.pk if payout else None,
        amount=line.amount,
        now=now,
        reference=line.reference,
        detail={"rail": str(rail), "answer": line.kind.value},
    )


def _compare_ours(compared: _Comparison) -> None:
    """Ask for each payout that we call sent and that was not in their book."""
    run, now = compared.run, compared.now
    gateway = gateway_of(run.rail)
    for payout in _called_sent(run, now):
        if payout.pk in compared.seen:
            continue
        answer = gateway.look_up(order_of(payout), now=now)
        book_answer(payout_id=payout.pk, answer=answer, now=now)


def _called_sent(run: Reconciliation, now: datetime) -> Iterator[Payout]:
    rows = Payout.objects.filter(
        rail=run.rail, state__in=_PAID, accepted_at__gte=run.since + LAG, accepted_at__lte=now - LAG
    )
    return rows.select_related("payment").order_by("id").iterator(chunk_size=500)
