"""Contracts: the list, the page of one, its documents."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contracts.models import Amendment, Contract, ContractState, Document, Membership, Meter, Stage
from contracts.selectors import (
    contract_of,
    contracts_of,
    deliveries_at,
    documents_of,
    items_of,
    policy_terms,
)
from kernel.exact import scaled_text
from kernel.money import Money
from payments.models import Payment
from refundportal.staff import shown
from refundportal.staff.acts import ActingAdmin, Offer, reviewers_only
from refundportal.staff.authoring import write_view
from refundportal.staff.contract_acts import (
    AcceptDelivery,
    CompleteContract,
    DeliverStage,
    SignContract,
    StartStage,
    TerminateContract,
)
from refundportal.staff.downloads import give
from refundportal.staff.imports import import_view
from refundportal.staff.lists import Currency, StaffAdmin
from refundportal.staff.paper_acts import AddDocument, PublishTerms, RecordPayment
from refundportal.staff.site import site
from refundportal.staff.visits import Visit, visit_of
from refundportal.web.rail import gather_rail
from refundportal.web.terms import terms_in_words
from refunds.models import RefundRequest

STATES = {
    "draft": ("file-text", "soft"),
    "signed": ("signature", "good"),
    "completed": ("badge-check", "soft"),
    "terminated": ("ban", "stop"),
}
ROWS_SHOWN = 50


@admin.register(Contract, site=site)
class ContractAdmin(ActingAdmin):
    """Contracts are read here; what happens to them are acts."""

    list_display = ("number", "title", "client", "state_shown", "total_shown", "signed_shown")
    list_filter = ("state", Currency, "client__kind", "imported")
    list_select_related = ("client",)
    search_fields = (
        "number__startswith",
        "reference__istartswith",
        "title__icontains",
        "client__name__icontains",
        "client__email__icontains",
    )
    search_help_text = _("Number, title, client or e-mail address")
    change_list_template = "staff/contracts.html"
    page_template = "staff/contract.html"
    acts = (
        SignContract,
        StartStage,
        DeliverStage,
        AcceptDelivery,
        RecordPayment,
        PublishTerms,
        AddDocument,
        CompleteContract,
        TerminateContract,
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return contracts_of(visit_of(request).principal)

    def get_urls(self) -> list[URLPattern]:
        importing, writing = map(self.admin_site.admin_view, (self.import_view, self.write_view))
        return [
            path("import/", importing, name="contracts_contract_import"),
            path("new/", writing, name="contracts_contract_new"),
            path("<uuid:row_id>/write/", writing, name="contracts_contract_write"),
            *super().get_urls(),
        ]

    def import_view(self, request: HttpRequest) -> HttpResponse:
        return import_view(self, request)

    def write_view(self, request: HttpRequest, row_id: UUID | None = None) -> HttpResponse:
        return write_view(self, request, row_id)

    def offers(self, visit: Visit, row: Contract) -> list[Offer]:
        """Offer first to write a draft anew: its page is a sheet, not a form of one act."""
        offers = super().offers(visit, row)
        if row.state != ContractState.DRAFT:
            return offers
        place = reverse("admin:contracts_contract_write", args=[row.pk])
        title = gettext("Write the draft anew")
        return sorted(
            [Offer("write", title, "file-text", place, reviewers_only(visit)), *offers],
            key=lambda offer: not offer.allowed,
        )

    def read(self, visit: Visit, row_id: UUID) -> Contract:
        return contract_of(visit.principal, row_id)

    def page(self, request: HttpRequest, visit: Visit, row: Contract) -> dict[str, Any]:
        versions = list(row.terms_versions.order_by("-version"))
        in_force = next((one for one in versions if one.in_force_from <= visit.now), versions[-1])
        return {
            "state_sign": STATES[row.state],
            "zone": in_force.time_zone,
            "total": Money(row.total_minor, row.currency),
            "rail": gather_rail(row, visit.now),
            "stages": _stages(row, visit),
            "terms": terms_in_words(policy_terms(in_force)),
            "terms_row": in_force,
            "versions": versions,
            "documents": row.documents.order_by("-uploaded_at")[:ROWS_SHOWN],
            "members": Membership.objects.filter(client=row.client_id).select_related("user")[:ROWS_SHOWN],
            "meters": [(meter, _price(meter)) for meter in Meter.objects.filter(contract=row)],
            "payments": _payments(row),
            "requests": RefundRequest.objects.filter(contract=row).order_by("-id")[:ROWS_SHOWN],
            "amendments": Amendment.objects.filter(contract=row).order_by("number"),
        }

    @admin.display(description=_("state"))
    def state_shown(self, row: Contract) -> SafeString:
        return shown.tagged(row.get_state_display(), *STATES[row.state])

    @admin.display(description=_("total"))
    def total_shown(self, row: Contract) -> str | SafeString:
        return shown.amount(row.total_minor, row.currency)

    @admin.display(description=_("signed"))
    def signed_shown(self, row: Contract) -> str:
        return shown.instant(row.signed_at)


def _stages(contract: Contract, visit: Visit) -> list[dict[str, Any]]:
    """Gather the stages with items and last delivery. Three queries."""
    stages = list(Stage.objects.filter(contract=contract, is_removed=False).order_by("position"))
    ids = [stage.pk for stage in stages]
    items, deliveries = items_of(ids), deliveries_at(ids, visit.now)
    return [
        {
            "stage": stage,
            "amount": Money(stage.amount_minor, contract.currency),
            "covered": Money(stage.covered_minor, contract.currency),
            "items": items.get(stage.pk, []),
            "delivery": deliveries.get(stage.pk),
        }
        for stage in stages
    ]


def _payments(contract: Contract) -> list[tuple[Payment, Money]]:
    rows = Payment.objects.filter(contract=contract).select_related("stage").order_by("-id")[:ROWS_SHOWN]
    return [(row, Money(row.amount_minor, row.currency)) for row in rows]


def _price(meter: Meter) -> str:
    whole, decimals = scaled_text(meter.price_nano, 9).split(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


@admin.register(Document, site=site)
class DocumentAdmin(StaffAdmin):
    """Documents of contracts: who added them, and the bytes themselves."""

    list_display = ("title", "kind", "version", "contract", "file_name", "uploaded_shown")
    list_filter = ("kind",)
    list_select_related = ("contract",)
    search_fields = ("title__icontains", "contract__number__startswith", "sha256__istartswith")
    search_help_text = _("Title, contract or hash")
    fields = readonly_fields = (
        "contract",
        "kind",
        "title",
        "version",
        "file_name",
        "content_type",
        "size_bytes",
        "sha256",
        "uploaded_shown",
        "uploaded_by",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return documents_of(visit_of(request).principal).select_related("contract", "uploaded_by")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.file_view)
        return [path("<uuid:row_id>/file/", view, name="contracts_document_file"), *super().get_urls()]

    def file_view(self, request: HttpRequest, row_id: UUID) -> HttpResponse:
        """Give a document as a download."""
        return give(request, documents_of(visit_of(request).principal), row_id)

    @admin.display(description=_("added"))
    def uploaded_shown(self, row: Document) -> str:
        return shown.instant(row.uploaded_at)
