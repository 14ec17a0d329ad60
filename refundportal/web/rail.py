"""The stage rail: a contract as a line of beads, from prepayment to last stage."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final
from uuid import UUID

from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from contracts.models import Contract, ContractState, Delivery, DeliveryState, Stage, StageKind, StageState
from kernel.days import local_date, zone_of
from kernel.money import Money
from payments.models import Method, Payment, PaymentStatus
from payments.references import payment_reference
from refundportal.web.clock import Clock
from refunds.wording import day_words, money_words

PAID: Final = "paid"
PART_PAID: Final = "part"
UNPAID: Final = "unpaid"


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing said about a bead: icon and words."""

    icon: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bead:
    """One stage. `clock` is there while the window of one of its payments is open."""

    code: str
    title: str
    amount: Money
    standing: str  # PAID, PART_PAID or UNPAID
    marks: tuple[Mark, ...]
    clock: Clock | None
    url: str
    due: "Due | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What is still to be paid for a stage, by which day, and what to write with the payment."""

    amount: Money
    due_on: date
    reference: str
    is_overdue: bool


def gather_rail(contract: Contract, now: datetime) -> tuple[Bead, ...]:
    """Gather the rail of a contract. Three queries for any number of stages."""
    stages = list(Stage.objects.filter(contract=contract, is_removed=False).order_by("position"))
    payments = Payment.objects.filter(contract=contract).select_related("terms").order_by("captured_at", "id")
    deliveries = Delivery.objects.filter(stage__contract=contract).order_by("number")
    return rail_of(contract, stages, payments, {row.stage_id: row for row in deliveries}, now)


def rail_of(
    contract: Contract,
    stages: Iterable[Stage],
    payments: Iterable[Payment],
    deliveries: Mapping[UUID, Delivery],
    now: datetime,
) -> tuple[Bead, ...]:
    """Make the beads of stages in order; `deliveries` holds the last one by stage."""
    by_stage: dict[UUID, list[Payment]] = defaultdict(list)
    for payment in payments:
        by_stage[payment.stage_id].append(payment)
    return tuple(
        replace(
            _bead(stage, contract.currency, by_stage[stage.pk], deliveries.get(stage.pk), now),
            due=_due(contract, stage, by_stage[stage.pk], now),
        )
        for stage in stages
    )


def clock_of(payment: Payment, now: datetime) -> Clock | None:
    """Give the clock of a payment's window, if it has one; its terms are loaded with it."""
    if payment.deadline is None or payment.terms is None:
        return None
    return Clock(payment.deadline, payment.terms.time_zone, now)


def _bead(
    stage: Stage, currency: str, payments: list[Payment], delivery: Delivery | None, now: datetime
) -> Bead:
    paid = sum(
        row.amount_minor for row in payments if row.status in (PaymentStatus.CAPTURED, PaymentStatus.DISPUTED)
    )
    clocks = [clock_of(row, now) for row in payments if row.status == PaymentStatus.CAPTURED]
    return Bead(
        code=stage.code,
        title=stage.title,
        amount=Money(stage.amount_minor, currency),
        standing=PAID if paid >= stage.amount_minor else PART_PAID if paid else UNPAID,
        marks=tuple(_marks(stage, currency, paid, payments, delivery)),
        clock=next((clock for clock in reversed(clocks) if clock is not None and clock.is_open), None),
        url=_url(payments),
    )


def _due(contract: Contract, stage: Stage, payments: list[Payment], now: datetime) -> Due | None:
    """Say what is due for a stage; nothing while a payment for it is on its way."""
    on_its_way = any(row.status in (PaymentStatus.PENDING, PaymentStatus.AUTHORISED) for row in payments)
    owed = stage.amount_minor - stage.covered_minor
    if contract.state != ContractState.SIGNED or stage.due_on is None or owed <= 0 or on_its_way:
        return None
    return Due(
        amount=Money(owed, contract.currency),
        due_on=stage.due_on,
        reference=payment_reference(contract, stage),
        is_overdue=stage.due_on < local_date(now, zone_of(settings.COMPANY_TIME_ZONE)),
    )


def _marks(
    stage: Stage, currency: str, paid: int, payments: list[Payment], delivery: Delivery | None
) -> Iterable[Mark]:
    yield _money_mark(stage, currency, paid, payments)
    if any(row.status == PaymentStatus.DISPUTED for row in payments):
        yield Mark("octagon-alert", _("objection at the bank"))
    if stage.kind == StageKind.WORK:
        yield from _work_marks(stage, delivery)


def _money_mark(stage: Stage, currency: str, paid: int, payments: list[Payment]) -> Mark:
    if paid >= stage.amount_minor:
        by_credit = any(row.method == Method.CREDIT for row in payments)
        return Mark("circle-check", _("paid by credit") if by_credit else _("paid"))
    if paid:
        return Mark("circle-dot", _("%(amount)s paid") % {"amount": _money(paid, currency)})
    if any(row.status in (PaymentStatus.PENDING, PaymentStatus.AUTHORISED) for row in payments):
        return Mark("hourglass", _("payment on its way"))
    if stage.due_on is not None:
        return Mark("calendar", _("due %(day)s") % {"day": day_words(stage.due_on)})
    return Mark("circle", _("not due yet"))


def _work_marks(stage: Stage, delivery: Delivery | None) -> Iterable[Mark]:
    if delivery is not None and delivery.state == DeliveryState.ACCEPTED:
        yield Mark("badge-check", _("accepted"))
    elif delivery is not None and delivery.state == DeliveryState.OBJECTED:
        yield Mark("undo-2", _("objected to"))
    elif stage.state == StageState.DELIVERED:
        yield Mark("package-check", _("delivered, not accepted yet"))
    elif stage.state == StageState.IN_PROGRESS:
        yield Mark("hammer", _("in progress"))
    else:
        yield Mark("package", _("not begun"))


def _money(minor: int, currency: str) -> str:
    return money_words(Money(minor, currency).text, currency)


def _url(payments: list[Payment]) -> str:
    """Lead to the last payment of the stage, where the pages of clients are served."""
    if not payments:
        return ""
    try:
        return reverse("payment", args=[payments[-1].number])
    except NoReverseMatch:
        return ""
