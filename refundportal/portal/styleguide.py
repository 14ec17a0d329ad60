"""Every piece of the pages in every state, for whoever works on how they look; in development only."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib.messages.constants import DEFAULT_TAGS
from django.contrib.messages.storage.base import Message
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from kernel.money import Money
from payments.models import Method, PaymentStatus
from refundportal.portal.examples import worked_examples
from refundportal.portal.trying import TryForm, starting_figures
from refundportal.web.clock import Clock
from refundportal.web.files import FilesField
from refundportal.web.forms import Choices
from refundportal.web.rail import PAID, PART_PAID, UNPAID, Bead, Mark
from refundportal.web.timeline import ICONS, Entry
from refunds.letters import Letter
from refunds.models import EnquiryState, ScanState

_ENDS = datetime(2026, 6, 5, 22, tzinfo=UTC)
_STATES = ("submitted", "in_review", "information_requested", "proposed", "approved", "rejected", "withdrawn")
_LONG = (
    "Warehouse, order desk and everything that prints, weighs, labels and ships parcels for customers abroad"
)


class _EveryField(forms.Form):
    """One field of each kind, with help and with a fault."""

    text = forms.CharField(label="One line", help_text="What stands under a field helps before it is wrong.")
    choice = forms.ChoiceField(
        label="One of few",
        choices=[("a", "The first"), ("b", "The second")],
        widget=Choices(help_texts={"b": "A choice may say more."}),
    )
    long = forms.CharField(label="Many lines", required=False, widget=forms.Textarea(attrs={"rows": 3}))
    number = forms.IntegerField(label="A number", min_value=0)
    select = forms.ChoiceField(label="One of many", choices=[("", "—"), ("x", _LONG)], required=False)
    evidence = FilesField(label="Files", help_text="PDF, PNG, JPEG or plain text.")
    yes = forms.BooleanField(label="Yes or no", required=False)


def styleguide(request: HttpRequest) -> HttpResponse:
    """Show the pieces; outside of development there is no such page."""
    if not settings.DEBUG:
        raise Http404
    context = {
        "states": _STATES,
        "clocks": [Clock(_ENDS, "Europe/Berlin", _ENDS - left) for left in _LEFT],
        "rails": [_rail(1), _rail(4), _rail(14)],
        "examples": worked_examples(),
        "timeline": _timeline(),
        "form": _EveryField({"wrong-number": "-1"}, prefix="wrong"),
        "empty_form": _EveryField(prefix="empty"),
        "payments": [{"status": status, "method": "bank"} for status in PaymentStatus.values]
        + [{"status": PaymentStatus.CAPTURED, "method": Method.CREDIT}],
        "questions": [{"state": state} for state in EnquiryState.values],
        "notes": [Message(level, f"A message: {tag}.") for level, tag in DEFAULT_TAGS.items()],
        "files": _files(),
        "steps": (1, 2, 3),
        "windows": [_window(left) for left in _LEFT],
        "letter": _letter(),
        "pages": [
            {"previous": one, "next": other}
            for one, other in ((None, {"text": "x"}), ({"text": "x"}, {"text": "x"}), ({"text": "x"}, None))
        ],
        "good_form": TryForm(initial=starting_figures()),
        "amounts": [Money(0, "EUR"), Money(123456789012, "EUR"), Money(1234567, "JPY"), Money(-1005, "KWD")],
    }
    return render(request, "portal/styleguide.html", context)


_LEFT = (timedelta(days=2, hours=4), timedelta(hours=5), timedelta(seconds=30), timedelta(0))


def _files() -> list[dict[str, Any]]:
    """Give a file in each state that a scanner leaves it in."""
    shown = {"file_name": "proof.png", "size_bytes": 20480, "pk": UUID(int=0)}
    return [
        {
            **shown,
            "scan_state": state,
            "get_scan_state_display": state.label,
            "may_be_opened": state in (ScanState.CLEAN, ScanState.UNSCANNED),
        }
        for state in ScanState
    ]


def _window(left: timedelta) -> dict[str, Any]:
    stage, contract = {"code": "S1", "title": "Order desk"}, {"title": _LONG}
    payment = {"number": "P-2026-000001", "stage": stage, "contract": contract}
    return {
        "payment": {**payment, "amount_minor": 100000, "currency": "EUR"},
        "clock": Clock(_ENDS, "Europe/Berlin", _ENDS - left),
        "expected": Money(62550, "EUR"),
        "at_most": left > timedelta(days=1),
    }


def _letter() -> Letter:
    return Letter(
        kind="decision",
        number="RR-2026-000001",
        received="Thursday, 4 June 2026, 09:00:00 (Berlin time)",
        company=settings.COMPANY_NAME,
        addressee=("Acme", "1 Long Road", "London"),
        at=_ENDS,
        dated="Friday, 5 June 2026",
        subject="Our answer to your application RR-2026-000001",
        references=(("Application", "RR-2026-000001"), ("Contract", "C-2026-0001 Order desk")),
        paragraphs=("A letter is set in the serif.", "Each paragraph says one thing."),
        statement=worked_examples()[1].statement,
        findings=(),
        closing=("It ends with what one can do next.",),
        policy_version="1",
    )


def _rail(stages: int) -> tuple[Bead, ...]:
    return tuple(_bead(at) for at in range(stages))


def _bead(at: int) -> Bead:
    marks: list[tuple[Mark, ...]] = [
        (Mark("circle-check", "paid"), Mark("badge-check", "accepted")),
        (Mark("circle-check", "paid"), Mark("package-check", "delivered, not accepted yet")),
        (Mark("circle-dot", "500.00 EUR paid"), Mark("hammer", "in progress")),
        (Mark("calendar", "due Friday, 5 June 2026"), Mark("package", "not begun")),
        (Mark("hourglass", "payment on its way"), Mark("undo-2", "objected to")),
        (Mark("circle-check", "paid by credit"), Mark("package-check", "delivered, not accepted yet")),
        (Mark("octagon-alert", "objection at the bank"), Mark("badge-check", "accepted")),
        (Mark("circle", "not due yet"), Mark("package", "not begun")),
    ]
    kind = min(at, 7)
    return Bead(
        code=f"S{at}",
        title=_LONG if at == 2 else f"Part {at}",
        amount=Money(10 ** min(at + 4, 13) + at, "EUR"),
        standing=(PAID, PAID, PART_PAID, UNPAID, UNPAID, PAID, PAID, UNPAID)[kind],
        marks=marks[kind],
        clock=Clock(_ENDS, "Europe/Berlin", _ENDS - timedelta(hours=30)) if at == 1 else None,
        url="",
    )


def _timeline() -> list[Any]:
    started = _ENDS - timedelta(days=3)
    happened = [
        Entry(what=kind, who="our review team", at=started + timedelta(hours=at), icon=icon)
        for at, (kind, icon) in enumerate(ICONS.items())
    ]
    return [*happened, Entry(what="We examine the facts", who="us", is_next=True, due_on=_ENDS.date())]
