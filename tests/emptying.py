"""
Emptying the database after a test that commits.

Django truncates every table and then makes content types, permissions and groups anew: seconds for the few
dozen rows of a test. Here only tables that hold rows are emptied, and what migrations make stays.
"""

from functools import cache
from typing import Final

from django.db import DatabaseError, connection, transaction

from events import guards

MADE_BY_MIGRATIONS: Final = {
    "django_migrations",
    "django_content_type",
    "auth_permission",
    "auth_group",
    "auth_group_permissions",
}


@cache
def _tables() -> tuple[str, ...]:
    found = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return tuple(sorted(set(found) - MADE_BY_MIGRATIONS))


def filled_tables() -> list[str]:
    """Name the tables that hold rows."""
    asked = (f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in _tables())
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(asked))
        return [name for (name,) in cursor.fetchall()]


def empty_the_database() -> None:
    """
    Delete every row but what migrations made; append-only tables refuse, so their guards are lifted.

    A request that a closed browser had still sent may write meanwhile: then it is done once more.
    """
    connection.close_if_unusable_or_obsolete()
    with guards.lifted(operations=("DELETE",)):
        for tries_left in (3, 2, 1, 0):
            try:
                _delete_rows()
                return
            except DatabaseError:
                if not tries_left:
                    raise


def _delete_rows() -> None:
    tables = filled_tables()
    with transaction.atomic(), connection.cursor() as cursor:
        for name in tables:
            cursor.execute(f"DELETE FROM {name}")
