"""
The ledger in sums and in rows, for accountants: what stood on each account, and what moved it.

Days are those of the company's zone. A transfer belongs to the day on which it was booked, so that a day that
was taken over does not change. When the money of a payment arrived, which may be earlier, stands beside it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db.models import DateField, F, QuerySet, Sum
from django.db.models.functions import TruncDate

from accounts.groups import is_auditor, is_finance
from accounts.principals import Principal
from kernel.days import local_date, zone_of
from kernel.errors import NotPermitted
from kernel.money import Money
from payments.models import Account, Transfer

CHUNK_ROWS: Final = 2000
ENTRY_HEAD: Final = (
    "number", "instant", "local_date", "debit", "credit", "amount", "currency", "cause", "reference",
    "contract", "payout", "request", "key", "arrived_on",
)  # fmt: skip
"""The columns of an entry in a file, described in docs/ledger.md: never renamed, only added to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSum:
    """An account over a period: what stood before, what was debited and credited, what stands after."""

    account: str
    opening: Money
    debits: Money
    credits: Money

    @property
    def closing(self) -> Money:
        return self.opening + self.debits - self.credits


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySum:
    """An account on one day on which it moved, and what stood at its end."""

    day: date
    account: str
    debits: Money
    credits: Money
    closing: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """
    One transfer as accountants take it over; `cause` is the word before the colon of its key.

    `arrived_on`, of a capture: the bank's day of booking if it is known, else the day of confirmation.
    """

    number: int
    at: datetime
    day: date
    debit: str
    credit: str
    amount: Money
    cause: str
    reference: str
    contract: str
    payout: UUID | None
    request: UUID | None
    key: str
    arrived_on: date | None


def may_read_books(principal: Principal) -> bool:
    """Say whether this is a person of Finance or an Auditor (or the system itself)."""
    if principal.is_system:
        return True
    person = principal.user
    return principal.is_person and person is not None and (is_finance(person) or is_auditor(person))


def account_sums(principal: Principal, *, since: datetime, until: datetime) -> list[AccountSum]:
    """
    Sum each account over a period, its end not included. Three queries; the database adds.

    :raises NotPermitted: neither Finance nor an Auditor
    """
    require_reader(principal)
    before, debits, credits = _net_before(since), _sums("debit", since, until), _sums("credit", since, until)
    return [
        AccountSum(
            account=account.code,
            opening=Money(before.get(account.pk, 0), account.currency),
            debits=Money(debits.get(account.pk, 0), account.currency),
            credits=Money(credits.get(account.pk, 0), account.currency),
        )
        for account in Account.objects.order_by("currency", "code")
    ]


def _net_before(since: datetime) -> dict[int, int]:
    """What stood on each account before an instant: debits less credits."""
    rows = Transfer.objects.filter(at__lt=since).order_by()
    net: dict[int, int] = dict(rows.values_list("debit_id").annotate(total=Sum("amount_minor")))
    for account_id, total in rows.values_list("credit_id").annotate(total=Sum("amount_minor")):
        net[account_id] = net.get(account_id, 0) - total
    return net


def _sums(side: str, since: datetime, until: datetime) -> dict[int, int]:
    rows = _between(since, until).order_by().values_list(f"{side}_id")
    return dict(rows.annotate(total=Sum("amount_minor")))


def _between(since: datetime, until: datetime) -> QuerySet[Transfer]:
    return Transfer.objects.filter(at__gte=since, at__lt=until)


def day_sums(principal: Principal, *, since: datetime, until: datetime) -> Iterator[DaySum]:
    """
    Sum each account on each day of a period on which it moved, by day and account.

    The database adds; memory holds the balances of the accounts and the days' sums of one account at a time.

    :raises NotPermitted: neither Finance nor an Auditor
    """
    require_reader(principal)
    return _day_sums(since, until)


def _day_sums(since: datetime, until: datetime) -> Iterator[DaySum]:
    standing = _net_before(since)
    for account in Account.objects.order_by("currency", "code"):
        debits, credits = (_by_day(account, side, since, until) for side in ("debit", "credit"))
        closing = standing.get(account.pk, 0)
        for day in sorted(debits.keys() | credits.keys()):
            closing += debits.get(day, 0) - credits.get(day, 0)
            yield DaySum(
                day=day,
                account=account.code,
                debits=Money(debits.get(day, 0), account.currency),
                credits=Money(credits.get(day, 0), account.currency),
                closing=Money(closing, account.currency),
            )


def _by_day(account: Account, side: str, since: datetime, until: datetime) -> dict[date, int]:
    day = TruncDate("at", tzinfo=zone_of(settings.COMPANY_TIME_ZONE), output_field=DateField())
    rows = _between(since, until).filter(**{side: account}).annotate(day=day).order_by()
    return dict(rows.values_list("day").annotate(total=Sum("amount_minor")))


def entries(principal: Principal, *, since: datetime, until: datetime) -> Iterator[Entry]:
    """
    Give the transfers of a period, its end not included, in order of their instants; memory stays flat.

    :raises NotPermitted: neither Finance nor an Auditor
    """
    require_reader(principal)
    rows = (
        _between(since, until)
        .order_by("at", "id")
        .values(
            "id", "key", "at", "amount_minor", "currency", "payout_id", "request_id",
            debited=F("debit__code"), credited=F("credit__code"), reference=F("payment__number"),
            contract=F("payment__contract__number"), value_date=F("payment__value_date"),
            captured_at=F("payment__captured_at"),
        )
    )  # fmt: skip
    return (_entry(row) for row in rows.iterator(chunk_size=CHUNK_ROWS))


def _entry(row: Mapping[str, Any]) -> Entry:
    cause = row["key"].partition(":")[0]
    return Entry(
        number=row["id"],
        at=row["at"],
        day=local_date(row["at"], zone_of(settings.COMPANY_TIME_ZONE)),
        debit=row["debited"],
        credit=row["credited"],
        amount=Money(row["amount_minor"], row["currency"]),
        cause=cause,
        reference=row["reference"],
        contract=row["contract"],
        payout=row["payout_id"],
        request=row["request_id"],
        key=row["key"],
        arrived_on=_arrived_on(row) if cause == "capture" else None,
    )


def _arrived_on(row: Mapping[str, Any]) -> date:
    known: date | None = row["value_date"]
    return known or local_date(row["captured_at"], zone_of(settings.COMPANY_TIME_ZONE))


def entry_row(entry: Entry) -> tuple[Any, ...]:
    """Write an entry as the columns of `ENTRY_HEAD`. No cell can be a formula: codes, ids, dates, amounts."""
    return (
        entry.number, entry.at.astimezone(UTC).isoformat(), entry.day.isoformat(), entry.debit, entry.credit,
        entry.amount.text, entry.amount.currency, entry.cause, entry.reference, entry.contract, entry.payout,
        entry.request, entry.key, "" if entry.arrived_on is None else entry.arrived_on.isoformat(),
    )  # fmt: skip


def require_reader(principal: Principal) -> None:
    """
    Let nobody but readers of the books pass.

    :raises NotPermitted: neither Finance nor an Auditor
    """
    if not may_read_books(principal):
        raise NotPermitted("The books are for Finance and Auditors.")
