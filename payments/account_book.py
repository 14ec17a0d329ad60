"""
One account of the ledger, movement by movement, each with the balance that it leaves.

Movements stand in the order of their instants, those of one instant in order of writing. A page begins with a
movement that is named, so it stays the same page while new ones are written.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db.models import Case, F, Q, QuerySet, RowRange, Sum, When, Window

from accounts.principals import Principal
from kernel.days import local_date, zone_of
from kernel.errors import NotFoundOrHidden
from kernel.money import Money
from payments.books import AccountSum, require_reader
from payments.models import Account, Transfer

PAGE_ROWS: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """A transfer as one of its accounts sees it: debited or credited, and what stands there after it."""

    number: int
    at: datetime
    day: date
    cause: str
    other: str
    payment_id: UUID
    reference: str
    contract: str
    debit: Money | None
    credit: Money | None
    balance: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPage:
    """
    Some movements of an account in a period, and what the whole period comes to.

    `carried` stood before the first of them; `previous` and `next`: with which numbers those pages begin.
    """

    sums: AccountSum
    carried: Money
    movements: tuple[Movement, ...]
    previous: int | None
    next: int | None


def account_page(
    principal: Principal, *, code: str, since: datetime, until: datetime, first: int | None = None
) -> AccountPage:
    """
    Give a page of an account over a period, its end not included; `first` is the number that it begins with.

    Five queries at most, however many movements there are; the database adds.

    :raises NotPermitted: neither Finance nor an Auditor
    :raises NotFoundOrHidden: no such account, or no such movement of it in the period
    """
    require_reader(principal)
    account = Account.objects.filter(code=code).first()
    if account is None:
        raise NotFoundOrHidden
    rows = Transfer.objects.filter(Q(debit=account) | Q(credit=account), at__lt=until)
    inside = rows.filter(at__gte=since)
    start = _place_of(inside, first)
    total = _totals(rows, account, since, start)
    found = _movements_from(inside, account, start, total["carried"])
    return AccountPage(
        sums=AccountSum(
            account=account.code,
            **{name: Money(total[name], account.currency) for name in ("opening", "debits", "credits")},
        ),
        carried=Money(total["carried"], account.currency),
        movements=tuple(found[:PAGE_ROWS]),
        previous=None if start is None else _page_before(inside, start),
        next=found[PAGE_ROWS].number if len(found) > PAGE_ROWS else None,
    )


Start = tuple[datetime, int]
"""Where a page begins: the instant and the number of its first movement."""


def _place_of(inside: QuerySet[Transfer], first: int | None) -> Start | None:
    if first is None:
        return None
    at = inside.filter(pk=first).values_list("at", flat=True).first()
    if at is None:
        raise NotFoundOrHidden
    return at, first


def _is_before(start: Start) -> Q:
    at, number = start
    return Q(at__lt=at) | Q(at=at, pk__lt=number)


def _signed(account: Account) -> Case:
    """What a transfer adds to the balance of an account: debits less credits."""
    return Case(When(debit=account, then=F("amount_minor")), default=-F("amount_minor"))


def _totals(
    rows: QuerySet[Transfer], account: Account, since: datetime, start: Start | None
) -> dict[str, int]:
    """What stood before the period, was debited and credited in it, and stood before the page. One query."""
    signed, is_before = _signed(account), Q(at__lt=since)
    found = rows.aggregate(
        opening=Sum(signed, filter=is_before),
        debits=Sum("amount_minor", filter=Q(at__gte=since, debit=account)),
        credits=Sum("amount_minor", filter=Q(at__gte=since, credit=account)),
        carried=Sum(signed, filter=is_before if start is None else _is_before(start)),
    )
    return {name: value or 0 for name, value in found.items()}


def _movements_from(
    inside: QuerySet[Transfer], account: Account, start: Start | None, carried: int
) -> list[Movement]:
    """Read the movements of a page and one more; the database keeps the balance running."""
    rows = inside if start is None else inside.filter(at__gte=start[0]).exclude(_is_before(start))
    order = [F("at").asc(), F("pk").asc()]
    running = Window(Sum(_signed(account)), order_by=order, frame=RowRange(start=None, end=0))
    found = (
        rows.annotate(running=running)
        .order_by("at", "pk")
        .values(
            "id", "key", "at", "amount_minor", "debit_id", "payment_id", "running",
            debited=F("debit__code"), credited=F("credit__code"), reference=F("payment__number"),
            contract=F("payment__contract__number"),
        )[: PAGE_ROWS + 1]
    )  # fmt: skip
    return [_movement(row, account, carried + row["running"]) for row in found]


def _movement(row: Mapping[str, Any], account: Account, balance: int) -> Movement:
    amount, is_debit = Money(row["amount_minor"], account.currency), row["debit_id"] == account.pk
    return Movement(
        number=row["id"],
        at=row["at"],
        day=local_date(row["at"], zone_of(settings.COMPANY_TIME_ZONE)),
        cause=row["key"].partition(":")[0],
        other=row["credited"] if is_debit else row["debited"],
        payment_id=row["payment_id"],
        reference=row["reference"],
        contract=row["contract"],
        debit=amount if is_debit else None,
        credit=None if is_debit else amount,
        balance=Money(balance, account.currency),
    )


def _page_before(inside: QuerySet[Transfer], start: Start) -> int | None:
    """Give the number with which the page before begins; None if the page is the first."""
    before = inside.filter(_is_before(start)).order_by("-at", "-pk").values_list("pk", flat=True)[:PAGE_ROWS]
    numbers = list(before)
    return numbers[-1] if numbers else None
