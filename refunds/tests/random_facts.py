"""Random valid facts for comparisons: seeded, quick, and fond of the edges."""

from datetime import UTC, datetime, timedelta
from random import Random

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",
    "America/Havana",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "UTC",
)
CALENDARS = (None, "DE", "DE-BE", "US", "GB-SCT", "JP")
DIGITS = {"EUR": 2, "USD": 2, "JPY": 0, "KWD": 3, "CLF": 4, "HUF": 2}
STATUSES = ("captured",) * 60 + ("disputed", "charged_back", "pending", "authorised", "failed", "voided")
START = datetime(2026, 1, 1, tzinfo=UTC)
DAY_S = 86_400


def random_facts(random: Random, number: int) -> dict:
    """One evaluation: valid, mostly captured and in time, with every corner now and then."""
    currency = random.choice(tuple(DIGITS))
    digits = DIGITS[currency]
    amount = random.choice((0, 1, 5, 100, 1000, 10**6, 10**11)) + random.choice((0, 0, 1, 7, 33, 999))
    captured = START + timedelta(
        seconds=random.randrange(700 * DAY_S), microseconds=random.choice((0, 0, 1, 999_999))
    )
    submitted = captured + timedelta(
        seconds=random.choice((0, 0, 2, 4)) * DAY_S + random.randrange(-3600, 2 * DAY_S)
    )
    decided = submitted + timedelta(seconds=random.randrange(10 * DAY_S))
    terms = random_terms(random)
    work = random_work(random, amount, digits, submitted)
    is_consumer = random.random() < 0.4
    status = random.choice(STATUSES)
    needs_capture = status in ("captured", "disputed")
    payment = {
        "amount": money(amount, digits),
        "currency": currency,
        "status": status,
        "captured_at": written(random, captured) if needs_capture or random.random() < 0.5 else None,
        "refunded": random.choice(
            (None, None, None, None, money(random.randrange(amount + 2), digits), money(1, digits))
        ),
    }
    if random.random() < 0.1:
        payment["deadline"] = written(random, submitted + timedelta(microseconds=random.choice((-1, 0, 1))))
    request = {
        "submitted_at": written(random, submitted),
        "amount": random.choice((None, None, None, money(random.randrange(-1, amount + 2), digits))),
        "remedy": random.choice((None, "refund", "refund", "refund", "exchange")),
        "another_open": random.choice((None, False, random.random() < 0.05)),
        "statutory_right": random.choice((None, True, False)) if is_consumer else None,
    }
    return {
        "id": f"random-{number}",
        "terms": terms,
        "client_type": "consumer" if is_consumer else "business",
        "payment": payment,
        "request": request,
        "decided_at": written(random, decided),
        "work": work,
        "usage": random_usage(random, [stage["stage"] for stage in work], amount, digits, submitted, decided),
    }


def random_terms(random: Random) -> dict:
    """Terms with a few fields away from their defaults."""
    window = random.choice((0, 1, 3, 3, 3, 5, 14))
    terms: dict = {"time_zone": random.choice(ZONES), "window_days": window}
    if random.random() < 0.3:
        terms["day_rule"] = "elapsed"
    elif random.random() < 0.3:
        terms["roll_to_working_day"] = True
        terms["holiday_calendar"] = random.choice(CALENDARS)
    if random.random() < 0.6:
        terms["rounding"] = random.choice(("client", "half_up", "half_even", "company"))
    if random.random() < 0.2:
        terms["conformity_mode"] = "gate"
    if random.random() < 0.3:
        terms["deemed_acceptance_days"] = window + random.choice((1, 2, 10))
    if random.random() < 0.2:
        terms["exchange_allowed"] = random.random() < 0.5
    return terms


def random_work(random: Random, amount: int, digits: int, submitted: datetime) -> list[dict]:
    """No stage, or up to five whose amounts sum to the payment's."""
    count = random.choice((0, 0, 1, 1, 1, 2, 3, 5))
    cuts = sorted(random.randrange(amount + 1) for _ in range(count - 1)) if count else []
    shares = [high - low for low, high in zip([0, *cuts], [*cuts, amount], strict=True)] if count else []
    names = random.sample(("A", "B", "S1", "S10", "S2", "ä", "Z"), count)
    kind = random.choice(("any", "any", "accepted", "assessed"))
    return [
        random_stage(random, name, money(share, digits), submitted, kind)
        for name, share in zip(names, shares, strict=True)
    ]


