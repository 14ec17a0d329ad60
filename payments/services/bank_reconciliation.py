"""
The bank's book held against ours: it is the statements that were imported.

Lines that no payout of ours explains, and other amounts, are found when a statement is imported. What only we
have is found here: a transfer that was uploaded and is on no statement days after its execution.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from accounts.principals import SYSTEM, Principal
from events.services import record_event
from kernel.days import local_date, zone_of
from kernel.money import Money
from payments.banking_days import banking_day_before
from payments.checks import money_may_be_unsafe
from payments.models import (
    Break,
    BreakKind,
    LineState,
    Payout,
    PayoutState,
    Rail,
    Reconciliation,
    StatementLine,
)
from payments.restored_books import hold_of, is_book_known_again, last_comparison
from payments.restores import database_identity
from payments.services.breaks import leave_break

MISSING_AFTER: Final = 3
"""So many banking days after its execution a transfer has to be on a statement."""

EVERY: Final = timedelta(days=1)


@transaction.atomic
def compare_with_bank(
    *, principal: Principal = SYSTEM, now: datetime, lines_read: int = 0, after_statement: bool = False
) -> Reconciliation:
    """
    Leave a break for every transfer that the bank should have done by now and that is on no statement.

    After a restore only a comparison with a new statement (`after_statement`) may say that this database
    knows the bank's book again (`restored_books`): no bank file is made before one does.
    """
    last = last_comparison()
    held = hold_of(last, now)
    is_known = held is None or (after_statement and is_book_known_again(held, now))
    day = local_date(now, zone_of(settings.COMPANY_TIME_ZONE))
    for payout in _missing(banking_day_before(day, MISSING_AFTER)):
        leave_break(
            kind=BreakKind.OURS_ONLY,
            payment_id=payout.payment_id,
            payout_id=payout.pk,
            amount=Money(payout.amount_minor, payout.currency),
            now=now,
            detail={"state": str(payout.state), "rail": str(payout.rail)},
        )
    run = Reconciliation.objects.create(
        rail=Rail.BANK_FILE,
        since=now if last is None else last.started_at,
        started_at=now,
        ended_at=now,
        asked_by=principal.user,
        database=database_identity() if is_known else "",
        lines_read=lines_read,
        differences=Break.objects.filter(resolved_at=None).count(),
    )
    money_may_be_unsafe()
    _tell(run, principal, now)
    return run


def hold_bank_files(*, now: datetime) -> Reconciliation:
    """Let no bank file be made before all statements are there: this database was restored from a backup."""
    return Reconciliation.objects.create(
        rail=Rail.BANK_FILE, since=now, started_at=now, ended_at=now, database=""
    )


def _missing(executed_by: date) -> Iterator[Payout]:
    """Give payouts of uploaded files that were to be executed by a day and left on no statement."""
    lines = StatementLine.objects.filter(
        matched_payout_id=OuterRef("pk"), state=LineState.MATCHED, is_credit=False
    )
    rows = Payout.objects.filter(
        ~Exists(lines),
        rail=Rail.BANK_FILE,
        state=PayoutState.ACCEPTED,
        bank_file__confirmed_at__isnull=False,
        bank_file__execution_on__lt=executed_by,
    )
    return rows.order_by("id").iterator(chunk_size=500)


def bank_comparison_due(now: datetime) -> bool:
    """
    Tell whether a day has passed since the last comparison, or it was in another database.

    The first is due as soon as the rail is on, before there is a payout: every backup is known for one.
    """
    if Rail.BANK_FILE.value not in settings.PAYOUT_RAILS:
        return False
    last = last_comparison()
    if last is None:
        return True
    is_restored = last.database not in ("", database_identity())
    return is_restored or now - last.started_at >= EVERY


def _tell(run: Reconciliation, principal: Principal, now: datetime) -> None:
    record_event(
        type="reconciliation.ended",
        subject_type="reconciliation",
        subject_id=run.pk,
        client_id=None,
        actor=principal.actor,
        at=now,
        data={"rail": run.rail, "lines": run.lines_read, "differences": run.differences},
    )
