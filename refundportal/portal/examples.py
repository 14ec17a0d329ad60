"""Worked examples of the policy on made-up figures; the engine computes each when the page is shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from kernel.money import Money
from refundportal.web.clock import end_words
from refunds.policy.interchange import evaluate_json
from refunds.statement import Names, Statement, statement_of

_DELIVERED: Final = "2026-06-01T12:00:00+02:00"
_CAPTURED: Final = "2026-06-02T14:05:00+02:00"
AMOUNT: Final = Money(100000, "EUR")
PAID_AT: Final = datetime.fromisoformat(_CAPTURED)
"""What was paid in each example, and when."""
_IN_TIME: Final = "2026-06-04T09:00:00+02:00"
_NAMES: Final = Names(
    stages={"S1": _("Booking pages"), "S2": _("Invoices")},  # type: ignore[dict-item]  # lazy words
    meters={"hosting": _("Hosting"), "api_calls": _("API calls")},  # type: ignore[dict-item]
)


@dataclass(frozen=True, slots=True)
class Example:
    """One case: its story, what the engine answers, and until when one could have applied."""

    title: str | Promise
    story: str | Promise
    statement: Statement
    end: str


def _facts(
    name: str, *, work: list[dict[str, Any]], usage: list[dict[str, Any]], submitted_at: str = _IN_TIME
) -> dict[str, Any]:
    return {
        "id": name,
        "client_type": "business",
        "decided_at": "2026-06-12T10:00:00+02:00",
        "terms": {"time_zone": "Europe/Berlin"},
        "payment": {
            "amount": AMOUNT.text,
            "currency": AMOUNT.currency,
            "status": "captured",
            "captured_at": _CAPTURED,
        },
        "request": {"submitted_at": submitted_at},
        "work": work,
        "usage": usage,
    }


def _stage(name: str, amount: str, *fulfilled: tuple[str, str], **more: str) -> dict[str, Any]:
    items = [
        {"code": f"AC-{at}", "weight": weight, "fulfilled": share}
        for at, (weight, share) in enumerate(fulfilled, 1)
    ]
    return {"stage": name, "amount": amount, "items": items, **more}


_HOSTING: Final[Mapping[str, str]] = {
    "kind": "time",
    "meter": "hosting",
    "price": "30.00",
    "start": "2026-06-02T00:00:00+02:00",
    "end": "2026-07-02T00:00:00+02:00",
    "recorded_at": "2026-06-02T00:00:00+02:00",
}
_CALLS: Final[Mapping[str, str]] = {
    "kind": "metered",
    "meter": "api_calls",
    "quantity": "12345",
    "unit_price": "0.0125",
    "stage": "S1",
    "occurred_at": "2026-06-03T00:00:00+02:00",
    "recorded_at": "2026-06-03T00:05:00+02:00",
}

_CASES: Final = (
    (
        _("Paid in advance, nothing delivered"),
        _(
            "A stage was paid on Tuesday. Nothing has been delivered when the client applies on "
            "Thursday morning."
        ),
        _facts("nothing-delivered", work=[_stage("S1", "1000.00")], usage=[]),
    ),
    (
        _("Delivered, but only in part as agreed"),
        _(
            "The booking pages were delivered. One of two acceptance items is met, the other by half. "
            "The client has used the service in the meantime."
        ),
        _facts(
            "in-part",
            work=[_stage("S1", "1000.00", ("5", "1"), ("3", "1/2"), delivered_at=_DELIVERED)],
            usage=[dict(_CALLS), dict(_HOSTING)],
        ),
    ),
    (
        _("A prepayment for two stages"),
        _("One stage was delivered and accepted, the other one has not begun. The accepted part is kept."),
        _facts(
            "prepayment",
            work=[
                _stage("S1", "600.00", delivered_at=_DELIVERED, accepted_at="2026-06-01T18:00:00+02:00"),
                _stage("S2", "400.00"),
            ],
            usage=[],
        ),
    ),
    (
        _("One minute too late"),
        _(
            "The same as the first example, but the application arrives one minute after the window "
            "has closed."
        ),
        _facts(
            "too-late", work=[_stage("S1", "1000.00")], usage=[], submitted_at="2026-06-06T00:01:00+02:00"
        ),
    ),
)


def worked_examples() -> list[Example]:
    """Let the engine decide every example."""
    return [_example(title, story, facts) for title, story, facts in _CASES]


def _example(title: str | Promise, story: str | Promise, facts: dict[str, Any]) -> Example:
    answer = evaluate_json(facts, default_time_zone=settings.COMPANY_TIME_ZONE)
    ends_at = datetime.fromisoformat(answer["deadline"])
    return Example(
        title, story, statement_of(answer, _NAMES), end_words(ends_at, facts["terms"]["time_zone"])
    )
