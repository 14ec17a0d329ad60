"""
A second reading of the policy, as plain as can be: raw JSON in, the exact part of the answer out.

It shares no code with the policy: fractions throughout, one step after the other, and days by looking at the
clock of the zone. It expects valid input and is only there to be compared with.
"""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import cache
from math import ceil, floor
from zoneinfo import ZoneInfo

import holidays

DIGITS = {"EUR": 2, "USD": 2, "JPY": 0, "KWD": 3, "CLF": 4, "HUF": 2}


def reference_answer(raw, default_time_zone="UTC"):
    """Everything of an answer but findings and data versions."""
    terms = {
        "window_days": 3,
        "day_rule": "calendar",
        "time_zone": default_time_zone,
        "roll_to_working_day": False,
        "holiday_calendar": None,
        "conformity_mode": "share",
        "deemed_acceptance_days": None,
        "rounding": "client",
        "exchange_allowed": True,
        **(raw.get("terms") or {}),
    }
    payment, request = raw["payment"], raw["request"]
    unit = 10 ** DIGITS[payment["currency"]]
    amount = Fraction(payment["amount"]) * unit
    refunded = Fraction(payment.get("refunded") or "0") * unit
    applied = instant(request["submitted_at"])

    text = deadline_text(payment, terms)
    in_time = None if text is None else applied < instant(text)

    work = raw.get("work") or []
    shares = {stage["stage"]: share_of(stage, terms, applied) for stage in work}
    parts = [
        ("conforming_work", stage["stage"], shares[stage["stage"]][1] * Fraction(stage["amount"]) * unit)
        for stage in work
    ]
    conforming = sum((value for _, _, value in parts), Fraction(0))
    meters = usage_by_meter(raw, work, shares, applied, unit)
    used = sum(meters.values(), Fraction(0))
    parts += [("usage", meter, value) for meter, value in meters.items()]
    kept = min(amount, conforming + used)
    retained = round_by(terms["rounding"], kept)
    entitlement = amount - retained
    asked = amount - refunded if request.get("amount") is None else Fraction(request["amount"]) * unit
    due = min(asked, max(Fraction(0), entitlement - refunded))

    outcome, reasons = row(
        raw, terms, in_time, shares, amount, refunded, asked, conforming, used, entitlement, due
    )
    answer = {
        "id": raw["id"],
        "policy_version": "1",
        "deadline": text,
        "in_time": in_time,
        "outcome": outcome,
        "reasons": reasons,
        "refund": money(due if outcome.startswith("refund_") else 0, unit),
        "currency": payment["currency"],
        "entitlement": money(entitlement, unit),
        "retained": money(retained, unit),
        "conforming_value": str(conforming / unit),
        "usage_value": str(used / unit),
        "lines": lines(parts, amount, retained, unit),
    }
    if reasons == ["conformity_pending"]:
        answer["refund_at_most"] = money(due, unit)
    return answer


def row(raw, terms, in_time, shares, amount, refunded, asked, conforming, used, entitlement, due):
    """The table of the policy, from the top."""
    status, request = raw["payment"]["status"], raw["request"]
    right = request.get("statutory_right")
    if status in ("pending", "authorised", "failed", "voided"):
        return "inadmissible", ["payment_not_captured"]
    if status == "charged_back":
        return "inadmissible", ["payment_charged_back"]
    if status == "disputed":
        return "on_hold", ["payment_disputed"]
    if amount - refunded <= 0:
        return "inadmissible", ["nothing_refundable"]
    if request.get("another_open"):
        return "inadmissible", ["request_already_open"]
    if asked <= 0 or asked > amount - refunded:
        return "inadmissible", ["amount_out_of_range"]
    if request.get("remedy") == "exchange" and not terms["exchange_allowed"]:
        return "inadmissible", ["exchange_not_offered"]
    if not in_time and raw["client_type"] == "consumer" and right is None:
        return "needs_review", ["statutory_right_check"]
    if not in_time and right is not True:
        return "no_refund", ["window_expired"]
    if any(state == "pending" for state, _ in shares.values()):
        return "needs_review", ["conformity_pending"]
    if conforming == amount:
        accepted = all(state == "accepted" for state, _ in shares.values())
        return "no_refund", ["work_accepted" if accepted else "work_conforms"]
    if entitlement == 0:
        return "no_refund", ["value_consumed"]
    if entitlement - refunded <= 0:
        return "no_refund", ["entitlement_already_refunded"]
    if due == amount:
        return "refund_in_full", ["full_refund"]
    reasons = []
    if conforming > 0:
        reasons.append("conforming_part_retained")
    if used > 0:
        reasons.append("usage_deducted")
    if refunded > 0:
        reasons.append("earlier_refund_deducted")
    if asked < entitlement - refunded:
        reasons.append("as_requested")
    return "refund_in_part", reasons


