"""A database that is away, full or takes no writes is no bug of ours: 503, and when to ask again."""

import sys
from collections.abc import Iterator
from typing import Any, Final

import structlog
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.defaults import server_error

log = structlog.get_logger(__name__)
RETRY_AFTER_S: Final = 5

# SQLSTATE: connection lost, out of room, stopping or starting, the system's own error; no writes here.
_AWAY_CLASSES: Final = ("08", "53", "57P", "58")
_READ_ONLY: Final = "25006"
_AWAY_ON_SQLITE: Final = ("SQLITE_FULL", "SQLITE_READONLY", "SQLITE_IOERR", "SQLITE_CANTOPEN")


def error_page(request: HttpRequest) -> HttpResponse:
    """Answer what nobody caught: 503 while the database cannot serve, else 500 without a word of why."""
    error = sys.exc_info()[1]
    if error is None or not is_database_away(error):
        return server_error(request)
    log.error("database_away", error=type(error).__name__, path=request.path)
    return HttpResponse(render_to_string("503.html"), status=503, headers={"Retry-After": str(RETRY_AFTER_S)})


def is_database_away(error: BaseException) -> bool:
    """Tell whether an error, or what it came from, says that the database cannot serve now."""
    return any(map(_says_so, _line_of(error)))


def _line_of(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _says_so(error: BaseException) -> bool:
    driver: Any = connection.Database  # type: ignore[attr-defined]
    if not isinstance(error, driver.Error):
        return False
    if connection.vendor == "sqlite":
        return str(getattr(error, "sqlite_errorname", "")).startswith(_AWAY_ON_SQLITE)
    state = getattr(error, "pgcode", None)
    if state is None:  # the server said nothing: the wire was cut, or nobody answers
        return isinstance(error, (driver.OperationalError, driver.InterfaceError))
    return state == _READ_ONLY or state.startswith(_AWAY_CLASSES)
