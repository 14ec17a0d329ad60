"""
Lists and records of the staff site: read-only, in a fixed order, page by key.

A page costs one query for its rows and nothing is counted, however long the list is.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.contrib.admin import ShowFacets, SimpleListFilter
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

from events.selectors import timeline_of
from payments.models import Account
from refundportal.staff.columns import Column, Row, columns_of, label_of, rows_of
from refundportal.staff.journal import told
from refundportal.staff.places import title_of
from refundportal.staff.saved import saved_for
from refundportal.staff.search import found_in
from refundportal.staff.visits import may_read

PAGE_VAR = "p"
PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a list: after (or before) the row with these values of the list's key."""

    is_before: bool
    values: tuple[Any, ...]

    @property
    def text(self) -> str:
        raw = json.dumps([self.is_before, *(str(value) for value in self.values)])
        return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str, key: Sequence[str], model: type[Model]) -> "Place":
        """
        Read a place as it stands in an address.

        :raises ValueError: nothing that this list gave
        """
        try:
            raw = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
            is_before, *values = raw
            if is_before not in (True, False) or len(values) != len(key):
                raise ValueError(text)
            fields: list[Any] = [model._meta.get_field(name.removeprefix("-")) for name in key]
            read = [field.to_python(value) for field, value in zip(fields, values, strict=True)]
        except (binascii.Error, ValueError, TypeError, RecursionError, ValidationError) as error:
            raise ValueError(text) from error
        return cls(is_before, tuple(read))


def rows_beyond(rows: QuerySet[Any], key: Sequence[str], place: Place) -> QuerySet[Any]:
    """Keep the rows beyond a place, in the order of the key, or against it for what comes before."""
    beyond, same = Q(), Q()
    for name, value in zip(key, place.values, strict=True):
        field = name.removeprefix("-")
        is_down = name.startswith("-") is not place.is_before
        beyond |= same & Q(**{f"{field}__{'lt' if is_down else 'gt'}": value})
        same &= Q(**{field: value})
    rows = rows.filter(beyond)
    return rows.reverse() if place.is_before else rows


class Currency(SimpleListFilter):
    """The currencies of the ledger's accounts: asking the rows themselves would read them all."""

    title = _lazy("currency")
    parameter_name = "currency"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        codes = Account.objects.order_by("currency").values_list("currency", flat=True).distinct()
        return [(code, code) for code in codes]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(currency=self.value()) if self.value() else queryset


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter beside a list; `chosen` says what it keeps, and is empty while it keeps everything."""

    title: str
    choices: tuple[dict[str, Any], ...]
    chosen: str


class UncountedPages(Paginator):  # type: ignore[type-arg]
    """Stands where a paginator is expected; it counts nothing."""

    template_name = "staff/_pages.html"

    @cached_property
    def count(self) -> int:
        return 0


class KeysetList(ChangeList):
    """A change list that goes on after the last row seen; `earlier` and `later` are places, or None."""

    earlier: Place | None = None
    later: Place | None = None

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[str]:
        return list(self.model_admin.key)

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: list[str | None] | None = None
    ) -> QuerySet[Any]:
        """Read what the columns show with the rows, also where the rows name other relations already."""
        if any("\0" in text for texts in self.filter_params.values() for text in texts):
            raise IncorrectLookupParameters  # no text has this sign, and PostgreSQL takes none that does
        rows = self.model_admin.listed(super().get_queryset(request, exclude_parameters))
        return rows.select_related(*self.list_select_related) if self.list_select_related else rows

    def get_results(self, request: HttpRequest) -> None:
        key, size = self.model_admin.key, self.list_per_page
        place = self._place(request)
        rows = self.queryset if place is None else rows_beyond(self.queryset, key, place)
        found = list(rows[: size + 1])
        has_more, shown = len(found) > size, found[:size]
        is_back = place is not None and place.is_before
        if is_back:
            shown.reverse()
        if shown and (is_back or has_more):
            self.later = Place(False, self._key_of(shown[-1]))
        if shown and (has_more if is_back else place is not None):
            self.earlier = Place(True, self._key_of(shown[0]))
        self.result_list = shown
        self.result_count = self.full_result_count = len(shown)
        self.show_full_result_count = self.show_admin_actions = False
        self.can_show_all = self.multi_page = False
        self.paginator = UncountedPages((), size)

    @cached_property
    def columns(self) -> list[Column]:
        names = [name for name in self.list_display if name != ACTION_CHECKBOX_NAME]
        return columns_of(self.model_admin, names)

    @property
    def rows(self) -> Iterator[Row]:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        before, after = reverse(name, args=["|"]).split(quote("|"))
        return rows_of(self.columns, self.result_list, lambda row: f"{before}{row.pk}{after}")

    @cached_property
    def filters(self) -> tuple[Filter, ...]:
        return tuple(self._filter(spec) for spec in self.filter_specs)

    def _filter(self, spec: Any) -> Filter:
        choices = tuple(spec.choices(self))
        chosen = next((one["display"] for one in choices[1:] if one["selected"]), "")
        return Filter(label_of(getattr(spec, "field_path", ""), spec.title), choices, str(chosen))

    def _place(self, request: HttpRequest) -> Place | None:
        text = request.GET.get(PAGE_VAR)
        if not text:
            return None
        try:
            return Place.parse(text, self.model_admin.key, self.model)
        except ValueError as error:
            raise IncorrectLookupParameters from error

    def _key_of(self, row: Model) -> tuple[Any, ...]:
        return tuple(getattr(row, name.removeprefix("-")) for name in self.model_admin.key)

    @property
    def earlier_url(self) -> str:
        return self._url(self.earlier)

    @property
    def later_url(self) -> str:
        return self._url(self.later)

    def _url(self, place: Place | None) -> str:
        return "" if place is None else self.get_query_string({PAGE_VAR: place.text})


class StaffAdmin(ModelAdmin):
    """
    A kind of record that staff read; whatever changes it is an act (see `acts`), never this form.

    `key` is the order of the list: non-null columns that name one row together.
    """

    key: Sequence[str] = ("-id",)
    actions = None
    list_per_page = PAGE_SIZE
    change_list_template: Any = "staff/list.html"
    list_fullwidth = True
    list_before_template = "staff/_saved_filters.html"
    list_filter_sheet = False
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    list_select_related: Sequence[str] = ()
    sortable_by = ()

    def listed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Read with the rows of a list what its columns need, and no more."""
        return rows

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return found_in(queryset, self.get_search_fields(request), search_term), False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_read(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return KeysetList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        context = {"title": title_of(request), "actions_on_top": False}
        if self.has_view_permission(request):
            context |= saved_for(request, self.opts)
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show what the journal says about a record."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        row = self.get_object(request, object_id)
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Journal: %(name)s") % {"name": row},
            "opts": self.opts,
            "row": row,
            "entries": told(timeline_of([row.pk])),
        }
        return TemplateResponse(request, "staff/history.html", context)
