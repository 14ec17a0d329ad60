"""
Which database this is: a restored backup is another one, and forgets what was sent after it was made.

Until the provider's book was read into it again, nothing may be sent (`reconciliation`).
"""

from django.db import connection

from payments.models import Reconciliation

_ON_POSTGRESQL = """
SELECT s.system_identifier || '/' || c.timeline_id || '/' || d.oid
  FROM pg_control_system() s, pg_control_checkpoint() c, pg_database d
 WHERE d.datname = current_database()
"""


def database_identity() -> str:
    """
    Name the database: its cluster, the cluster's timeline and its number in it.

    A dump that is loaded into a new database, a base backup and a promoted standby all get another name. An
    SQLite file holds the sandbox's book in the same file and always has the same name.
    """
    if connection.vendor != "postgresql":
        return connection.vendor
    with connection.cursor() as cursor:
        cursor.execute(_ON_POSTGRESQL)
        return str(cursor.fetchone()[0])


def unreconciled_rails(rails: list[str]) -> list[str]:
    """Name the rails whose last comparison was in another database, or is still owed after a restore."""
    identity = database_identity()
    last: dict[str, str] = {}
    for rail in rails:
        rows = Reconciliation.objects.filter(rail=rail).order_by("-started_at", "-id")
        found = rows.values_list("database", flat=True).first()
        if found is not None:
            last[rail] = found
    return [rail for rail, database in last.items() if database != identity]