def random_stage(random: Random, name: str, amount: str, submitted: datetime, kind: str) -> dict:
    """A stage somewhere between not begun and accepted."""
    delivered = submitted - timedelta(seconds=random.choice((-1, 0, 1, DAY_S, 5 * DAY_S, 20 * DAY_S)))
    stage: dict = {"stage": name, "amount": amount}
    if kind != "any" or random.random() < 0.8:
        stage["delivered_at"] = written(random, min(delivered, submitted) if kind != "any" else delivered)
    if kind == "accepted" or (kind == "any" and random.random() < 0.2):
        stage["accepted_at"] = written(random, submitted + timedelta(seconds=random.choice((-DAY_S, -1, 0))))
    if kind == "any" and random.random() < 0.1:
        stage["accepted_at"] = written(random, submitted + timedelta(seconds=1))
    if random.random() < 0.15:
        stage["objected_at"] = written(random, delivered + timedelta(seconds=random.randrange(9 * DAY_S)))
    if random.random() < 0.1:
        stage["hidden_defect"] = True
    if kind == "assessed" or random.random() < 0.7:
        stage["items"] = [random_item(random, index, kind) for index in range(random.choice((1, 1, 2, 4)))]
    return stage


def random_item(random: Random, index: int, kind: str) -> dict:
    """An acceptance item, fulfilled wholly, partly, not at all, or not assessed."""
    item = {"code": f"AC-{index}", "weight": random.choice(("1", "1", "2", "0.5", "3.75", "1/3", "7"))}
    values = ("0", "1", "1", "1/2", "0.5", "1/3", "2/3", "0.25", "0.999", "17/23", "123456789/987654321")
    if kind == "assessed" or random.random() < 0.8:
        item["fulfilled"] = random.choice(values)
    return item


def random_usage(
    random: Random, stages: list[str], amount: int, digits: int, submitted: datetime, decided: datetime
) -> list[dict]:
    """Up to six records of a few meters, around the instants that decide whether they count."""
    prices = (
        "0",
        "1",
        "0.01",
        "0.0125",
        "3.333333",
        "0.000000000000000001",
        str(amount // 10**digits // 3 + 1),
    )
    records = []
    for _ in range(random.choice((0, 0, 0, 1, 2, 3, 6))):
        meter = random.choice(("calls", "api", "Ü", "host", "disk"))
        near = submitted + timedelta(microseconds=random.choice((-1, 0, 1, -DAY_S * 10**6, -7)))
        record: dict = {"meter": meter, "stage": random.choice((None, *stages)) if stages else None}
        if meter in ("host", "disk"):
            start = near - timedelta(seconds=random.choice((0, 1, DAY_S)))
            length = timedelta(seconds=random.choice((1, 7, 3600, DAY_S, 30 * DAY_S)), microseconds=1)
            record |= {"kind": "time", "price": random.choice(prices)}
            record |= {"start": written(random, start), "end": written(random, start + length)}
        else:
            quantity = random.choice(("1", "0", "-3", "12345", "0.1", "-0.05", "1000000"))
            record |= {"kind": "metered", "quantity": quantity, "unit_price": random.choice(prices)}
            record["occurred_at"] = written(random, near)
        recorded = decided + timedelta(microseconds=random.choice((1, 0, -1, -1, -1, -1, -1)))
        record["recorded_at"] = written(random, recorded)
        records.append(record)
    return records


def money(minor: int, digits: int) -> str:
    """Minor units as a decimal string."""
    sign, text = "-" if minor < 0 else "", str(abs(minor)).zfill(digits + 1)
    return f"{sign}{text[:-digits]}.{text[-digits:]}" if digits else f"{sign}{text}"


OFFSETS = ("Z", "Z", "Z", "+02:00", "-05:30")
SHIFTS = {"Z": timedelta(0), "+02:00": timedelta(hours=2), "-05:30": -timedelta(hours=5, minutes=30)}


def written(random: Random, moment: datetime) -> str:
    """An instant with one offset or another."""
    offset = random.choice(OFFSETS)
    return (moment + SHIFTS[offset]).replace(tzinfo=None).isoformat() + offset
