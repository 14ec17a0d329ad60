"""
Which payment a usage record belongs to: fixed once, when it is recorded, or at the next capture.

A record goes to the oldest captured payment that pays for its stage (of the contract, if it names none) and
whose assigned value is below its amount, else to the last such payment; never to a credit. A negative
record follows the latest one of its meter and stage. Time records count with their full price. Values are
exact, in 10^-15 major units. Whoever calls this holds the locks of the contracts.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol
from uuid import UUID

from django.db.models import Max

from contracts.models import UsageRecord
from kernel.currencies import digits_of
from kernel.errors import DomainError
from payments.models import Allocation, Method, Payment, PaymentStatus

FEMTO_DIGITS: Final = 15
MICRO_IN_FEMTO: Final = 10**9
TOTAL_MICRO_MAX: Final = 9 * 10**18
_CHUNK: Final = 5000

MeterAndStage = tuple[UUID, UUID | None]


class UsageTooLarge(DomainError):
    """The usage of one payment would be worth more than can be kept."""

    code = "usage_too_large"
    kind = "invalid"
    title = "The usage of one payment would be worth more than can be kept."


class Valued(Protocol):
    """What of a usage record makes its value and its place."""

    @property
    def contract_id(self) -> UUID: ...
    @property
    def meter_id(self) -> UUID: ...
    @property
    def stage_id(self) -> UUID | None: ...
    @property
    def quantity_micro(self) -> int | None: ...
    @property
    def price_nano(self) -> int: ...


def value_of(record: Valued) -> int:
    """Give what a record is worth: quantity times price, or the full price of a time record."""
    if record.quantity_micro is None:
        return record.price_nano * 10**6
    return record.quantity_micro * record.price_nano


@dataclass(slots=True)
class Bearer:
    """A captured payment that usage can belong to, with what it bears so far."""

    payment: Payment
    stages: set[UUID]
    amount: int
    value: int
    is_changed: bool = False

    def add(self, value: int) -> None:
        self.value += value
        self.is_changed = True


@dataclass(slots=True)
class Assignment:
    """The payments of some contracts, and where the latest record of each meter and stage went."""

    bearers: dict[UUID, list[Bearer]]
    latest: dict[MeterAndStage, Bearer | None] = field(default_factory=dict)
    gone: dict[UUID, Bearer] = field(default_factory=dict)
    """Payments that bear no new usage (charged back) and still have the latest record of some place."""

    def assign(self, record: Valued) -> UUID | None:
        """Give the payment of a record and count its value there; None if it has to wait for a capture."""
        place, value = (record.meter_id, record.stage_id), value_of(record)
        if value < 0 and place in self.latest:
            bearer = self.latest[place]
        else:
            bearer = _bearer_for(self.bearers.get(record.contract_id, []), record.stage_id)
        self.latest[place] = bearer
        if bearer is None:
            return None
        bearer.add(value)
        return bearer.payment.pk

    def store_totals(self) -> None:
        """
        Write the changed totals with their payments, in one statement.

        :raises UsageTooLarge: a total that cannot be kept
        """
        standing = (bearer for row in self.bearers.values() for bearer in row)
        changed = [bearer for bearer in (*standing, *self.gone.values()) if bearer.is_changed]
        for bearer in changed:
            micro, rest = divmod(bearer.value, MICRO_IN_FEMTO)
            if abs(micro) > TOTAL_MICRO_MAX:
                raise UsageTooLarge(payment=bearer.payment.number)
            bearer.payment.usage_micro, bearer.payment.usage_rest_femto = micro, rest
        if changed:
            payments = [bearer.payment for bearer in changed]
            Payment.objects.bulk_update(payments, ["usage_micro", "usage_rest_femto"])


def _bearer_for(bearers: Iterable[Bearer], stage_id: UUID | None) -> Bearer | None:
    """The first payment of the stage (of the contract) with room, else the last one."""
    last = None
    for bearer in bearers:
        if stage_id is None or stage_id in bearer.stages:
            last = bearer
            if bearer.value < bearer.amount:
                break
    return last


def start_assignment(contract_ids: Collection[UUID]) -> Assignment:
    """Read the payments of contracts that can bear usage, oldest capture first. Two queries."""
    payments = list(
        Payment.objects.filter(
            contract_id__in=contract_ids, status__in=[PaymentStatus.CAPTURED, PaymentStatus.DISPUTED]
        )
        .exclude(method=Method.CREDIT)
        .order_by("captured_at", "id")
    )
    stages: dict[UUID, set[UUID]] = defaultdict(set)
    parts = Allocation.objects.filter(payment__in=payments, amount_minor__gt=0)
    for payment_id, stage_id in parts.values_list("payment_id", "stage_id"):
        stages[payment_id].add(stage_id)
    bearers: dict[UUID, list[Bearer]] = defaultdict(list)
    for payment in payments:
        bearers[payment.contract_id].append(_bearer_of(payment, stages[payment.pk]))
    return Assignment(bearers)


def _bearer_of(payment: Payment, stages: set[UUID]) -> Bearer:
    return Bearer(
        payment=payment,
        stages=stages,
        amount=payment.amount_minor * 10 ** (FEMTO_DIGITS - digits_of(payment.currency)),
        value=payment.usage_micro * MICRO_IN_FEMTO + payment.usage_rest_femto,
    )


def note_latest(assignment: Assignment, places: Collection[MeterAndStage]) -> None:
    """
    Read where the latest records of these meters and stages went.

    Two queries, and one more where a payment was charged back since: a correction of its use stays with it.
    """
    meters = {meter_id for meter_id, _ in places}
    if not meters:
        return
    by_place = UsageRecord.objects.filter(meter_id__in=meters).values("meter_id", "stage_id")
    last = list(by_place.annotate(last=Max("id")).values_list("last", flat=True))
    bearers = {bearer.payment.pk: bearer for row in assignment.bearers.values() for bearer in row}
    rows = list(UsageRecord.objects.filter(pk__in=last).values_list("meter_id", "stage_id", "payment_id"))
    if missing := {payment_id for *_, payment_id in rows if payment_id is not None} - bearers.keys():
        gone = Payment.objects.filter(pk__in=missing)
        assignment.gone = {payment.pk: _bearer_of(payment, set()) for payment in gone}
    for meter_id, stage_id, payment_id in rows:
        bearer = None if payment_id is None else bearers.get(payment_id) or assignment.gone[payment_id]
        assignment.latest[meter_id, stage_id] = bearer


def assign_waiting_usage(payment: Payment) -> int:
    """Assign the usage of a contract that waited for a capture; give how many records found their payment."""
    assignment = start_assignment([payment.contract_id])
    waiting = UsageRecord.objects.filter(contract_id=payment.contract_id, payment_id=None).order_by("id")
    assigned, after = 0, 0
    while chunk := list(waiting.filter(pk__gt=after)[:_CHUNK]):
        after = chunk[-1].pk
        places: dict[UUID, list[int]] = defaultdict(list)
        for record in chunk:
            if (payment_id := assignment.assign(record)) is not None:
                places[payment_id].append(record.pk)
        for payment_id, keys in places.items():
            assigned += UsageRecord.objects.filter(pk__in=keys).update(payment_id=payment_id)
    assignment.store_totals()
    return assigned
