"""
What each finding looked at, as JSON text: facts and arithmetic, amounts in major units, exact numbers.

Text rather than objects because most of it is read by machines only, once: writing an answer with all its
findings is the larger half of an evaluation, and this way it costs a third. Whoever needs objects parses it.
"""

from collections.abc import Mapping
from datetime import datetime
from json.encoder import encode_basestring_ascii as quoted
from typing import Final

from contracts.policy.facts import ItemFacts, MeteredUsage
from contracts.policy.usage import Charge, Counted, MeterUse
from kernel.exact import decimal_text, scaled_text, short_ratio_text
from refunds.policy.amount import StageValue
from refunds.policy.codes import ClientType
from refunds.policy.figures import Figures

TRUTH: Final[Mapping[bool | None, str]] = {True: "true", False: "false", None: "null"}
"""How JSON writes what is so, is not so, or does not arise."""

_CONSUMER: Final = ClientType.CONSUMER  # members of an enum are looked up slowly
_RECORDS_SHOWN_MAX: Final = 50
_READABLE_BELOW: Final = 10**80
_NEARLY_DECIMALS: Final = 12


def readable(over: int, under: int) -> str:
    """Write an exact number for people: `n/d`, or nearly ("≈ 0.123456789012") where that is endless."""
    if under < _READABLE_BELOW and over < _READABLE_BELOW:
        return short_ratio_text(over, under)
    return f"≈ {scaled_text(over * 10**_NEARLY_DECIMALS // under, _NEARLY_DECIMALS)}"


def text_or_null(text: str | None) -> str:
    """Write a text, or that there is none."""
    return "null" if text is None else quoted(text)


def nothing_more(at: Figures) -> str:
    return "{}"


def payment(at: Figures) -> str:
    paid = at.facts.payment
    return f'{{"status": "{paid.status}", "captured_at": {_instant(paid.captured_at)}}}'


def remaining(at: Figures) -> str:
    paid = at.facts.payment
    amount, refunded = at.money(paid.amount.minor), at.money(paid.refunded.minor)
    return f'{{"amount": "{amount}", "refunded": "{refunded}", "remaining": "{at.money(at.remaining)}"}}'


def requested(at: Figures) -> str:
    asked = at.facts.request.amount
    amount = "null" if asked is None else f'"{at.money(asked.minor)}"'
    return f'{{"requested": {amount}, "remaining": "{at.money(at.remaining)}"}}'


def remedy(at: Figures) -> str:
    allowed = TRUTH[at.facts.terms.exchange_allowed]
    return f'{{"remedy": "{at.facts.request.remedy}", "exchange_allowed": {allowed}}}'


def window(at: Figures) -> str:
    terms, deadline = at.facts.terms, at.deadline
    counted = (
        f'{{"submitted_at": {_instant(at.facts.request.submitted_at)}, "window_days": {terms.window_days}, '
        f'"day_rule": "{terms.day_rule}", "time_zone": {quoted(terms.time_zone)}'
    )
    if deadline is None:
        return counted + "}"
    passed_over = ", ".join([f'"{day}"' for day in deadline.passed_over])
    return (
        f'{counted}, "captured_at": {_instant(at.facts.payment.captured_at)}, '
        f'"purchase_day": {text_or_null(deadline.purchase_day)}, '
        f'"last_day": {text_or_null(deadline.last_day)}, "passed_over": [{passed_over}], '
        f'"deadline": {quoted(deadline.text)}, "stored": {TRUTH[deadline.stored]}}}'
    )


def statutory_right(at: Figures) -> str:
    client = at.facts.client_type
    needed = TRUTH[client is _CONSUMER and at.in_time is False]
    return f'{{"client_type": "{client}", "needed": {needed}}}'


def pending(at: Figures) -> str:
    return f'{{"pending": [{", ".join([quoted(name) for name in at.kept.pending])}]}}'


def conformity(at: Figures) -> str:
    kept, terms = at.kept, at.facts.terms
    days = "null" if terms.deemed_acceptance_days is None else terms.deemed_acceptance_days
    stages = ", ".join([_stage(at, stage) for stage in kept.stages])
    return (
        f'{{"mode": "{terms.conformity_mode}", "deemed_acceptance_days": {days}, "stages": [{stages}], '
        f'"value": {_major(at, kept.work_over, kept.work_under)}}}'
    )


