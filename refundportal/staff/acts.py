"""
Acts: what staff do with a record. Each has a page that explains it, its form, and one button.

An act calls one service. What the service refuses becomes words on the page, nothing is half done, and
nothing that was typed is lost. An act that is not possible stays visible with the reason why not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Generic, TypeVar
from uuid import UUID

import structlog
from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from accounts.rights import may_administer
from events.tasks import sequence_events
from kernel.errors import DomainError
from refundportal.bell import ring
from refundportal.staff.lists import StaffAdmin
from refundportal.staff.visits import Visit, visit_of
from refundportal.web.faults import fault_words
from refundportal.web.recently import has_shown_who, place_to_show_who, place_to_sign_in_again

log = structlog.get_logger(__name__)
Row = TypeVar("Row", bound=Model)

STATUS: Final[Mapping[str, int]] = {
    "invalid": 422,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "refused": 409,
}


class ActForm(forms.Form):
    """A form of an act; `take` puts the faults that a service found beside the fields they are about."""

    paths: ClassVar[Mapping[str, str]] = {}
    """Which field a path of a fault belongs to, where it is not the field of the same name."""

    def take(self, refusal: DomainError) -> None:
        for fault in refusal.faults:
            field = self.paths.get(fault.path, fault.path)
            if field in self.fields:
                self.add_error(field, fault_words(fault))
            else:
                said = fault_words(fault)
                self.add_error(None, f"{fault.path}: {said}" if fault.path else said)
        if not refusal.faults:
            self.add_error(None, refusal.detail)


@dataclass(frozen=True, slots=True)
class Offer:
    """An act as a page offers it: the address of its page, or the reason why not."""

    name: str
    title: str
    icon: str
    url: str
    why_not: str

    @property
    def allowed(self) -> bool:
        return not self.why_not


class Act(Generic[Row]):
    """
    Something that can be done with one record.

    `why_not` is for display; whether it is allowed is decided by the service, each time.
    """

    name: ClassVar[str]
    title: ClassVar[Any]
    button: ClassVar[Any] = ""
    explanation: ClassVar[Any] = ""
    icon: ClassVar[str] = "circle-dot"
    is_grave: ClassVar[bool] = False
    asks_who: ClassVar[bool] = False
    """Whether people show once more that it is they, before they see the form."""
    secret: str = ""
    """What is shown once, on the page that answers, and nowhere else."""
    previews: ClassVar[bool] = False
    template: ClassVar[str] = "staff/act.html"
    form_class: ClassVar[type[ActForm]] = ActForm

    def __init__(self, visit: Visit, row: Row, request: HttpRequest | None = None) -> None:
        self.visit = visit
        self.row = row
        self.request = request

    def why_not(self) -> str:
        """Say why this cannot be done now; empty if it can."""
        return ""

    def form(self, *data: Any) -> ActForm:
        return self.form_class(*data)

    def context(self) -> dict[str, Any]:
        """Give what the page shows beside the form."""
        return {}

    def do(self, form: ActForm) -> str:
        """
        Do it, and say what was done.

        :raises DomainError: it is refused
        """
        raise NotImplementedError

    def preview(self, form: ActForm) -> dict[str, Any]:
        """
        Show what would follow, without doing it.

        :raises DomainError: it would be refused
        """
        raise NotImplementedError

    def completed(self, typed: Any) -> Any:
        """Fill in what a preview does not need but the form does, while somebody is still typing."""
        return typed

    def back(self) -> str:
        """Give the address to go on from when it is done."""
        return record_url(self.row)


def record_url(row: Model) -> str:
    """Give the address of a record's page."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


