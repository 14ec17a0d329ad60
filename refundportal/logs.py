"""Structured logs: one line per happening, with the request's number and without secrets."""

import re
from typing import Any, Final, cast

import structlog
from django.http import HttpRequest, HttpResponse
from django_structlog.middlewares import RequestMiddleware
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN: Final = "[hidden]"
_SECRET_NAME = re.compile(
    r"authorization|cookie|passw|secret|token|iban|signature|api_?key|field_?key|private_?key|otp|csrf", re.I
)
_SECRET_TEXT = re.compile(
    r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/._~=-]{8,}|\b[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}\b"
)
# Path segments longer than this are keys (password reset, invitation), never ids.
_LONG_SEGMENT = re.compile(r"[^/]{41,}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


def hide_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Take values that are secret by their name or by their look out of a log line."""
    return {key: _hidden(key, value) for key, value in event.items()}


def _hidden(key: str, value: Any) -> Any:
    if _SECRET_NAME.search(key):
        return HIDDEN
    if isinstance(value, dict):
        return {inner: _hidden(str(inner), item) for inner, item in value.items()}
    if isinstance(value, list | tuple):
        return [_hidden("", item) for item in value]
    return _SECRET_TEXT.sub(HIDDEN, value) if isinstance(value, str) else value


_NOISE: Final = frozenset({"request_started", "streaming_started", "streaming_finished"})


def drop_noise(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Keep one line per request: its end, and none for files that are the same for everybody."""
    if event.get("event") in _NOISE:
        raise structlog.DropEvent
    if event.get("event") == "request_finished" and "/static/" in str(event.get("request")):
        raise structlog.DropEvent
    return event


SHARED_PROCESSORS: Final[list[Processor]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
]


def configure_structlog() -> None:
    """Send structlog through the standard library's logging, so that there is one stream."""
    structlog.configure(
        processors=[drop_noise, *SHARED_PROCESSORS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _rendering(log_format: str) -> list[Processor]:
    renderer: Processor = structlog.processors.JSONRenderer()
    if log_format == "console":
        renderer = structlog.dev.ConsoleRenderer(colors=False)
    return [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        # Before hiding: a traceback may quote what must not be seen.
        structlog.processors.format_exc_info,
        hide_secrets,
        renderer,
    ]


def logging_config(*, log_format: str, level: str) -> dict[str, Any]:
    """Make the dictionary for `logging.config`: all to standard error, as `json` or for a `console`."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "lines": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": SHARED_PROCESSORS,
                "processors": _rendering(log_format),
            }
        },
        "handlers": {"stream": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["stream"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": level, "propagate": True},
            "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
            # The request log already tells every refusal, with its number.
            "django.request": {"level": "ERROR"},
            # The beat runs every second: what went well is not worth a line.
            "celery.beat": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            "django_structlog.celery": {"level": "WARNING"},
            "fontTools": {"level": "WARNING"},
            # Calls to providers are told by the portal's own lines.
            "httpx": {"level": "WARNING"},
            "stripe": {"level": "WARNING"},
        },
    }


class RequestLogMiddleware(RequestMiddleware):
    """Log each request under a number that the caller may choose and always gets back."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not _REQUEST_ID.fullmatch(request.META.get("HTTP_X_REQUEST_ID", "")):
            request.META.pop("HTTP_X_REQUEST_ID", None)
            request.__dict__.pop("headers", None)  # a copy of META, made anew when asked for
        self.prepare(request)
        request_id = structlog.contextvars.get_contextvars()["request_id"]
        response = cast(HttpResponse, self.get_response(request))
        self.handle_response(request, response)
        response["X-Request-Id"] = request_id
        return response

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        # The query may hold secrets, so it is not told.
        return f"{request.method} {_LONG_SEGMENT.sub(HIDDEN, request.path)}"

    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        structlog.contextvars.bind_contextvars(ip=request.META.get("REMOTE_ADDR"))
