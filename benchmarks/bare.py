"""The anchor of the policy: the same decision in bare integers, without findings or lines."""

from datetime import timedelta
from math import gcd

from contracts.policy.facts import MeteredUsage
from contracts.policy.window import deadline_of
from kernel.currencies import CURRENCY_DIGITS
from refunds.policy.facts import Facts

MICROSECOND = timedelta(microseconds=1)


def bare_decision(facts: Facts) -> tuple[str, str, int, int]:
    """Outcome, first reason, refund and retained in minor units. Terms as published; nobody objects."""
    payment, request = facts.payment, facts.request
    at, amount = request.submitted_at, payment.amount.minor
    refunded = payment.refunded.minor
    deadline = payment.deadline.instant if payment.deadline else deadline_of(facts.terms, payment.captured_at)
    over, under, pending, shares = 0, 1, False, {}
    for stage in facts.work:
        share, whole = 0, 1
        if stage.accepted_at is not None and stage.accepted_at <= at and not stage.hidden_defect:
            share = 1
        elif stage.delivered_at is not None and stage.delivered_at <= at:
            kept, weights, scale, weights_scale = 0, 0, 1, 1
            for item in stage.items:
                if item.fulfilled is None:
                    continue
                weight, weight_under = item.weight.as_integer_ratio()
                part, part_under = item.fulfilled.as_integer_ratio()
                kept = kept * weight_under * part_under + weight * part * scale
                scale *= weight_under * part_under
                weights = weights * weight_under + weight * weights_scale
                weights_scale *= weight_under
            if weights:
                share, whole = kept * weights_scale, scale * weights
            else:
                pending = True
        over, under = over * whole + stage.amount.minor * share * under, under * whole
        shares[stage.stage] = share, whole, stage.amount.minor
    used, used_under = _usage(facts, shares)
    over, under = over * used_under + used * under, under * used_under
    retained = min(amount, over // under)
    entitlement = amount - retained
    asked = amount - refunded if request.amount is None else request.amount.minor
    refund = min(asked, max(0, entitlement - refunded))
    if at >= deadline:
        return "no_refund", "window_expired", 0, retained
    if pending:
        return "needs_review", "conformity_pending", 0, retained
    if not entitlement:
        return "no_refund", "value_consumed", 0, retained
    if refund == amount:
        return "refund_in_full", "full_refund", refund, retained
    return "refund_in_part", "conforming_part_retained", refund, retained


def _usage(facts: Facts, shares: dict[str, tuple[int, int, int]]) -> tuple[int, int]:
    """The value of usage in minor units, as over/under."""
    at, unit = facts.request.submitted_at, 10 ** CURRENCY_DIGITS[facts.payment.amount.currency]
    sums: dict[tuple[str, str | None], tuple[int, int]] = {}
    for record in facts.usage:
        if record.recorded_at > facts.decided_at:
            continue
        if isinstance(record, MeteredUsage):
            if record.occurred_at > at:
                continue
            quantity, quantity_under = record.quantity.as_integer_ratio()
            price, price_under = record.unit_price.as_integer_ratio()
            over, under = quantity * price * unit, quantity_under * price_under
        else:
            if record.start > at:
                continue
            length = (record.end - record.start) // MICROSECOND
            price, price_under = record.price.as_integer_ratio()
            over = price * unit * min((at - record.start) // MICROSECOND, length)
            under = price_under * length
        sum_over, sum_under = sums.get((record.meter, record.stage), (0, 1))
        sums[record.meter, record.stage] = sum_over * under + over * sum_under, sum_under * under
    stages: dict[str | None, tuple[int, int]] = {}
    for (_, stage), (over, under) in sums.items():
        sum_over, sum_under = stages.get(stage, (0, 1))
        stages[stage] = sum_over * under + max(0, over) * sum_under, sum_under * under
    total, total_under = 0, 1
    for stage, (over, under) in stages.items():
        if stage is not None:
            share, whole, amount = shares[stage]
            over, under = min(over, amount * under) * (whole - share), under * whole
        total, total_under = total * under + over * total_under, total_under * under
    common = gcd(total, total_under)
    return total // common, total_under // common