class ActingAdmin(StaffAdmin):
    """A kind of record with a page of its own and acts."""

    acts: ClassVar[tuple[type[Act[Any]], ...]] = ()
    page_template: ClassVar[str]
    is_called_by_name: ClassVar[bool] = True
    """Whether people know a record of this kind by its own name; it then stands above its pages."""

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_act"
        view = self.admin_site.admin_view(self.act_view)
        return [path("<uuid:row_id>/do/<slug:act_name>/", view, name=name), *super().get_urls()]

    def page(self, request: HttpRequest, visit: Visit, row: Any) -> dict[str, Any]:
        """Gather what the record's page shows."""
        raise NotImplementedError

    def read(self, visit: Visit, row_id: UUID) -> Any:
        """
        Read one record through the person who asks.

        :raises DomainError: no such record for this person
        """
        raise NotImplementedError

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the record's page; it takes nothing, every change is an act."""
        if (
            object_id is None
            or request.method not in ("GET", "HEAD")
            or not self.has_view_permission(request)
        ):
            raise PermissionDenied
        visit = visit_of(request)
        row = self._read_or_404(visit, object_id)
        context = {
            **self._frame(request, row),
            "title": str(row),
            "offers": self.offers(visit, row),
            **self.page(request, visit, row),
        }
        return TemplateResponse(request, self.page_template, context)

    def offers(self, visit: Visit, row: Any) -> list[Offer]:
        """Offer every act: first what can be done, then what cannot, each in its order."""
        offers = [self.offer_of(act(visit, row)) for act in self.acts]
        return sorted(offers, key=lambda offer: not offer.allowed)

    def offer_of(self, act: Act[Any]) -> Offer:
        return Offer(act.name, str(act.title), act.icon, self.act_url(act.row, act.name), act.why_not())

    def act_url(self, row: Model, name: str) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_act", args=[row.pk, name])

    def act_view(self, request: HttpRequest, row_id: UUID, act_name: str) -> HttpResponse:
        """Explain an act, and do it when its form is sent."""
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = next((act for act in self.acts if act.name == act_name), None)
        if found is None:
            raise Http404
        visit = visit_of(request)
        act = found(visit, self._read_or_404(visit, row_id), request)
        if act.asks_who and not act.why_not() and not has_shown_who(request):
            return self.ask_who(request, act.row)
        if request.method == "POST":
            return self._do(request, act)
        return self._show(request, act, act.form())

    def _do(self, request: HttpRequest, act: Act[Any]) -> HttpResponse:
        is_live = "HX-Request" in request.headers
        if is_live and not act.previews:
            raise PermissionDenied
        form = act.form(act.completed(request.POST) if is_live else request.POST, request.FILES)
        if not form.is_valid():
            return self._show(request, act, form, status=422)
        try:
            # What a page asks for while somebody types is only shown, whatever it sends.
            if is_live or (act.previews and "confirmed" not in request.POST):
                return self._show(request, act, form, preview=act.preview(form))
            done = act.do(form)
        except DomainError as refusal:
            form.take(refusal)
            return self._show(request, act, form, status=STATUS[refusal.kind])
        except OperationalError as error:
            log.warning("act_not_done", act=act.name, error=str(error))
            form.add_error(None, _("Somebody is working on the same thing. Please try again in a moment."))
            return self._show(request, act, form, status=503)
        ring(sequence_events)
        if act.secret:
            return self.show_secret(request, act.row, done, act.secret)
        messages.success(request, done)
        return redirect(act.back())

    def ask_who(self, request: HttpRequest, row: Model | None) -> HttpResponse:
        """Lead to where people show who they are, and back."""
        if place := place_to_show_who(request):
            return redirect(place)
        context = {
            **(self._frame(request, row) if row else self.admin_site.each_context(request)),
            "title": _("Please sign in once more"),
            "sign_in": place_to_sign_in_again(request),
        }
        return TemplateResponse(request, "staff/sign_in_again.html", context)

    def show_secret(self, request: HttpRequest, row: Model, done: str, secret: str) -> HttpResponse:
        """Show what is shown only once; no cache and no message keeps it."""
        context = {**self._frame(request, row), "title": done, "secret": secret}
        return TemplateResponse(
            request, "staff/secret.html", context, headers={"Cache-Control": "no-store, private"}
        )

    def _show(
        self,
        request: HttpRequest,
        act: Act[Any],
        form: ActForm,
        *,
        preview: Mapping[str, Any] | None = None,
        status: int = 200,
    ) -> HttpResponse:
        why_not = act.why_not()
        context = {
            **self._frame(request, act.row),
            "title": str(act.title),
            "act": act,
            "form": form,
            "why_not": why_not,
            # Who came too late keeps what was typed; who may not do it sees no form.
            "shows_form": not why_not or status == STATUS["conflict"],
            "back_url": act.back(),
            "preview": preview,
            **act.context(),
        }
        return TemplateResponse(request, act.template, context, status=status)

    def _frame(self, request: HttpRequest, row: Model) -> dict[str, Any]:
        request.current_app = self.admin_site.name  # type: ignore[attr-defined]
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": row if self.is_called_by_name else None,
            "row": row,
            "record_url": record_url(row),
            "history_url": reverse(
                f"admin:{self.opts.app_label}_{self.opts.model_name}_history", args=[row.pk]
            ),
        }

    def _read_or_404(self, visit: Visit, row_id: Any) -> Any:
        try:
            return self.read(visit, UUID(str(row_id)))
        except ValueError as missing:
            raise Http404 from missing
        except DomainError as missing:
            raise Http404 from missing