def instant(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def deadline_text(payment, terms):
    """The stored deadline as it is; else the computed one, as the policy writes it."""
    if payment.get("deadline") is not None:
        return payment["deadline"]
    if payment.get("captured_at") is None:
        return None
    captured, zone = instant(payment["captured_at"]), ZoneInfo(terms["time_zone"])
    if terms["day_rule"] == "elapsed":
        deadline = captured + timedelta(hours=24 * terms["window_days"])
    else:
        last = captured.astimezone(zone).date() + timedelta(days=terms["window_days"])
        while terms["roll_to_working_day"] and is_day_off(last, terms["holiday_calendar"]):
            last += timedelta(days=1)
        deadline = start_of(last + timedelta(days=1), terms["time_zone"])
    offset = deadline.astimezone(zone).utcoffset()
    if offset.total_seconds() % 60:
        zone = UTC
    local = deadline.astimezone(zone)
    return local.isoformat()


def is_day_off(day, calendar):
    if day.strftime("%a") in ("Sat", "Sun"):
        return True
    return calendar is not None and day in holidays_of(calendar)


@cache
def holidays_of(calendar):
    country, _, part = calendar.partition("-")
    return holidays.country_holidays(country, subdiv=part or None)


@cache
def start_of(day, zone_name):
    """
    The earliest second at which the local clock shows the day or a later one. Nowhere can it do so before the
    largest offset of those days says; from there on, looked for minute by minute and second by second.
    """
    zone, midnight = ZoneInfo(zone_name), datetime(day.year, day.month, day.day, tzinfo=UTC)

    def has_come(moment):
        return moment.astimezone(zone).replace(tzinfo=UTC) >= midnight

    around = [(midnight + timedelta(hours=hours)).astimezone(zone) for hours in range(-48, 49, 3)]
    moment = midnight - max(local.utcoffset() for local in around)
    for step in (timedelta(minutes=1), timedelta(seconds=1)):
        while not has_come(moment):
            moment += step
        moment -= step
    return moment + timedelta(seconds=1)


def share_of(stage, terms, applied):
    """Where a stage stands, and its conforming share."""
    delivered = stage.get("delivered_at") and instant(stage["delivered_at"])
    accepted = stage.get("accepted_at") and instant(stage["accepted_at"])
    objected = stage.get("objected_at") and instant(stage["objected_at"])
    if not stage.get("hidden_defect"):
        if accepted and accepted <= applied:
            return "accepted", Fraction(1)
        days = terms["deemed_acceptance_days"]
        if days is not None and delivered:
            zone = ZoneInfo(terms["time_zone"])
            deemed = start_of(delivered.astimezone(zone).date() + timedelta(days + 1), terms["time_zone"])
            if deemed <= applied and not (objected and objected < deemed):
                return "accepted", Fraction(1)
    if not delivered or delivered > applied:
        return "not delivered", Fraction(0)
    assessed = [item for item in stage.get("items") or [] if item.get("fulfilled") is not None]
    if not assessed:
        return "pending", Fraction(0)
    weights = sum(Fraction(item["weight"]) for item in assessed)
    share = sum(Fraction(item["weight"]) * Fraction(item["fulfilled"]) for item in assessed) / weights
    if terms["conformity_mode"] == "gate" and share < 1:
        share = Fraction(0)
    return "assessed", share


def usage_by_meter(raw, work, shares, applied, unit):
    """What each meter counts, in minor units, in order of first counted record."""
    decided = instant(raw["decided_at"])
    values = {}
    for record in raw.get("usage") or []:
        if instant(record["recorded_at"]) > decided:
            continue
        if record["kind"] == "metered":
            if instant(record["occurred_at"]) > applied:
                continue
            value = Fraction(record["quantity"]) * Fraction(record["unit_price"])
        else:
            start, end = instant(record["start"]), instant(record["end"])
            if start > applied:
                continue
            used = min(applied, end) - start
            value = Fraction(record["price"]) * Fraction(used // timedelta(microseconds=1))
            value /= (end - start) // timedelta(microseconds=1)
        key = record["meter"], record.get("stage")
        values[key] = values.get(key, Fraction(0)) + value * unit
    values = {key: max(Fraction(0), value) for key, value in values.items()}

    meters = {}
    for (meter, stage), value in values.items():
        counted = value
        if stage is not None:
            alloc = next(Fraction(entry["amount"]) for entry in work if entry["stage"] == stage) * unit
            of_stage = sum(other for (_, owner), other in values.items() if owner == stage)
            counted = Fraction(0)
            if of_stage:
                counted = (1 - shares[stage][1]) * min(of_stage, alloc) * value / of_stage
        meters[meter] = meters.get(meter, Fraction(0)) + counted
    return meters


def round_by(rounding, value):
    if rounding == "client":
        return Fraction(floor(value))
    if rounding == "company":
        return Fraction(ceil(value))
    if rounding == "half_up":
        return Fraction(floor(value + Fraction(1, 2)))
    return Fraction(round(value))  # Python rounds half to even


def lines(parts, amount, retained, unit):
    """Largest remainder, after scaling down to the payment."""
    total = sum(value for _, _, value in parts)
    if total > amount:
        parts = [(kind, name, value * amount / total) for kind, name, value in parts]
    parts = [part for part in parts if part[2] > 0]
    given = {(kind, name): floor(value) for kind, name, value in parts}
    left = retained - sum(given.values())
    ranked = sorted(parts, key=lambda part: (floor(part[2]) - part[2], part[0], part[1]))
    for kind, name, _ in ranked[: int(left)]:
        given[kind, name] += 1
    subject = {"conforming_work": "stage", "usage": "meter"}
    return [
        {"kind": kind, subject[kind]: name, "amount": money(given[kind, name], unit)}
        for kind, name, _ in parts
    ]


def money(minor, unit):
    """Minor units as a decimal string with the currency's decimals."""
    minor, digits = int(minor), len(str(unit)) - 1
    whole, rest = divmod(abs(minor), unit)
    sign = "-" if minor < 0 else ""
    return f"{sign}{whole}.{rest:0{digits}d}" if digits else f"{sign}{whole}"
