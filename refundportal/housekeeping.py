"""What the wall needs from the database: a table for the cache, and writes that last."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.management import call_command
from django.db import connections


def make_cache_table(*, using: str, **_: Any) -> None:
    """Make the table of the shared cache, where the settings use one; may run any number of times."""
    if settings.CACHES["default"]["BACKEND"].endswith("DatabaseCache"):
        call_command("createcachetable", database=using, verbosity=0)


def check_durability(
    app_configs: object = None, databases: Sequence[str] | None = None, **_: Any
) -> list[checks.CheckMessage]:
    """System check: a committed payment survives a power cut (`fsync` and `synchronous_commit` are on)."""
    return [fault for using in databases or [] for fault in _durability_faults(using)]


def _durability_faults(using: str) -> list[checks.CheckMessage]:
    connection = connections[using]
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('fsync'), current_setting('synchronous_commit')")
        fsync, synchronous_commit = cursor.fetchone()
    faults: list[checks.CheckMessage] = []
    if fsync == "off":
        faults.append(
            checks.Error("PostgreSQL runs with fsync=off: commits can be lost.", id="refundportal.E001")
        )
    if synchronous_commit == "off":
        faults.append(
            checks.Error(
                "PostgreSQL runs with synchronous_commit=off: commits can be lost.", id="refundportal.E002"
            )
        )
    return faults