class EnteringAdmin(ActingAdmin):
    """A kind of record that administrators enter."""

    entry_form: ClassVar[type[ActForm]]
    entry_title: ClassVar[Any]
    entry_button: ClassVar[Any]
    change_list_template = "staff/entering.html"

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_new"
        return [path("new/", self.admin_site.admin_view(self.new_view), name=name), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        address = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_new")
        shown = {"entry_url": address, "entry_title": self.entry_title}
        return super().changelist_view(request, {**shown, **(extra_context or {})})

    def enter(self, visit: Visit, form: ActForm) -> tuple[Model, str, str]:
        """
        Enter what the form says; give the record, what was done in words, and a secret to be shown once.

        :raises DomainError: it is refused
        """
        raise NotImplementedError

    def new_view(self, request: HttpRequest) -> HttpResponse:
        """Show the form of a new record, and enter it."""
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        visit = visit_of(request)
        if not self.has_view_permission(request) or administrators_only(visit):
            raise PermissionDenied
        if not has_shown_who(request):
            return self.ask_who(request, None)
        form, status = self.entry_form(request.POST or None), 200
        if request.method == "POST":
            status = 422
            if form.is_valid():
                try:
                    row, done, secret = self.enter(visit, form)
                except DomainError as refusal:
                    form.take(refusal)
                    status = STATUS[refusal.kind]
                else:
                    ring(sequence_events)
                    if secret:
                        return self.show_secret(request, row, done, secret)
                    messages.success(request, done)
                    return redirect(record_url(row))
        context = {
            **self.admin_site.each_context(request),
            "title": self.entry_title,
            "opts": self.opts,
            "form": form,
            "act": {"button": self.entry_button},
            "back_url": reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"),
            "shows_form": True,
        }
        return TemplateResponse(request, "staff/act.html", context, status=status)


def refusing(condition: bool, words: str) -> str:
    """Give the words if the condition holds: the first reason why not is said."""
    return words if condition else ""


def first_of(*reasons: str) -> str:
    """Give the first reason that is one."""
    return next((reason for reason in reasons if reason), "")


def finance_only(visit: Visit) -> str:
    return refusing(not visit.is_finance, _("Only Finance may do this."))


def administrators_only(visit: Visit) -> str:
    return refusing(not may_administer(visit.principal), _("Only an administrator may do this."))


def reviewers_only(visit: Visit) -> str:
    return refusing(not visit.may_review, _("Only a Reviewer or an Approver may do this."))