def _stage(at: Figures, value: StageValue) -> str:
    """How the share of one stage came about."""
    stage, found, over, under = value
    return (
        f'{{"stage": {quoted(stage.stage)}, "amount": "{at.money(stage.amount.minor)}", '
        f'"state": "{found.state}", "delivered_at": {_instant(stage.delivered_at)}, '
        f'"accepted_at": {_instant(stage.accepted_at)}, "objected_at": {_instant(stage.objected_at)}, '
        f'"deemed_accepted_at": {_instant(found.deemed_at)}, "hidden_defect": {TRUTH[stage.hidden_defect]}, '
        f'"items": [{", ".join([_item(item) for item in stage.items])}], '
        f'"share": {quoted(readable(found.over, found.under))}, "value": {_major(at, over, under)}}}'
    )


def _item(item: ItemFacts) -> str:
    fulfilled = "null" if item.fulfilled is None else f'"{decimal_text(item.fulfilled)}"'
    return (
        f'{{"code": {quoted(item.code)}, "weight": "{decimal_text(item.weight)}", "fulfilled": {fulfilled}}}'
    )


def usage(at: Figures) -> str:
    used = at.kept.usage
    meters = ", ".join([_meter(at, use, used.charges[use.stage]) for use in used.meters])
    return (
        f'{{"meters": [{meters}], "value": {_major(at, used.over, used.under)}, '
        f'"after_application": {used.after_application}, "after_decision": {used.after_decision}}}'
    )


def _meter(at: Figures, use: MeterUse, charge: Charge) -> str:
    """How the value of one meter (for one stage, or none) came about, and which part of it counts."""
    value = counted = _major(at, use.over, use.under)
    factor = '"1"'
    if charge.factor != charge.factor_under:
        factor = quoted(readable(charge.factor, charge.factor_under))
        counted = _major(at, use.over * charge.factor, use.under * charge.factor_under)
    kind = "metered" if isinstance(use.records[0].record, MeteredUsage) else "time"
    entries = ", ".join([_entry(at, one) for one in use.records[:_RECORDS_SHOWN_MAX]])
    return (
        f'{{"meter": {quoted(use.meter)}, "stage": {text_or_null(use.stage)}, "kind": "{kind}", '
        f'"records": {len(use.records)}, "entries": [{entries}], "value": {value}, "factor": {factor}, '
        f'"counted": {counted}}}'
    )


def _entry(at: Figures, counted: Counted) -> str:
    """The arithmetic of one usage record."""
    record, value = counted.record, _major(at, counted.over, counted.under)
    if isinstance(record, MeteredUsage):
        quantity, unit_price = decimal_text(record.quantity), decimal_text(record.unit_price)
        return f'{{"quantity": "{quantity}", "unit_price": "{unit_price}", "value": {value}}}'
    return (
        f'{{"price": "{decimal_text(record.price)}", "start": {_instant(record.start)}, '
        f'"end": {_instant(record.end)}, "value": {value}}}'
    )


def entitlement(at: Figures) -> str:
    kept = at.kept
    return (
        f'{{"amount": "{at.money(at.facts.payment.amount.minor)}", '
        f'"kept": {_major(at, kept.over, kept.under)}, "rounding": "{at.facts.terms.rounding}", '
        f'"retained": "{at.money(kept.retained)}", "entitlement": "{at.money(at.entitlement)}"}}'
    )


def earlier_refunds(at: Figures) -> str:
    refunded = at.money(at.facts.payment.refunded.minor)
    left = at.money(at.left)
    return f'{{"entitlement": "{at.money(at.entitlement)}", "refunded": "{refunded}", "left": "{left}"}}'


def refund(at: Figures) -> str:
    return f'{{"asked": "{at.money(at.asked)}", "due": "{at.money(max(0, at.refund))}"}}'


def _major(at: Figures, over: int, under: int) -> str:
    """Exact minor units as exact major units."""
    return quoted(readable(over, under * at.scale))


def _instant(instant: datetime | None) -> str:
    return "null" if instant is None else f'"{instant.isoformat()}"'
