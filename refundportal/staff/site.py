"""
The staff site: it shows what is registered here and nothing else.

Sign-in, passwords and second factors belong to the account pages; no library registers its own models here.
"""

from typing import Any

from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib.auth import logout
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from unfold.sites import UnfoldAdminSite

from refundportal.staff.places import places_of
from refundportal.staff.visits import may_read


class StaffSite(UnfoldAdminSite):
    """Pages for the company's people."""

    index_title = _("Today")
    index_template = "staff/dashboard.html"

    def extra_urls(self) -> list[URLPattern]:
        from refundportal.staff.downloads import attachment_view, preview_view
        from refundportal.staff.ledger import ledger_account_view, ledger_csv_view, ledger_view
        from refundportal.staff.reports import report_csv_view, reports_view
        from refundportal.staff.saved import saved_filters_view

        return [
            path("reports/", self.admin_view(reports_view), name="reports"),
            path("reports/<slug:by>/csv/", self.admin_view(report_csv_view), name="report-csv"),
            path("filters/", self.admin_view(saved_filters_view), name="saved-filters"),
            path("ledger/", self.admin_view(ledger_view), name="ledger"),
            path("ledger/account/<str:code>/", self.admin_view(ledger_account_view), name="ledger-account"),
            path("ledger/<slug:what>/csv/", self.admin_view(ledger_csv_view), name="ledger-csv"),
            path("attachment/<uuid:row_id>/", self.admin_view(attachment_view), name="attachment"),
            path(
                "attachment/<uuid:row_id>/preview/",
                self.admin_view(preview_view),
                name="attachment-preview",
            ),
        ]

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Name the kinds of record of one app; no page shows those of all, the sidebar has its own order."""
        return [] if app_label is None else super().get_app_list(request, app_label)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Say which of the places a page lies in; some lie in none, and are called by their title."""
        context = super().each_context(request)
        items = [item for group in context["sidebar_navigation"] for item in group["items"]]
        return {**context, "place": next((item for item in items if item["active"]), None)}

    def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, Any]]:
        """Give the places that this person may go to, the present one marked."""
        return places_of(request)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        """Lead to the account pages. No password is taken here: it would pass by the second factor."""
        return secure_admin_login(lambda request: redirect("admin:index"))(request)

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        logout(request)
        return redirect(settings.LOGIN_URL)

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return redirect("account_change_password")

    def password_change_done(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return redirect("account_change_password")

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show what is to be done today; whoever is in no group sees that they are in none."""
        from refundportal.staff.dashboard import dashboard_of

        board = dashboard_of(request) if may_read(request) else None
        return super().index(request, {"board": board, **(extra_context or {})})

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        from refundportal.staff.palette import palette

        if not may_read(request):
            raise PermissionDenied
        return palette(request, self.get_sidebar_list(request))


site = StaffSite(name="admin")
