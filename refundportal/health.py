"""Is the process up, and can it work? Answered before anything else, for machines that look after it."""

from collections.abc import Callable

import structlog
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, HttpResponseBase, JsonResponse

log = structlog.get_logger(__name__)


class HealthMiddleware:
    """Answer `/healthz` (the process runs) and `/readyz` (database there, migrations applied)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self._migrated = False

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path == "/healthz":
            return _answer("ok")
        if request.path == "/readyz":
            return self._ready()
        return self.get_response(request)

    def _ready(self) -> JsonResponse:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            # Applied migrations stay applied while this code runs: looked at until they are.
            self._migrated = self._migrated or not pending_migrations()
        except DatabaseError as error:
            log.error("not_ready", reason="database", error=str(error))
            return _answer("database unreachable", status=503)
        if not self._migrated:
            return _answer("migrations pending", status=503)
        return _answer("ok")


def pending_migrations() -> bool:
    """Say whether this code has migrations that the database has not seen."""
    loader = MigrationLoader(connection)
    return any(node not in loader.applied_migrations for node in loader.graph.nodes)


def _answer(text: str, status: int = 200) -> JsonResponse:
    return JsonResponse({"status": text}, status=status, headers={"Cache-Control": "no-store"})
