"""Establishing facts in a case: each with its reason and evidence, shown before it is kept."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contracts.models import MeterKind, UsageRecord
from kernel.days import local_date, zone_of
from kernel.errors import InvalidInput
from kernel.exact import scaled_text
from refundportal.staff.acts import ActForm
from refundportal.staff.case import before_and_after, total_words
from refundportal.staff.case_acts import CaseAct, document_url
from refundportal.staff.fields import EvidenceField, IdField, ShareField, YesNoField, reason_field
from refundportal.staff.rehearsal import rehearse
from refundportal.staff.work import Work, works_of
from refunds.models import RefundRequest, UsageExclusion
from refunds.selectors import case_of, requests_of
from refunds.services import assess, exclude_usage, record_hidden_defect, record_statutory_check
from refunds.wording import ACTIONS, day_words

USAGE_SHOWN = 100
MICRO = 6


class FactForm(ActForm):
    """What every established fact has: a reason and, where there is one, a document that proves it."""

    def __init__(self, *args: Any, act: "FactAct", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.act = act
        self.add_fields()
        self.fields["reason"] = reason_field()
        self.fields["evidence"] = EvidenceField(act.documents)

    def add_fields(self) -> None:
        """Add what this fact asks for."""

    def arguments(self) -> dict[str, Any]:
        """Give what was typed as the service takes it."""
        cleaned = self.cleaned_data
        return {"reason": cleaned["reason"], "evidence_id": cleaned["evidence"]}


class FactAct(CaseAct):
    """An act that establishes a fact and evaluates the case again; first it shows what would follow."""

    previews = True
    button = _("Keep this fact")
    form_class: ClassVar[type[FactForm]]

    def form(self, *data: Any) -> ActForm:
        return self.form_class(*data, act=self)

    def establish(self, form: Any) -> None:
        """
        Call the service.

        :raises DomainError: it is refused
        """
        raise NotImplementedError

    def context(self) -> dict[str, Any]:
        return {"document_url": document_url(self.row), "is_live": True}

    def completed(self, typed: Any) -> Any:
        """The answer can be seen before the reason is written."""
        if typed.get("reason", "").strip():
            return typed
        filled = typed.copy()
        filled["reason"] = "-"
        return filled

    def _before(self) -> Mapping[str, Any]:
        return case_of(self.visit.principal, self.row, now=self.visit.now).answer

    def _after(self) -> Mapping[str, Any]:
        rows = requests_of(self.visit.principal).filter(pk=self.row.pk)
        answer: Mapping[str, Any] = rows.values_list("answer", flat=True)[0]
        return answer

    def _establish_and_look(self, form: ActForm) -> Mapping[str, Any]:
        self.establish(form)
        return self._after()

    def preview(self, form: ActForm) -> dict[str, Any]:
        before = self._before()
        after = rehearse(lambda: self._establish_and_look(form))
        return {**before_and_after(self.row, before, after), "is_same": before == after}

    def do(self, form: ActForm) -> str:
        before = self._before()
        after = self._establish_and_look(form)
        return gettext("Kept. Before: %(before)s. Now: %(after)s.") % {
            "before": total_words(before),
            "after": total_words(after),
        }


class AssessForm(FactForm):
    """One line per acceptance item of one stage."""

    def add_fields(self) -> None:
        act = self.act
        assert isinstance(act, Assess)
        work = act.work()
        self.lines: list[tuple[str, str]] = []
        for place, line in enumerate(work.items if work is not None else ()):
            label = f"{line.item.code} {line.item.statement}"
            self.fields[f"share_{place}"] = ShareField(label=label)
            self.fields[f"untestable_{place}"] = forms.BooleanField(
                label=_("cannot be tested"), required=False
            )
            self.lines.append((line.item.code, f"share_{place}"))

    def item_rows(self) -> list[dict[str, Any]]:
        """Give each item with its two fields, for the table."""
        act = self.act
        assert isinstance(act, Assess)
        work = act.work()
        return [
            {"line": line, "share": self[f"share_{place}"], "untestable": self[f"untestable_{place}"]}
            for place, line in enumerate(work.items if work is not None else ())
        ]

    def rest(self) -> list[Any]:
        return [self["reason"], self["evidence"]]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for place, _line in enumerate(self.lines):
            if cleaned.get(f"untestable_{place}") and cleaned.get(f"share_{place}"):
                self.add_error(f"share_{place}", gettext("Either a share, or it cannot be tested."))
        if not self.errors and not self.values():
            raise forms.ValidationError(gettext("Please assess at least one item."))
        return cleaned

    def values(self) -> dict[str, str | None]:
        """Give what was found by item code; items left empty keep what was found before."""
        found: dict[str, str | None] = {}
        for place, (code, name) in enumerate(self.lines):
            if self.cleaned_data.get(f"untestable_{place}"):
                found[code] = None
            elif self.cleaned_data.get(name):
                found[code] = self.cleaned_data[name]
        return found

    def take(self, refusal: Any) -> None:
        fields = {f"values.{code}": name for code, name in self.lines}
        for fault in refusal.faults:
            self.add_error(
                fields.get(fault.path, fault.path if fault.path in self.fields else None), fault.message
            )
        if not refusal.faults:
            self.add_error(None, refusal.detail)


class Assess(FactAct):
    name = "assess"
    title = ACTIONS["assess"]
    icon = "list-checks"
    template = "staff/act_assess.html"
    button = _("Keep this assessment")
    explanation = _(
        "Say for each item of the technical documentation how far the delivery fulfils it. What you leave "
        "empty stays as it was found before."
    )
    form_class = AssessForm

    def works(self) -> Sequence[Work]:
        """The stages of this case with something delivered that can be examined."""
        if not hasattr(self, "_works"):
            self._works = [work for work in works_of(self.row) if work.delivery is not None and work.items]
        return self._works

    def work(self) -> Work | None:
        """The stage that is assessed: the one that the address names, or the first one."""
        assert self.request is not None, "an act with a page has its request"
        named = self.request.GET.get("stage")
        works = self.works()
        return next((work for work in works if work.stage.code == named), works[0] if works else None)

    def why_not(self) -> str:
        refusal = super().why_not()
        if refusal or self.request is None or self.works():
            return refusal
        return gettext("Nothing was delivered when the application arrived.")

    def context(self) -> dict[str, Any]:
        return {**super().context(), "works": self.works(), "work": self.work()}

    def establish(self, form: Any) -> None:
        work = self.work()
        if work is None:
            raise InvalidInput(gettext("Nothing was delivered when the application arrived."))
        assess(stage_id=work.stage.pk, values=form.values(), **form.arguments(), **self.who_and_what)


class HiddenDefectForm(FactForm):
    paths: ClassVar[Mapping[str, str]] = {"stage_id": "stage"}

    def add_fields(self) -> None:
        works = [work for work in works_of(self.act.row) if work.delivery is not None]
        choices = [(str(work.stage.pk), str(work.stage)) for work in works]
        self.fields["stage"] = IdField(label=_("Stage"), choices=choices)
        self.fields["holds"] = YesNoField(
            label=_("Is there a defect that could not be seen when the work was accepted?"),
            yes=_("Yes"),
            no=_("No, or no longer"),
        )

    def arguments(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        return {"stage_id": cleaned["stage"], "holds": cleaned["holds"], **super().arguments()}


class RecordHiddenDefect(FactAct):
    name = "record_hidden_defect"
    title = ACTIONS["record_hidden_defect"]
    icon = "bug"
    explanation = _(
        "A hidden defect takes the effect of the acceptance away: the work is judged item by item."
    )
    form_class = HiddenDefectForm

    def establish(self, form: Any) -> None:
        record_hidden_defect(**form.arguments(), **self.who_and_what)


class StatutoryCheckForm(FactForm):
    def add_fields(self) -> None:
        self.fields["holds"] = YesNoField(
            label=_("Does the law give this consumer a longer period than the contract?"),
            yes=_("Yes, the application is in time by law"),
            no=_("No"),
        )

    def arguments(self) -> dict[str, Any]:
        return {"holds": self.cleaned_data["holds"], **super().arguments()}


class RecordStatutoryCheck(FactAct):
    name = "record_statutory_check"
    title = ACTIONS["record_statutory_check"]
    icon = "landmark"
    explanation = _(
        "Consumers can have rights that no contract takes away. Say what the check gave, and why."
    )
    form_class = StatutoryCheckForm

    def establish(self, form: Any) -> None:
        record_statutory_check(**form.arguments(), **self.who_and_what)


class ExcludeUsageForm(FactForm):
    def add_fields(self) -> None:
        self.known = usage_of(self.act.row)
        choices = [(str(record.pk), words) for record, words in self.known]
        self.fields["records"] = forms.MultipleChoiceField(
            label=_("Usage records of this payment"),
            required=False,
            choices=choices,
            widget=forms.CheckboxSelectMultiple(),
            help_text=_usage_help(len(choices)),
        )
        self.fields["named"] = forms.CharField(
            label=_("Further records"),
            required=False,
            max_length=20_000,
            widget=forms.Textarea(attrs={"rows": 2}),
            help_text=_("One per line: the source, a space, the record's id at the source."),
        )
        self.fields["excluded"] = YesNoField(
            label=_("Was it the company's own use?"),
            yes=_("Yes: it does not count against the client"),
            no=_("No: it counts (again)"),
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and not self.names():
            raise forms.ValidationError(gettext("Please name at least one usage record."))
        return cleaned

    def names(self) -> list[tuple[str, str]]:
        """Give the records that were chosen or named, by source and external id."""
        chosen = set(self.cleaned_data.get("records", ()))
        names = [(row.source, row.external_id) for row, _words in self.known if str(row.pk) in chosen]
        lines = filter(None, map(str.strip, self.cleaned_data.get("named", "").splitlines()))
        parted = [line.split(maxsplit=1) for line in lines]
        return [*names, *((parts[0], parts[-1]) for parts in parted)]

    def arguments(self) -> dict[str, Any]:
        return {
            "records": self.names(),
            "excluded": self.cleaned_data["excluded"],
            **super().arguments(),
        }

    def take(self, refusal: Any) -> None:
        names = self.names()
        for fault in refusal.faults:
            place = fault.path.removeprefix("records[").rstrip("]")
            named = names[int(place)] if place.isdecimal() and int(place) < len(names) else ()
            self.add_error(None, f"{' '.join(named) or fault.path}: {fault.message}")
        if not refusal.faults:
            self.add_error(None, refusal.detail)


def _usage_help(shown: int) -> str:
    if not shown:
        return gettext("There are none.")
    return gettext("The %(n)s newest ones.") % {"n": USAGE_SHOWN} if shown == USAGE_SHOWN else ""


def usage_of(row: RefundRequest) -> list[tuple[UsageRecord, str]]:
    """Give the newest usage records of a case's payment, each in words. Two queries."""
    records = list(
        UsageRecord.objects.filter(payment_id=row.payment_id)
        .select_related("meter", "stage")
        .order_by("-occurred_at", "-id")[:USAGE_SHOWN]
    )
    rows = UsageExclusion.objects.filter(request=row, usage_record__in=records).order_by("at", "id")
    excluded = dict(rows.values_list("usage_record_id", "excluded"))
    return [(record, _record_words(record, bool(excluded.get(record.pk)))) for record in records]


def _record_words(record: UsageRecord, is_excluded: bool) -> str:
    quantity = gettext("one period")
    if record.kind == MeterKind.METERED and record.quantity_micro is not None:
        quantity = scaled_text(record.quantity_micro, MICRO).rstrip("0").rstrip(".")
    parts = [
        f"{record.source} {record.external_id}",
        f"{record.meter.title}: {quantity} {record.meter.unit}".strip(),
        day_words(local_date(record.occurred_at, zone_of(settings.COMPANY_TIME_ZONE))),
        gettext("excluded") if is_excluded else "",
    ]
    return " · ".join(part for part in parts if part)


class ExcludeUsage(FactAct):
    name = "exclude_usage"
    title = ACTIONS["exclude_usage"]
    icon = "eraser"
    explanation = _(
        "Use that was the company's own, such as a test of ours, does not count against the client."
    )
    form_class = ExcludeUsageForm

    def establish(self, form: Any) -> None:
        exclude_usage(**form.arguments(), **self.who_and_what)
