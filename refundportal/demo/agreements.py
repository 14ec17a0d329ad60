"""The contracts that the demonstration tells stories about, as they would be imported."""

from typing import Any, Final

Stages = list[dict[str, Any]]


def _items(*statements: tuple[str, str]) -> list[dict[str, str]]:
    return [
        {
            "code": f"AC-{number}",
            "statement": statement,
            "weight": weight,
            "reference": f"Specification {number}.1",
        }
        for number, (statement, weight) in enumerate(statements, 1)
    ]


def _work(code: str, title: str, amount: str, *statements: tuple[str, str]) -> dict[str, Any]:
    return {"code": code, "title": title, "kind": "work", "amount": amount, "items": _items(*statements)}


def _metered(code: str, title: str, unit: str, price: str) -> dict[str, str]:
    return {"code": code, "title": title, "kind": "metered", "unit": unit, "price": price}


def _prepayment(amount: str) -> dict[str, Any]:
    return {"code": "P1", "title": "Prepayment on signature", "kind": "prepayment", "amount": amount}


ORDER_DESK: Final[dict[str, Any]] = {
    "reference": "BJ-01",
    "title": "Order desk and timber yard",
    "summary": "Orders from the showroom, cutting lists for the workshop, and the stock of the timber yard.",
    "currency": "EUR",
    "stages": [
        _work(
            "S1", "Order desk", "8000.00",
            ("An order is entered within two minutes.", "5"),
            ("A confirmation is printed in German and English.", "3"),
        ),
        _work(
            "S2", "Timber yard and stock", "6000.00",
            ("Stock is counted with the hand scanner.", "5"),
            ("A cutting list reserves the boards it needs.", "3"),
        ),
        _work("S3", "Delivery routes", "5000.00", ("Routes avoid bridges below the lorry's height.", "2")),
    ],
    "meters": [
        _metered("label_prints", "Labels printed", "label", "0.0125"),
        {"code": "hosting", "title": "Hosting, per month", "kind": "time", "unit": "month", "price": "90.00"},
    ],
}  # fmt: skip

SPARE_PARTS: Final[dict[str, Any]] = {
    "reference": "BJ-02",
    "title": "Spare parts shop",
    "summary": "A shop for hinges, handles and runners of furniture sold since 1998.",
    "currency": "EUR",
    "stages": [
        _prepayment("1500.00"),
        _work("S1", "Catalogue", "3500.00", ("All 4,100 parts are found by drawing number.", "1")),
        _work("S2", "Checkout", "2800.00", ("An order can be paid by invoice.", "1")),
    ],
}

SHOWROOM: Final[dict[str, Any]] = {
    "reference": "BJ-03",
    "title": "Showroom tablets",
    "summary": "Twelve short segments, each paid after it was shown on the tablets of the showroom.",
    "currency": "EUR",
    "stages": [
        _work(
            f"S{number:02}", title, amount,
            ("It works on the tablets of the showroom.", "3"),
            ("It keeps to the style guide.", "1"),
        )
        for number, (title, amount) in enumerate(
            (
                ("Start page", "900.00"),
                ("Wood samples", "1200.00"),
                ("Room planner: walls and windows", "2400.00"),
                ("Room planner: furniture", "2600.00"),
                ("Light at every hour of the day", "1800.00"),
                ("Prices while you plan", "1500.00"),
                ("Handing a plan to the order desk", "1100.00"),
                ("Customer accounts", "1300.00"),
                ("Photographs of finished rooms", "700.00"),
                ("Appointments with the joiner", "800.00"),
                ("Languages: English, Polish, Swedish", "950.00"),
                ("Training of the showroom staff", "600.00"),
            ),
            1,
        )
    ],
}  # fmt: skip

FREIGHT: Final[dict[str, Any]] = {
    "reference": "PD-01",
    "title": "Freight quotations and berth calendar",
    "summary": "Quotations for part loads and a calendar of berths that ships' agents can book in.",
    "currency": "USD",
    "terms": {"time_zone": "America/New_York"},
    "stages": [
        _prepayment("6000.00"),
        *(
            _work(
                f"S{number}", title, amount,
                ("It is right for the bookings of last March.", "2"),
                ("It runs in the office's browser.", "1"),
            )
            for number, (title, amount) in enumerate(
                (
                    ("Part load quotations", "7200.00"),
                    ("Surcharges", "4100.00"),
                    ("Berth calendar", "8800.00"),
                    ("Agents' bookings", "5200.00"),
                    ("Tide tables", "2300.00"),
                    ("Invoices", "3900.00"),
                    ("Customs papers", "4700.00"),
                    ("Weather warnings", "1900.00"),
                    ("Archive", "1600.00"),
                ),
                1,
            )
        ),
    ],
    "meters": [_metered("quotes", "Quotations sent", "quotation", "0.35")],
}  # fmt: skip

LETTERHEAD: Final[dict[str, Any]] = {
    "reference": "BJ-00",
    "title": "Letterhead generator",
    "currency": "EUR",
    "stages": [_work("S1", "Generator", "480.00", ("Letters keep to the house style.", "1"))],
}

NIGHT_SHIFT: Final[dict[str, Any]] = {
    "reference": "PD-02",
    "title": "Night shift roster",
    "currency": "USD",
    "terms": {"time_zone": "America/New_York"},
    "stages": [_prepayment("900.00"), _work("S1", "Roster", "2100.00", ("Rest times are kept.", "1"))],
}

TO_SIGN: Final[dict[str, Any]] = {
    "reference": "BJ-04",
    "title": "Kiln control, second edition",
    "summary": "Waits for its signature.",
    "currency": "EUR",
    "terms": {"window_days": 2, "deemed_acceptance_days": 30},
    "stages": [
        _prepayment("2000.00"),
        _work("S1", "Kiln control", "7400.00", ("The kiln stops at 82 °C.", "1")),
    ],
}
