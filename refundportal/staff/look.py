"""How the staff site looks; the colours are those of the client pages."""

from typing import Any, Final

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
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


def _stylesheet(request: HttpRequest) -> str:
    return static("staff/staff.css")


def _mark(request: HttpRequest) -> str:
    return static("img/mark.svg")


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
        },
    }
