"""How the staff site looks and what its sidebar holds; the colours are those of the client pages."""

from typing import Any, Final

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

_PAPER: Final = {
    "50": "#faf8f4",
    "100": "#f2efe8",
    "200": "#ddd8cd",
    "300": "#c4bfb4",
    "400": "#a9a69f",
    "500": "#6d6b67",
    "600": "#565a63",
    "700": "#343941",
    "800": "#22262b",
    "900": "#1b1e22",
    "950": "#15171a",
}
_ACCENT: Final = {
    "50": "#e8f1f2",
    "100": "#d3e6e9",
    "200": "#a4dbe6",
    "300": "#8fcfdc",
    "400": "#7cc5d4",
    "500": "#3d93a4",
    "600": "#0c5363",
    "700": "#0a4855",
    "800": "#083e4b",
    "900": "#07333d",
    "950": "#04232b",
}
_FONT: Final = {
    "subtle-light": "#565a63",
    "subtle-dark": "#a9adb5",
    "default-light": "#1c1e22",
    "default-dark": "#ebe8e1",
    "important-light": "#1c1e22",
    "important-dark": "#ebe8e1",
}


def _page(title: Any, icon: str, name: str, permission: str = "may_read") -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{name}"),
        "permission": f"refundportal.staff.visits.{permission}",
    }


def _credits() -> dict[str, Any]:
    """Lead to the payments that were given instead of money."""
    page = _page(_("Credits"), "confirmation_number", "payments_payment_changelist")
    link = format_lazy("{}?method__exact=credit", page["link"])
    return {**page, "link": link, "active": _looks_at_credits}


def _looks_at_credits(request: HttpRequest) -> bool:
    return request.GET.get("method__exact") == "credit"


def _stylesheet(request: HttpRequest) -> str:
    return static("staff/staff.css")


def _mark(request: HttpRequest) -> str:
    return static("img/mark.svg")


def _group(title: Any, *items: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, "separator": True, "items": list(items)}


def _sidebar() -> list[dict[str, Any]]:
    return [
        _group(
            _("Cases"),
            _page(_("Today"), "today", "index"),
            _page(_("Applications"), "inbox", "refunds_refundrequest_changelist"),
            _page(_("Questions"), "help", "refunds_enquiry_changelist"),
        ),
        _group(
            _("Agreements"),
            _page(_("Contracts"), "contract", "contracts_contract_changelist"),
            _page(_("Clients"), "apartment", "contracts_client_changelist"),
            _page(_("Documents"), "draft", "contracts_document_changelist"),
        ),
        _group(
            _("Money"),
            _page(_("Payments"), "payments", "payments_payment_changelist"),
            _credits(),
            _page(_("Payouts"), "send_money", "payments_payout_changelist"),
            _page(_("Bank files"), "description", "payments_bankfile_changelist"),
            _page(_("Statements"), "receipt_long", "payments_statement_changelist"),
            _page(_("Statement lines"), "rule", "payments_statementline_changelist"),
            _page(_("Differences"), "difference", "payments_break_changelist"),
            _page(_("Books compared"), "balance", "payments_reconciliation_changelist"),
            _page(_("Provider messages"), "mark_email_unread", "payments_providerevent_changelist"),
            _page(_("Ledger"), "account_balance", "payments_transfer_changelist"),
            _page(_("The books"), "menu_book", "ledger", "may_read_books"),
            _page(_("Accounts"), "list", "payments_account_changelist"),
        ),
        _group(
            _("Policy"),
            _page(_("Laboratory"), "science", "refunds_trial_changelist"),
            _page(_("Reports"), "bar_chart", "reports"),
        ),
        _group(
            _("Records"),
            _page(_("Journal"), "history", "events_event_changelist"),
            _page(_("People"), "group", "accounts_user_changelist", "may_read_people"),
            _page(_("Systems"), "api", "accounts_apiclient_changelist", "may_read_people"),
        ),
    ]


def unfold(company_name: str) -> dict[str, Any]:
    """Give the settings of the staff site's frame."""
    account = [
        {"title": _("Password"), "link": reverse_lazy("account_change_password")},
        {"title": _("Second factor"), "link": reverse_lazy("mfa_index")},
    ]
    return {
        "SITE_TITLE": company_name,
        "SITE_HEADER": company_name,
        "SITE_SYMBOL": "balance",
        "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _mark}],
        "SHOW_HISTORY": False,
        "SHOW_VIEW_ON_SITE": False,
        "BORDER_RADIUS": "4px",
        "STYLES": [_stylesheet],
        "COLORS": {"base": _PAPER, "primary": _ACCENT, "font": _FONT},
        "ACCOUNT": {"navigation": account},
        "SIDEBAR": {
            "show_search": True,
            "command_search": True,
            "show_all_applications": False,
            "navigation": _sidebar(),
        },
    }
