"""
Gathering facts: three queries, whatever the size of the contract, into one frozen object.

They are gathered in the form of the interchange, so that what is stored beside a decision is what was
evaluated, and any stored decision can be evaluated again.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db.models import Case, Count, Exists, F, Max, Min, OuterRef, Q, Subquery, When

from contracts.models import AcceptanceItem, AssessmentValue, MeterKind, UsageRecord
from contracts.policy.terms import as_json
from contracts.selectors import ExactSum, policy_terms, terms_in_force
from kernel.exact import decimal_text, parse_scaled, scaled_text
from kernel.money import Money
from payments.models import Allocation, Payment
from refunds.models import HiddenDefect, RefundRequest, StatutoryCheck, UsageExclusion
from refunds.policy.facts import Facts
from refunds.policy.interchange import parse_facts
from refunds.states import REQUEST_OPEN

NANO: Final = 9
MICRO: Final = 6
ENTRIES_MAX: Final = 10_000
"""More entries of usage no evaluation takes."""


def gather_facts(
    payment: Payment,
    *,
    submitted_at: datetime,
    decided_at: datetime,
    amount_minor: int | None = None,
    remedy: str = "refund",
    request: RefundRequest | None = None,
) -> Facts:
    """
    Gather everything the policy may look at for an application that arrived at `submitted_at`.

    Expects the payment with terms and client loaded. Established facts count for `request` alone; a
    quote has none. Three queries (two while nothing was delivered; one more before capture).

    :raises InvalidFacts: the stored data contradict each other (a bug, or a limit of the interchange)
    """
    stages = _stages(payment, submitted_at, request)
    first = stages[0] if stages else _without_allocations(payment, request)
    raw = {
        "id": payment.number if request is None else request.number,
        "terms": as_json(policy_terms(_terms(payment, submitted_at))),
        "client_type": payment.client.kind,
        "payment": _payment(payment),
        "request": {
            "submitted_at": submitted_at.isoformat(),
            "amount": None if amount_minor is None else Money(amount_minor, payment.currency).text,
            "remedy": remedy,
            "another_open": first["another_open"],
            "statutory_right": first.get("statutory_right"),
        },
        "decided_at": decided_at.isoformat(),
        "work": _work(payment, stages, submitted_at),
        "usage": _usage(payment, {row["stage__code"] for row in stages}, submitted_at, decided_at, request),
    }
    return parse_facts(raw, default_time_zone=settings.COMPANY_TIME_ZONE)


def _terms(payment: Payment, at: datetime) -> Any:
    return payment.terms if payment.terms is not None else terms_in_force(payment.contract_id, at)


def _payment(payment: Payment) -> dict[str, Any]:
    currency = payment.currency
    return {
        "amount": Money(payment.amount_minor, currency).text,
        "currency": currency,
        "status": payment.status,
        "captured_at": _instant(payment.captured_at),
        "deadline": payment.deadline_text or None,
        "refunded": Money(payment.reserved_minor + payment.refunded_minor, currency).text,
    }


def _circumstances(payment: Payment, request: RefundRequest | None) -> dict[str, Any]:
    """What else an answer depends on, as columns: another open request, and what the law gives."""
    others = RefundRequest.objects.filter(payment=payment, state__in=REQUEST_OPEN)
    if request is None:
        return {"another_open": Exists(others)}
    checks = StatutoryCheck.objects.filter(request=request).order_by("-at", "-id")
    return {
        "another_open": Exists(others.exclude(pk=request.pk)),
        "statutory_right": Subquery(checks.values("holds")[:1]),
    }


def _without_allocations(payment: Payment, request: RefundRequest | None) -> Mapping[str, Any]:
    """Before capture nothing is allocated: ask for the circumstances alone."""
    columns = _circumstances(payment, request)
    row: Mapping[str, Any] = Payment.objects.filter(pk=payment.pk).annotate(**columns).values(*columns)[0]
    return row


def _stages(payment: Payment, at: datetime, request: RefundRequest | None) -> list[dict[str, Any]]:
    """Give the stages that the payment pays for, each with its last delivery at or before an instant."""
    columns = _circumstances(payment, request)
    if request is not None:
        defects = HiddenDefect.objects.filter(request=request, delivery=OuterRef("stage__deliveries__id"))
        columns["defect"] = Subquery(defects.order_by("-at", "-id").values("holds")[:1])
    rows = (
        Allocation.objects.filter(payment=payment)
        .annotate(**columns)
        .order_by("stage__position", "stage__deliveries__delivered_at", "stage__deliveries__number")
        .values("amount_minor", "stage_id", "stage__code", *columns, *_DELIVERY)
    )
    last: dict[UUID, dict[str, Any]] = {}
    for row in rows:
        delivered_at = row["stage__deliveries__delivered_at"]
        if delivered_at is not None and delivered_at > at:
            row.update(_NOT_DELIVERED)
        if row["stage__deliveries__id"] is not None or row["stage_id"] not in last:
            last[row["stage_id"]] = row
    return list(last.values())


_DELIVERY = tuple(
    f"stage__deliveries__{column}"
    for column in (
        "id",
        "delivered_at",
        "accepted_at",
        "accepted_by_client",
        "acceptance_recorded_at",
        "objected_at",
    )
)
_NOT_DELIVERED = {**dict.fromkeys(_DELIVERY), "defect": False}


def _accepted_at(row: Mapping[str, Any], submitted_at: datetime) -> datetime | None:
    """Acceptance recorded by others than the client counts only if it was recorded before the application."""
    accepted_at: datetime | None = row["stage__deliveries__accepted_at"]
    if accepted_at is None or row["stage__deliveries__accepted_by_client"]:
        return accepted_at
    recorded_at = row["stage__deliveries__acceptance_recorded_at"]
    return accepted_at if recorded_at is not None and recorded_at <= submitted_at else None


def _work(payment: Payment, stages: list[dict[str, Any]], submitted_at: datetime) -> list[dict[str, Any]]:
    items = _items([row for row in stages if row["stage__deliveries__id"] is not None])
    return [
        {
            "stage": row["stage__code"],
            "amount": Money(row["amount_minor"], payment.currency).text,
            "delivered_at": _instant(row["stage__deliveries__delivered_at"]),
            "accepted_at": _instant(_accepted_at(row, submitted_at)),
            "objected_at": _instant(row["stage__deliveries__objected_at"]),
            "hidden_defect": bool(row.get("defect")),
            "items": items.get(row["stage_id"], []),
        }
        for row in stages
    ]


def _items(delivered: list[dict[str, Any]]) -> dict[UUID, list[dict[str, Any]]]:
    """Give the acceptance items of delivered stages, each with the value found last for this delivery."""
    if not delivered:
        return {}
    deliveries = [row["stage__deliveries__id"] for row in delivered]
    found = AssessmentValue.objects.filter(item=OuterRef("pk"), assessment__delivery_id__in=deliveries)
    found = found.order_by("-assessment__at", "-assessment_id")
    rows = AcceptanceItem.objects.filter(
        stage_id__in=[row["stage_id"] for row in delivered], is_removed=False
    )
    rows = rows.annotate(
        over=Subquery(found.values("numerator")[:1]), under=Subquery(found.values("denominator")[:1])
    )
    items: dict[UUID, list[dict[str, Any]]] = {}
    for row in rows.order_by("position"):
        fulfilled = None if row.over is None else decimal_text(Fraction(row.over, row.under))
        weight = scaled_text(row.weight_micro, MICRO)
        items.setdefault(row.stage_id, []).append(
            {"code": row.code, "weight": weight, "fulfilled": fulfilled}
        )
    return items


def _usage(
    payment: Payment,
    stages: Iterable[str],
    submitted_at: datetime,
    decided_at: datetime,
    request: RefundRequest | None,
) -> list[dict[str, Any]]:
    """
    Give the usage of a payment: one metered entry per meter, stage and unit price, and every period.

    Records for a stage that this payment does not pay for count nothing and are left out.
    """
    entries = []
    for row in _usage_rows(payment, submitted_at, decided_at, request):
        if row["stage__code"] is None or row["stage__code"] in stages:
            entries.extend(_usage_entries(row))
    return entries if len(entries) <= ENTRIES_MAX else _merged(entries, submitted_at)


def _merged(entries: list[dict[str, Any]], submitted_at: datetime) -> list[dict[str, Any]]:
    """
    Take periods that were over by the application together, by meter and stage, where there are too many.

    Each counts in full, so one period over all of them with the sum of their prices is worth the same.
    """
    kept: list[dict[str, Any]] = []
    over: dict[tuple[str, str | None], dict[str, Any]] = {}
    for entry in entries:
        if entry["kind"] != MeterKind.TIME or datetime.fromisoformat(entry["end"]) > submitted_at:
            kept.append(entry)
            continue
        name = (entry["meter"], entry["stage"])
        if name not in over:
            over[name] = dict(entry)
            kept.append(over[name])
            continue
        whole = over[name]
        price = (parse_scaled(whole["price"], NANO) or 0) + (parse_scaled(entry["price"], NANO) or 0)
        whole["price"] = scaled_text(price, NANO)
        whole["start"], whole["end"] = min(whole["start"], entry["start"]), max(whole["end"], entry["end"])
        whole["recorded_at"] = max(whole["recorded_at"], entry["recorded_at"])
    return kept


def _usage_rows(
    payment: Payment, submitted_at: datetime, decided_at: datetime, request: RefundRequest | None
) -> Iterable[Mapping[str, Any]]:
    """Sum what was metered and occurred by the application; periods stand alone. Oldest first."""
    counts = Q(kind=MeterKind.TIME) | Q(occurred_at__lte=submitted_at)
    rows = UsageRecord.objects.filter(counts, payment_id=payment.pk, recorded_at__lte=decided_at)
    if request is not None:
        latest = UsageExclusion.objects.filter(request=request, usage_record=OuterRef("pk")).order_by(
            "-at", "-id"
        )
        rows = rows.annotate(is_excluded=Subquery(latest.values("excluded")[:1]))
        rows = rows.filter(Q(is_excluded__isnull=True) | Q(is_excluded=False))
    start = Case(When(kind=MeterKind.TIME, then=F("occurred_at")))
    return (
        rows.values("meter__code", "stage__code", "kind", "price_nano", "ends_at", start=start)
        .annotate(
            quantity=ExactSum("quantity_micro"),
            times=Count("id"),
            last=Max("occurred_at"),
            recorded=Max("recorded_at"),
            first=Min("occurred_at"),
            row=Min("id"),
        )
        .order_by("first", "row")
    )


def _usage_entries(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    entry = {
        "kind": row["kind"],
        "meter": row["meter__code"],
        "stage": row["stage__code"],
        "recorded_at": row["recorded"].isoformat(),
    }
    price = scaled_text(row["price_nano"], NANO)
    if row["kind"] == MeterKind.TIME:
        period = {"price": price, "start": row["start"].isoformat(), "end": row["ends_at"].isoformat()}
        return [{**entry, **period}] * row["times"]
    quantity = scaled_text(int(row["quantity"]), MICRO)
    return [{**entry, "quantity": quantity, "unit_price": price, "occurred_at": row["last"].isoformat()}]


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()
