"""
The rows of a list as it prints them.

The frame's own table asks anew for each cell what its column is called and looks like; over fifty rows
that is most of a page. Here each column is looked up once.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.admin.utils import display_for_field, display_for_value, label_for_field, lookup_field
from django.core.exceptions import FieldDoesNotExist
from django.db.models import BooleanField, ForeignKey, Model
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

EMPTY: Final = "–"
LABELS: Final[Mapping[str, Any]] = {
    "actor_kind": _("who"),
    "attempts": _("attempts"),
    "client": _("client"),
    "client__kind": _("kind of client"),
    "code": _("code"),
    "contract": _("contract"),
    "credit": _("credit"),
    "currency": _("currency"),
    "debit": _("debit"),
    "differences": _("differences"),
    "differing": _("differing"),
    "email": _("e-mail address"),
    "external_id": _("name there"),
    "file_name": _("file"),
    "groups": _("groups"),
    "id": _("number"),
    "imported": _("imported"),
    "is_active": _("active"),
    "is_credit": _("money came"),
    "is_staff": _("staff"),
    "key": _("key"),
    "kind": _("kind"),
    "lines_read": _("lines read"),
    "method": _("method"),
    "name": _("name"),
    "number": _("number"),
    "payment": _("payment"),
    "provider": _("provider"),
    "rail": _("rail"),
    "reason": _("reason"),
    "received_via": _("received by"),
    "remedy": _("remedy"),
    "reviewer": _("reviewer"),
    "state": _("state"),
    "statement": _("statement"),
    "status": _("state"),
    "subject": _("subject"),
    "subject_id": _("id"),
    "subject_type": _("about"),
    "title": _("title"),
    "type": _("type"),
    "version": _("version"),
}
"""What lists call the plain fields of records."""


@dataclass(frozen=True, slots=True)
class Column:
    """What a list calls one of its columns, and what it shows in it of a row."""

    name: str
    label: str
    show: Callable[[Model], Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the address of its page, what stands first and leads there, and the other cells by label."""

    url: str
    first: Any
    cells: tuple[tuple[str, Any], ...]


def label_of(name: str, otherwise: Any) -> str:
    """Give what a list calls one of its columns or filters."""
    label = str(LABELS.get(name, otherwise))
    return label[:1].upper() + label[1:]


def columns_of(model_admin: Any, names: Sequence[str]) -> list[Column]:
    """Look up the columns of a list."""
    return [_column(model_admin, name) for name in names]


def rows_of(columns: list[Column], rows: Iterable[Model], url_of: Callable[[Model], str]) -> Iterator[Row]:
    """Put rows into their cells."""
    first, *others = columns
    for row in rows:
        cells = tuple((column.label, column.show(row)) for column in others)
        yield Row(url_of(row), first.show(row), cells)


def _column(model_admin: Any, name: str) -> Column:
    label = label_of(name, label_for_field(name, model_admin.model, model_admin))
    try:
        field = model_admin.opts.get_field(name)
    except FieldDoesNotExist:
        return Column(name, label, lambda row: _shown(lookup_field(name, row, model_admin)[2]))
    if isinstance(field, BooleanField):
        return Column(name, label, lambda row: gettext("yes") if getattr(row, name) else gettext("no"))
    if isinstance(field, ForeignKey):
        return Column(name, label, lambda row: getattr(row, name) or EMPTY)
    return Column(name, label, lambda row: display_for_field(getattr(row, name), field, EMPTY))


def _shown(value: Any) -> Any:
    return display_for_value(value, EMPTY)
