"""Importing contracts from a file: first as a trial, then for good."""

import json
from typing import Any, NoReturn

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contracts.services import ImportReport, import_contracts
from events.tasks import sequence_events
from kernel.errors import DomainError, Fault
from kernel.reading import DoubleKeys
from refundportal.bell import ring
from refundportal.staff.acts import STATUS, ActForm, reviewers_only
from refundportal.staff.fields import YesNoField
from refundportal.staff.tables import COLUMNS, Table, read_csv, read_xlsx, table_of
from refundportal.staff.visits import Visit, visit_of
from refundportal.web.faults import fault_words

SIZE_MAX = 5 * 1024 * 1024
FAULTS_SHOWN = 100


class ImportForm(ActForm):
    file = forms.FileField(
        label=_("File"),
        help_text=_(
            "JSON in UTF-8: one contract, a list of them, or an object with a list “contracts”. Or a table, "
            "CSV in UTF-8 or XLSX: one row per stage, item or meter."
        ),
        widget=forms.FileInput(attrs={"accept": ".json,.csv,.xlsx"}),
    )
    is_trial = YesNoField(
        label=_("For good?"),
        yes=_("Only try: store nothing"),
        no=_("Store all of them, or none"),
        initial="yes",
    )

    table: Table | None = None
    """Where the rows stood, if the file was a table."""

    def clean_file(self) -> Any:
        """Read the file as what its name says it is."""
        file = self.cleaned_data["file"]
        if file.size > SIZE_MAX:
            raise forms.ValidationError(gettext("The file may have at most 5 MB."))
        ending = file.name.rpartition(".")[2].lower()
        if ending not in ("csv", "xlsx"):
            return _read_json(file.read())
        try:
            self.table = table_of((read_csv if ending == "csv" else read_xlsx)(file.read()))
        except DomainError as refusal:
            said = [f"{fault.path}: {fault_words(fault)}" for fault in refusal.faults[:FAULTS_SHOWN]]
            raise forms.ValidationError(said or [refusal.detail]) from refusal
        return self.table.contracts

    def take(self, refusal: DomainError) -> None:
        for fault in refusal.faults[:FAULTS_SHOWN]:
            self.add_error(None, f"{self.place_words(fault)}: {fault_words(fault)}")
        if not refusal.faults:
            self.add_error(None, refusal.detail)

    def place_words(self, fault: Fault) -> str:
        """Say where a fault is: by row and column of a table, else by its path."""
        row, column = (0, "") if self.table is None else self.table.place_of(fault)
        if not row:
            return fault.path or gettext("file")
        return gettext("Row %(row)s, %(column)s") % {"row": row, "column": column or "–"}


def _read_json(data: bytes) -> Any:
    try:
        text = data.decode("utf-8-sig")
        return json.loads(text, object_pairs_hook=DoubleKeys, parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise forms.ValidationError(gettext("The file is not written in UTF-8.")) from None
    except (ValueError, RecursionError) as error:
        raise forms.ValidationError(gettext("This is not JSON: %(why)s") % {"why": error}) from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def import_view(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """Take a file of contracts, try it or store it, and report."""
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    visit = visit_of(request)
    form, report, status = ImportForm(), None, 200
    if request.method == "POST":
        form = ImportForm(request.POST, request.FILES)
        status = 422
        if form.is_valid():
            report, status = _import(visit, form)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": gettext("Import contracts"),
        "opts": model_admin.opts,
        "form": form,
        "report": report,
        "is_trial": report is not None and form.cleaned_data["is_trial"],
        "why_not": reviewers_only(visit),
        "lines": () if report is None else _lines(form, report),
        "columns": COLUMNS,
    }
    return TemplateResponse(request, "staff/import.html", context, status=status)


def _import(visit: Visit, form: ImportForm) -> tuple[ImportReport | None, int]:
    cleaned = form.cleaned_data
    try:
        report = import_contracts(
            principal=visit.principal,
            raw=cleaned["file"],
            folder=None,
            now=visit.now,
            dry_run=cleaned["is_trial"],
        )
    except DomainError as refusal:
        form.take(refusal)
        return None, STATUS[refusal.kind]
    ring(sequence_events)
    return report, 200


def _lines(form: ImportForm, report: ImportReport) -> list[tuple[str, str, str, int]]:
    """Tell contract by contract what was, or would be, stored: its row, reference and title, and stages."""
    raw = form.cleaned_data["file"]
    if isinstance(raw, dict):
        raw = raw.get("contracts", [raw])
    places = {} if form.table is None else form.table.places
    return [
        (
            str(places.get(f"contracts[{place}]", place + 1)),
            number,
            f"{one.get('reference', '')} {one.get('title', '')}".strip(),
            len(one.get("stages", ())),
        )
        for place, (one, number) in enumerate(zip(raw, report.numbers, strict=True))
    ]
