"""Numbers for people: `RR-2026-000123`. Taken last in a transaction, because the row stays locked."""

from django.db import connection

from events.models import NumberSeries

DIGITS = {"C": 4, "P": 6, "RR": 6}


def next_number(prefix: str, year: int) -> str:
    """Take the next number of a series; gaps appear where a transaction rolls back."""
    name = f"{prefix}-{year}"
    table = NumberSeries._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (name, last) VALUES (%s, 1) "  # noqa: S608 - the table's own name
            f"ON CONFLICT (name) DO UPDATE SET last = {table}.last + 1 RETURNING last",
            [name],
        )
        (last,) = cursor.fetchone()
    return f"{name}-{last:0{DIGITS[prefix]}d}"
