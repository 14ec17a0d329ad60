"""
When a restored database knows the bank's book again: what was sent since the backup is on its statements.

The files that the backup forgot were made between the last comparison that it knows and the moment at which
the restore was seen. So the statements must reach, without a gap between their balances, from the day of that
comparison to the day for which a file could last have been made, and to the last banking day.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from kernel.days import local_date, zone_of
from payments.banking_days import banking_day_before, banking_day_from, execution_day
from payments.models import Payout, Rail, Reconciliation, Statement
from payments.restores import database_identity


@dataclass(frozen=True, slots=True)
class Hold:
    """No bank file is made: what the backup does not know began after `since`, and was seen at `seen_at`."""

    since: datetime
    seen_at: datetime


def last_comparison() -> Reconciliation | None:
    """Give the last comparison with the bank's book."""
    return Reconciliation.objects.filter(rail=Rail.BANK_FILE).order_by("-started_at", "-id").first()


def hold_of(last: Reconciliation | None, now: datetime) -> Hold | None:
    """Say since when the bank's book is not known; None if it is."""
    if last is None or last.database == database_identity():
        return None
    rows = Reconciliation.objects.filter(rail=Rail.BANK_FILE).order_by("started_at", "id")
    known = rows.exclude(database="").last()
    owed = rows.filter(started_at__gte=known.started_at) if known else rows
    first = owed.filter(database="").first()
    seen_at = now if first is None else first.started_at
    return Hold(since=_first_payout_at(seen_at) if known is None else known.started_at, seen_at=seen_at)


def _first_payout_at(otherwise: datetime) -> datetime:
    """Where no comparison was ever made: any payout of the rail may have been sent."""
    first = Payout.objects.filter(rail=Rail.BANK_FILE).order_by("id").first()
    return otherwise if first is None else first.created_at


def is_book_known_again(hold: Hold, now: datetime) -> bool:
    """Tell whether the statements that were imported cover what a backup may have forgotten."""
    zone = zone_of(settings.COMPANY_TIME_ZONE)
    last_sent_on = execution_day(hold.seen_at.astimezone(zone))
    until = max(last_sent_on, banking_day_before(local_date(now, zone), 1))
    newest = Statement.objects.order_by("-closes_on").first()
    if newest is None or newest.closes_on < until:
        return False
    since = banking_day_from(local_date(hold.since, zone))
    return any(_reaches_back(one, since) for one in Statement.objects.filter(closes_on=newest.closes_on))


def _reaches_back(statement: Statement, since: date) -> bool:
    """Tell whether statements whose balances go on from each other lead from a day to this one."""
    return any(one.opens_on <= since for one in _back_from(statement))


def _back_from(statement: Statement) -> Iterator[Statement]:
    """Give a statement, then each time the one before it, as long as that ended where the later one began."""
    seen: set[UUID] = set()
    found: Statement | None = statement
    while found is not None:
        yield found
        seen.add(found.pk)
        before = Statement.objects.filter(closes_on__lte=found.closes_on).exclude(pk__in=seen)
        before = before.exclude(
            opens_on=found.opens_on,
            closes_on=found.closes_on,
            opening_minor=found.opening_minor,
            closing_minor=found.closing_minor,
        )  # fmt: skip - the same statement, issued anew
        fits = Q(closing_minor=found.opening_minor)
        before = before.filter(fits | ~_beside(found))
        last = before.order_by("-closes_on").first()
        rows = before.filter(fits, closes_on=last.closes_on).order_by("id") if last else ()
        # One without movements first: it leads to where it began, and so to the others of its day.
        found = min(rows, key=lambda one: one.opening_minor != one.closing_minor, default=None)


def _beside(statement: Statement) -> Q:
    """Statements that lie within the days of another one, or around them: the same movements once more."""
    opens_on, closes_on = statement.opens_on, statement.closes_on
    within = Q(opens_on__gte=opens_on, closes_on__lte=closes_on)
    around = Q(opens_on__lte=opens_on, closes_on__gte=closes_on)
    return (within | around) & ~Q(opens_on=opens_on, closes_on=closes_on)
