"""Clients, and their questions."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contracts.models import Client, Contract, Membership
from contracts.selectors import client_of, clients_of
from kernel.money import Money
from refundportal.staff import shown
from refundportal.staff.acts import Act, ActForm, ActingAdmin, reviewers_only
from refundportal.staff.site import site
from refundportal.staff.visits import Visit, visit_of
from refunds.models import Enquiry, RefundRequest
from refunds.selectors import enquiries_of, enquiry_of
from refunds.services import answer_question
from refunds.wording import day_words

ROWS_SHOWN = 50


@admin.register(Client, site=site)
class ClientAdmin(ActingAdmin):
    """The parties."""

    list_display = ("name", "kind", "email", "created_shown")
    list_filter = ("kind",)
    search_fields = ("name__icontains", "email__icontains")
    search_help_text = _("Name or e-mail address")
    page_template = "staff/client.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return clients_of(visit_of(request).principal)

    def read(self, visit: Visit, row_id: UUID) -> Client:
        return client_of(visit.principal, row_id)

    def page(self, request: HttpRequest, visit: Visit, row: Client) -> dict[str, Any]:
        contracts = Contract.objects.filter(client=row).order_by("-id")[:ROWS_SHOWN]
        return {
            "members": Membership.objects.filter(client=row).select_related("user")[:ROWS_SHOWN],
            "contracts": [(one, Money(one.total_minor, one.currency)) for one in contracts],
            "requests": RefundRequest.objects.filter(client=row).order_by("-id")[:ROWS_SHOWN],
        }

    @admin.display(description=_("since"))
    def created_shown(self, row: Client) -> str:
        return shown.instant(row.created_at)


class AnswerForm(ActForm):
    body = forms.CharField(label=_("Your answer"), max_length=8000, widget=forms.Textarea(attrs={"rows": 6}))


class Answer(Act[Enquiry]):
    name = "answer"
    title = _("Answer the question")
    icon = "reply"
    button = _("Send answer")
    explanation = _("The client gets it by e-mail.")
    form_class = AnswerForm

    def why_not(self) -> str:
        return reviewers_only(self.visit)

    def do(self, form: ActForm) -> str:
        answer_question(
            principal=self.visit.principal,
            enquiry_id=self.row.pk,
            body=form.cleaned_data["body"],
            now=self.visit.now,
        )
        return gettext("The answer has been sent.")


@admin.register(Enquiry, site=site)
class EnquiryAdmin(ActingAdmin):
    """Questions of clients; every one gets an answer by its date."""

    key = ("answer_due_on", "id")
    list_display = ("subject", "client", "state_shown", "due_shown", "asked_shown")
    list_filter = ("state",)
    list_select_related = ("client",)
    search_fields = ("subject__icontains", "client__name__icontains", "client__email__icontains")
    search_help_text = _("Subject, client or e-mail address")
    page_template = "staff/enquiry.html"
    acts = (Answer,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return enquiries_of(visit_of(request).principal)

    def read(self, visit: Visit, row_id: UUID) -> Enquiry:
        return enquiry_of(visit.principal, row_id)

    def page(self, request: HttpRequest, visit: Visit, row: Enquiry) -> dict[str, Any]:
        return {"thread": row.messages.select_related("author").order_by("at", "id")}

    @admin.display(description=_("state"))
    def state_shown(self, row: Enquiry) -> SafeString:
        is_open = row.state == "open"
        return shown.tagged(
            row.get_state_display(), "inbox" if is_open else "reply", "" if is_open else "soft"
        )

    @admin.display(description=_("answer due"))
    def due_shown(self, row: Enquiry) -> str:
        return day_words(row.answer_due_on) if row.state == "open" else "–"

    @admin.display(description=_("asked"))
    def asked_shown(self, row: Enquiry) -> str:
        return shown.instant(row.asked_at)
