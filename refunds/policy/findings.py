"""
What each rule found. Every finding is in every answer, whichever row of the policy decided.

A finding's detail is worked out when it is read: it follows from the same figures, and most callers
(a portfolio, a replay) never look at it.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, NamedTuple

from contracts.policy.facts import ItemFacts, MeteredUsage
from contracts.policy.usage import Charge, Counted, MeterUse
from kernel.exact import decimal_text, scaled_text, short_ratio_text
from refunds.policy.amount import Kept, StageValue
from refunds.policy.codes import CLAUSE_OF_RULE, ClientType, PaymentStatus, Remedy, Rule
from refunds.policy.facts import Facts

NOT_CAPTURED: Final = frozenset(
    {PaymentStatus.PENDING, PaymentStatus.AUTHORISED, PaymentStatus.FAILED, PaymentStatus.VOIDED}
)
# Members of an enum are looked up slowly, and these in every evaluation.
_CHARGED_BACK: Final = PaymentStatus.CHARGED_BACK
_DISPUTED: Final = PaymentStatus.DISPUTED
_EXCHANGE: Final = Remedy.EXCHANGE
_RECORDS_SHOWN_MAX: Final = 50
_READABLE_BELOW: Final = 10**80
_NEARLY_DECIMALS: Final = 12


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

    @property
    def left(self) -> int:
        """What the client is still entitled to (E - X), not below 0."""
        return max(0, self.entitlement - self.facts.payment.refunded.minor)

    @property
    def conforms(self) -> bool:
        """All work that the payment pays for conforms: K = A, exactly."""
        return self.kept.work_over == self.facts.payment.amount.minor * self.kept.work_under

    def money(self, minor: int) -> str:
        """Minor units as a decimal string."""
        return scaled_text(minor, self.digits)

    def major(self, over: int, under: int) -> str:
        """Exact minor units as exact major units."""
        return readable(over, under * self.scale)


Detail = dict[str, Any]


def readable(over: int, under: int) -> str:
    """Write an exact number for people: `n/d`, or nearly ("≈ 0.123456789012") where that is endless."""
    if under < _READABLE_BELOW and over < _READABLE_BELOW:
        return short_ratio_text(over, under)
    return f"≈ {scaled_text(over * 10**_NEARLY_DECIMALS // under, _NEARLY_DECIMALS)}"


class Check(NamedTuple):
    """A rule, the clause it carries out, and how its detail is written."""

    rule: Rule
    name: str
    clause: str
    explain: Callable[[Figures], Detail]


class Finding(NamedTuple):
    """What one rule found: whether it holds (None: it does not arise), and the figures it looked at."""

    check: Check
    holds: bool | None
    figures: Figures

    @property
    def rule(self) -> Rule:
        """What was looked at."""
        return self.check.rule

    @property
    def clause(self) -> str:
        """The clause of the published policy."""
        return self.check.clause

    @property
    def detail(self) -> Detail:
        """Facts and arithmetic as JSON: amounts in major units, exact numbers as text."""
        return self.check.explain(self.figures)


def _nothing_more(at: Figures) -> Detail:
    return {}


def _payment(at: Figures) -> Detail:
    payment = at.facts.payment
    return {"status": str(payment.status), "captured_at": _instant(payment.captured_at)}


def _remaining(at: Figures) -> Detail:
    payment = at.facts.payment
    return {
        "amount": at.money(payment.amount.minor),
        "refunded": at.money(payment.refunded.minor),
        "remaining": at.money(at.remaining),
    }


def _requested(at: Figures) -> Detail:
    asked = at.facts.request.amount
    return {
        "requested": None if asked is None else at.money(asked.minor),
        "remaining": at.money(at.remaining),
    }


def _remedy(at: Figures) -> Detail:
    return {"remedy": str(at.facts.request.remedy), "exchange_allowed": at.facts.terms.exchange_allowed}


def _window(at: Figures) -> Detail:
    terms, deadline = at.facts.terms, at.deadline
    detail: Detail = {
        "submitted_at": at.facts.request.submitted_at.isoformat(),
        "window_days": terms.window_days,
        "day_rule": str(terms.day_rule),
        "time_zone": terms.time_zone,
    }
    if deadline is not None:
        detail["captured_at"] = _instant(at.facts.payment.captured_at)
        detail["purchase_day"] = deadline.purchase_day
        detail["last_day"] = deadline.last_day
        detail["passed_over"] = list(deadline.passed_over)
        detail["deadline"] = deadline.text
        detail["stored"] = deadline.stored
    return detail


def _statutory_right(at: Figures) -> Detail:
    client = at.facts.client_type
    return {
        "client_type": str(client),
        "needed": client is ClientType.CONSUMER and at.in_time is False,
    }


def _pending(at: Figures) -> Detail:
    return {"pending": at.kept.pending}


def _conformity(at: Figures) -> Detail:
    kept, terms = at.kept, at.facts.terms
    return {
        "mode": str(terms.conformity_mode),
        "deemed_acceptance_days": terms.deemed_acceptance_days,
        "stages": [_stage(at, stage) for stage in kept.stages],
        "value": at.major(kept.work_over, kept.work_under),
    }


def _stage(at: Figures, value: StageValue) -> Detail:
    """How the share of one stage came about."""
    stage, conformity, over, under = value
    return {
        "stage": stage.stage,
        "amount": at.money(stage.amount.minor),
        "state": str(conformity.state),
        "delivered_at": _instant(stage.delivered_at),
        "accepted_at": _instant(stage.accepted_at),
        "objected_at": _instant(stage.objected_at),
        "deemed_accepted_at": _instant(conformity.deemed_at),
        "hidden_defect": stage.hidden_defect,
        "items": [_item(item) for item in stage.items],
        "share": readable(conformity.over, conformity.under),
        "value": at.major(over, under),
    }


def _item(item: ItemFacts) -> Detail:
    return {
        "code": item.code,
        "weight": decimal_text(item.weight),
        "fulfilled": None if item.fulfilled is None else decimal_text(item.fulfilled),
    }


def _usage(at: Figures) -> Detail:
    usage = at.kept.usage
    return {
        "meters": [_meter(at, use, usage.charges[use.stage]) for use in usage.meters],
        "value": at.major(usage.over, usage.under),
        "after_application": usage.after_application,
        "after_decision": usage.after_decision,
    }


def _meter(at: Figures, use: MeterUse, charge: Charge) -> Detail:
    """How the value of one meter (for one stage, or none) came about, and which part of it counts."""
    value = at.major(use.over, use.under)
    counts_in_full = charge.factor == charge.factor_under
    return {
        "meter": use.meter,
        "stage": use.stage,
        "kind": "metered" if isinstance(use.records[0].record, MeteredUsage) else "time",
        "records": len(use.records),
        "entries": [_entry(at, counted) for counted in use.records[:_RECORDS_SHOWN_MAX]],
        "value": value,
        "factor": "1" if counts_in_full else readable(charge.factor, charge.factor_under),
        "counted": value
        if counts_in_full
        else at.major(use.over * charge.factor, use.under * charge.factor_under),
    }


def _entry(at: Figures, counted: Counted) -> Detail:
    """The arithmetic of one usage record."""
    record, value = counted.record, at.major(counted.over, counted.under)
    if isinstance(record, MeteredUsage):
        quantity, unit_price = decimal_text(record.quantity), decimal_text(record.unit_price)
        return {"quantity": quantity, "unit_price": unit_price, "value": value}
    return {
        "price": decimal_text(record.price),
        "start": record.start.isoformat(),
        "end": record.end.isoformat(),
        "value": value,
    }


def _entitlement(at: Figures) -> Detail:
    kept = at.kept
    return {
        "amount": at.money(at.facts.payment.amount.minor),
        "kept": at.major(kept.over, kept.under),
        "rounding": str(at.facts.terms.rounding),
        "retained": at.money(kept.retained),
        "entitlement": at.money(at.entitlement),
    }


def _earlier_refunds(at: Figures) -> Detail:
    return {
        "entitlement": at.money(at.entitlement),
        "refunded": at.money(at.facts.payment.refunded.minor),
        "left": at.money(at.left),
    }


def _refund(at: Figures) -> Detail:
    return {"asked": at.money(at.asked), "due": at.money(max(0, at.refund))}


_CHECKS: Final[tuple[Check, ...]] = tuple(
    Check(rule, str(rule), CLAUSE_OF_RULE[rule], explain)
    for rule, explain in (
        (Rule.PAYMENT_CAPTURED, _payment),
        (Rule.PAYMENT_NOT_CHARGED_BACK, _nothing_more),
        (Rule.PAYMENT_NOT_DISPUTED, _nothing_more),
        (Rule.SOMETHING_REFUNDABLE, _remaining),
        (Rule.NO_OTHER_REQUEST, _nothing_more),
        (Rule.AMOUNT_IN_RANGE, _requested),
        (Rule.EXCHANGE_OFFERED, _remedy),
        (Rule.WINDOW, _window),
        (Rule.STATUTORY_RIGHT, _statutory_right),
        (Rule.CONFORMITY_ASSESSED, _pending),
        (Rule.CONFORMITY, _conformity),
        (Rule.USAGE, _usage),
        (Rule.ENTITLEMENT, _entitlement),
        (Rule.EARLIER_REFUNDS, _earlier_refunds),
        (Rule.REFUND, _refund),
    )
)


def _holding(at: Figures) -> tuple[bool | None, ...]:
    """Whether each of the checks holds, in their order; None where it does not arise."""
    status, request = at.facts.payment.status, at.facts.request
    return (
        status not in NOT_CAPTURED,
        status is not _CHARGED_BACK,
        status is not _DISPUTED,
        at.remaining > 0,
        not request.another_open,
        0 < at.asked <= at.remaining,
        at.facts.terms.exchange_allowed if request.remedy is _EXCHANGE else None,
        at.in_time,
        request.statutory_right,
        not at.kept.is_pending,
        at.conforms,
        at.kept.usage.over > 0,
        at.entitlement > 0,
        at.left > 0,
        at.refund > 0,
    )


def find_all(at: Figures) -> tuple[Finding, ...]:
    """Ask every rule, in the order in which the policy tries them."""
    return tuple([Finding(check, holds, at) for check, holds in zip(_CHECKS, _holding(at), strict=True)])


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()
