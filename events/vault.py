"""
Secrets at rest: short texts that the portal must read again, encrypted with `settings.FIELD_KEYS`.

The first key encrypts, all keys decrypt. Rooms name the columns that hold such texts, so that
`manage.py rotate_field_keys` finds them all.
"""

from collections.abc import Iterator
from typing import Any, Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.apps import apps
from django.conf import settings
from django.db import models

CHUNK_ROWS: Final = 500


class UnreadableSecret(Exception):
    """None of the keys opens a sealed text: a key was taken away too early, or the text was altered."""


_columns: dict[str, set[str]] = {}


def seal_secret(text: str) -> str:
    """Encrypt a text with the newest key."""
    return _keys().encrypt(text.encode()).decode("ascii")


def open_secret(sealed: str) -> str:
    """
    Read a sealed text.

    :raises UnreadableSecret: no key opens it
    """
    try:
        return _keys().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise UnreadableSecret("No key in FIELD_KEYS opens this secret.") from None


def register(model: str, *columns: str) -> None:
    """Name the columns of a model (`events.WebhookEndpoint`) that hold sealed texts; empty ones hold none."""
    _columns.setdefault(model, set()).update(columns)


def reseal_all() -> int:
    """
    Encrypt every sealed text anew with the newest key; returns how many.

    Row by row, each only if it still holds what was read, so it may run beside everything else and
    again after a stop.

    :raises UnreadableSecret: a text that no key opens, named by its row
    """
    return sum(
        _reseal(row, column)
        for model, columns in sorted(_columns.items())
        for column in sorted(columns)
        for row in _rows(apps.get_model(model), column)
    )


def _rows(model: type[models.Model], column: str) -> Iterator[Any]:
    return model._default_manager.exclude(**{column: ""}).order_by("pk").iterator(chunk_size=CHUNK_ROWS)


def _reseal(row: models.Model, column: str) -> int:
    sealed: str = getattr(row, column)
    try:
        anew = _keys().rotate(sealed.encode()).decode("ascii")
    except InvalidToken:
        raise UnreadableSecret(f"No key in FIELD_KEYS opens {row._meta.label} {row.pk}, {column}.") from None
    return type(row)._default_manager.filter(pk=row.pk, **{column: sealed}).update(**{column: anew})


def _keys() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.FIELD_KEYS])
