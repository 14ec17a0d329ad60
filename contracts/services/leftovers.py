"""Files that nobody names: what a process left behind that ended between the file and its row."""

from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from django.apps import apps
from django.db.models import Model

from contracts.files import remove_file, stored_files

GRACE: Final = timedelta(days=1)
"""Nobody takes so long from storing a file to writing its row."""
BATCH_MAX: Final = 500
NAME_FIELD: Final = "stored_as"


def sweep_files(*, now: datetime) -> int:
    """Remove stored files older than a day that no row of any room names; return how many."""
    removed = 0
    names = stored_files(older_than=now - GRACE)
    while batch := list(islice(names, BATCH_MAX)):
        for name in set(batch) - _named(batch):
            remove_file(name)
            removed += 1
    return removed


def _named(names: list[str]) -> set[str]:
    """Give those names that a row of any room still holds."""
    found: set[str] = set()
    for model in _models_with_files():
        rows = model._default_manager.filter(**{f"{NAME_FIELD}__in": names})
        found.update(rows.values_list(NAME_FIELD, flat=True))
    return found


def _models_with_files() -> list[type[Model]]:
    """Every model whose rows name a stored file; found by the column, so that no room is forgotten."""
    return [
        model
        for model in apps.get_models()
        if any(field.name == NAME_FIELD for field in model._meta.concrete_fields)
    ]
