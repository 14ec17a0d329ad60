"""The sidebar: the places of the staff site in the order of the work, as far as a person may go there."""

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from refundportal.staff.visits import Permission, may_read, may_read_books, may_read_people

_CREDIT: Final = "credit"


@dataclass(frozen=True, slots=True)
class Place:
    """One page that the sidebar leads to; `method` is the kind of payment that a list keeps to."""

    title: Any
    icon: str
    name: str
    is_open_to: Permission = may_read
    method: str = ""

    def link(self) -> str:
        address = _address(self.name)
        return f"{address}?method__exact={self.method}" if self.method else address

    def is_here(self, request: HttpRequest) -> bool:
        """Whether the page that was asked for is this place or lies within it."""
        address = _address(self.name)
        if self.name == "index":
            return request.path == address
        is_of_credits = request.GET.get("method__exact") == _CREDIT
        return request.path.startswith(address) and is_of_credits is (self.method == _CREDIT)


@cache
def _address(name: str) -> str:
    return reverse(f"admin:{name}")


PLACES: Final = (
    (
        _("Cases"),
        (
            Place(_("Today"), "today", "index"),
            Place(_("Applications"), "inbox", "refunds_refundrequest_changelist"),
            Place(_("Questions"), "help", "refunds_enquiry_changelist"),
        ),
    ),
    (
        _("Agreements"),
        (
            Place(_("Contracts"), "contract", "contracts_contract_changelist"),
            Place(_("Clients"), "apartment", "contracts_client_changelist"),
            Place(_("Documents"), "draft", "contracts_document_changelist"),
        ),
    ),
    (
        _("Money"),
        (
            Place(_("Payments"), "payments", "payments_payment_changelist"),
            Place(_("Credits"), "confirmation_number", "payments_payment_changelist", method=_CREDIT),
            Place(_("Payouts"), "send_money", "payments_payout_changelist"),
            Place(_("Bank files"), "description", "payments_bankfile_changelist"),
            Place(_("Statements"), "receipt_long", "payments_statement_changelist"),
            Place(_("Statement lines"), "rule", "payments_statementline_changelist"),
            Place(_("Differences"), "difference", "payments_break_changelist"),
            Place(_("Books compared"), "balance", "payments_reconciliation_changelist"),
            Place(_("Provider messages"), "mark_email_unread", "payments_providerevent_changelist"),
            Place(_("Ledger"), "account_balance", "payments_transfer_changelist"),
            Place(_("The books"), "menu_book", "ledger", may_read_books),
            Place(_("Accounts"), "list", "payments_account_changelist"),
        ),
    ),
    (
        _("Policy"),
        (
            Place(_("Laboratory"), "science", "refunds_trial_changelist"),
            Place(_("Reports"), "bar_chart", "reports"),
        ),
    ),
    (
        _("Records"),
        (
            Place(_("Journal"), "history", "events_event_changelist"),
            Place(_("People"), "group", "accounts_user_changelist", may_read_people),
            Place(_("Systems"), "api", "accounts_apiclient_changelist", may_read_people),
        ),
    ),
)


def places_of(request: HttpRequest) -> list[dict[str, Any]]:
    """Give the groups of places that are open to a person, as the frame prints them."""
    checks: tuple[Permission, ...] = (may_read, may_read_books, may_read_people)
    may = {check: check(request) for check in checks}
    shown = ((title, [place for place in places if may[place.is_open_to]]) for title, places in PLACES)
    return [
        {"title": title, "items": [_item(place, request) for place in places]}
        for title, places in shown
        if places
    ]


def title_of(request: HttpRequest) -> str:
    """Give the title of the place where a person is."""
    return next(
        (str(place.title) for _group, places in PLACES for place in places if place.is_here(request)), ""
    )


def _item(place: Place, request: HttpRequest) -> dict[str, Any]:
    return {
        "title": place.title,
        "icon": place.icon,
        "link": place.link(),
        "active": place.is_here(request),
        "has_permission": True,
    }
