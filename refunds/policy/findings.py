"""What each rule found. Every finding is in every answer, whichever row of the policy decided."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, NamedTuple

from contracts.policy.facts import ItemFacts, MeteredUsage
from contracts.policy.usage import Charge, Counted, MeterUse
from kernel.exact import decimal_text, ratio_text, scaled_text
from refunds.policy.amount import Kept, StageValue
from refunds.policy.answer import Finding
from refunds.policy.codes import CLAUSE_OF_RULE, ClientType, PaymentStatus, Remedy, Rule
from refunds.policy.facts import Facts

NOT_CAPTURED: Final = frozenset(
    {PaymentStatus.PENDING, PaymentStatus.AUTHORISED, PaymentStatus.FAILED, PaymentStatus.VOIDED}
)
_RECORDS_SHOWN_MAX: Final = 50


class Deadline(NamedTuple):
    """When the window of the payment ends, and how that came about."""

    instant: datetime
    text: str
    stored: bool
    purchase_day: str | None
    last_day: str | None
    passed_over: tuple[str, ...]


class Figures(NamedTuple):
    """Everything the rules look at, worked out once. Amounts in minor units."""

    facts: Facts
    digits: int
    scale: int
    deadline: Deadline | None
    in_time: bool | None
    kept: Kept
    remaining: int  # A - X
    asked: int  # q
    entitlement: int  # E
    refund: int  # min(q, max(0, E - X)): what is due if nothing else bars it

    def money(self, minor: int) -> str:
        """Minor units as a decimal string."""
        return scaled_text(minor, self.digits)

    def major(self, over: int, under: int) -> str:
        """Exact minor units as exact major units."""
        return ratio_text(over, under * self.scale)


_Found = tuple[bool | None, dict[str, Any]]


def _payment_captured(at: Figures) -> _Found:
    payment = at.facts.payment
    detail = {"status": payment.status.value, "captured_at": _instant(payment.captured_at)}
    return payment.status not in NOT_CAPTURED, detail


def _payment_not_charged_back(at: Figures) -> _Found:
    return at.facts.payment.status is not PaymentStatus.CHARGED_BACK, {}


def _payment_not_disputed(at: Figures) -> _Found:
    return at.facts.payment.status is not PaymentStatus.DISPUTED, {}


def _something_refundable(at: Figures) -> _Found:
    payment = at.facts.payment
    return at.remaining > 0, {
        "amount": at.money(payment.amount.minor),
        "refunded": at.money(payment.refunded.minor),
        "remaining": at.money(at.remaining),
    }


def _no_other_request(at: Figures) -> _Found:
    return not at.facts.request.another_open, {}


def _amount_in_range(at: Figures) -> _Found:
    asked = at.facts.request.amount
    return 0 < at.asked <= at.remaining, {
        "requested": None if asked is None else at.money(asked.minor),
        "remaining": at.money(at.remaining),
    }


def _exchange_offered(at: Figures) -> _Found:
    remedy, allowed = at.facts.request.remedy, at.facts.terms.exchange_allowed
    holds = allowed if remedy is Remedy.EXCHANGE else None
    return holds, {"remedy": remedy.value, "exchange_allowed": allowed}


def _window(at: Figures) -> _Found:
    terms, deadline = at.facts.terms, at.deadline
    detail: dict[str, Any] = {
        "submitted_at": at.facts.request.submitted_at.isoformat(),
        "window_days": terms.window_days,
        "day_rule": terms.day_rule.value,
        "time_zone": terms.time_zone,
    }
    if deadline is not None:
        detail["captured_at"] = _instant(at.facts.payment.captured_at)
        detail["purchase_day"] = deadline.purchase_day
        detail["last_day"] = deadline.last_day
        detail["passed_over"] = list(deadline.passed_over)
        detail["deadline"] = deadline.text
        detail["stored"] = deadline.stored
    return at.in_time, detail


def _statutory_right(at: Figures) -> _Found:
    client = at.facts.client_type
    return at.facts.request.statutory_right, {
        "client_type": client.value,
        "needed": client is ClientType.CONSUMER and at.in_time is False,
    }


def _conformity_assessed(at: Figures) -> _Found:
    pending = at.kept.pending
    return not pending, {"pending": pending}


def _conformity(at: Figures) -> _Found:
    kept, terms = at.kept, at.facts.terms
    conforms = kept.work_over == at.facts.payment.amount.minor * kept.work_under
    return conforms, {
        "mode": terms.conformity_mode.value,
        "deemed_acceptance_days": terms.deemed_acceptance_days,
        "stages": [_stage(at, stage) for stage in kept.stages],
        "value": at.major(kept.work_over, kept.work_under),
    }


def _stage(at: Figures, value: StageValue) -> dict[str, Any]:
    """How the share of one stage came about."""
    stage, conformity, over, under = value
    return {
        "stage": stage.stage,
        "amount": at.money(stage.amount.minor),
        "state": conformity.state.value,
        "delivered_at": _instant(stage.delivered_at),
        "accepted_at": _instant(stage.accepted_at),
        "objected_at": _instant(stage.objected_at),
        "deemed_accepted_at": _instant(conformity.deemed_at),
        "hidden_defect": stage.hidden_defect,
        "items": [_item(item) for item in stage.items],
        "share": ratio_text(conformity.over, conformity.under),
        "value": at.major(over, under),
    }


def _item(item: ItemFacts) -> dict[str, Any]:
    return {
        "code": item.code,
        "weight": decimal_text(item.weight),
        "fulfilled": None if item.fulfilled is None else decimal_text(item.fulfilled),
    }


def _usage(at: Figures) -> _Found:
    usage = at.kept.usage
    return usage.over > 0, {
        "meters": [_meter(at, use, usage.charges[use.stage]) for use in usage.meters],
        "value": at.major(usage.over, usage.under),
        "after_application": usage.after_application,
        "after_decision": usage.after_decision,
    }


def _meter(at: Figures, use: MeterUse, charge: Charge) -> dict[str, Any]:
    """How the value of one meter (for one stage, or none) came about, and which part of it counts."""
    return {
        "meter": use.meter,
        "stage": use.stage,
        "kind": "metered" if isinstance(use.records[0].record, MeteredUsage) else "time",
        "records": len(use.records),
        "entries": [_entry(at, counted) for counted in use.records[:_RECORDS_SHOWN_MAX]],
        "value": at.major(use.over, use.under),
        "factor": ratio_text(charge.factor, charge.factor_under),
        "counted": at.major(use.over * charge.factor, use.under * charge.factor_under),
    }


def _entry(at: Figures, counted: Counted) -> dict[str, Any]:
    """The arithmetic of one usage record."""
    record = counted.record
    if isinstance(record, MeteredUsage):
        return {
            "quantity": decimal_text(record.quantity),
            "unit_price": decimal_text(record.unit_price),
            "value": at.major(counted.over, counted.under),
        }
    return {
        "price": decimal_text(record.price),
        "start": record.start.isoformat(),
        "end": record.end.isoformat(),
        "value": at.major(counted.over, counted.under),
    }


def _entitlement(at: Figures) -> _Found:
    kept = at.kept
    return at.entitlement > 0, {
        "amount": at.money(at.facts.payment.amount.minor),
        "kept": at.major(kept.over, kept.under),
        "rounding": at.facts.terms.rounding.value,
        "retained": at.money(kept.retained),
        "entitlement": at.money(at.entitlement),
    }


def _earlier_refunds(at: Figures) -> _Found:
    refunded = at.facts.payment.refunded.minor
    return at.entitlement > refunded, {
        "entitlement": at.money(at.entitlement),
        "refunded": at.money(refunded),
        "left": at.money(max(0, at.entitlement - refunded)),
    }


def _refund(at: Figures) -> _Found:
    return at.refund > 0, {"asked": at.money(at.asked), "due": at.money(max(0, at.refund))}


_RULES: Final[tuple[tuple[Rule, str, Callable[[Figures], _Found]], ...]] = tuple(
    (rule, CLAUSE_OF_RULE[rule], find)
    for rule, find in (
        (Rule.PAYMENT_CAPTURED, _payment_captured),
        (Rule.PAYMENT_NOT_CHARGED_BACK, _payment_not_charged_back),
        (Rule.PAYMENT_NOT_DISPUTED, _payment_not_disputed),
        (Rule.SOMETHING_REFUNDABLE, _something_refundable),
        (Rule.NO_OTHER_REQUEST, _no_other_request),
        (Rule.AMOUNT_IN_RANGE, _amount_in_range),
        (Rule.EXCHANGE_OFFERED, _exchange_offered),
        (Rule.WINDOW, _window),
        (Rule.STATUTORY_RIGHT, _statutory_right),
        (Rule.CONFORMITY_ASSESSED, _conformity_assessed),
        (Rule.CONFORMITY, _conformity),
        (Rule.USAGE, _usage),
        (Rule.ENTITLEMENT, _entitlement),
        (Rule.EARLIER_REFUNDS, _earlier_refunds),
        (Rule.REFUND, _refund),
    )
)


def find_all(figures: Figures) -> tuple[Finding, ...]:
    """Ask every rule, in the order in which the policy tries them."""
    return tuple(Finding(rule, clause, *find(figures)) for rule, clause, find in _RULES)


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()
