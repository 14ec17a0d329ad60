"""How much one caller may ask: counted by minute in the cache; open, with an alarm, when that is down."""

import time
from collections.abc import Callable
from typing import Any, Final

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

log = structlog.get_logger(__name__)
_WINDOW_S: Final = 60
_CACHE_DOWN: Final = (OSError, DatabaseError)


def count(name: str, limit: int, *, clock: Callable[[], float] = time.time) -> int | None:
    """Count one call; give the seconds to wait if there were more than `limit` in this minute."""
    now = int(clock())
    key = f"api-rate:{name}:{now // _WINDOW_S}"
    try:
        calls = _one_more(key)
    except ValueError:  # it ran out between the two
        return None
    except _CACHE_DOWN as error:
        log.error("rate_limit_open", reason="the cache does not answer", error=str(error))
        return None
    return _WINDOW_S - now % _WINDOW_S if calls > limit else None


def _one_more(key: str) -> int:
    """Count on. All but a minute's first call find the key there: a cache in a table is asked once less."""
    try:
        return cache.incr(key)
    except ValueError:
        return 1 if cache.add(key, 1, timeout=2 * _WINDOW_S) else cache.incr(key)


def count_bad_token(request: Request) -> None:
    """
    :raises Throttled: this address has tried too many tokens that are none
    """
    wait = count(f"bad-token:{request.META.get('REMOTE_ADDR', '')}", _limit("bad_token"))
    if wait is not None:
        raise Throttled(wait=wait)


class CallerThrottle(BaseThrottle):
    """One limit per API client, one per address for callers without a token."""

    def __init__(self) -> None:
        self._wait: int | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        client = getattr(request.user, "api_client", None)
        if client is None:
            self._wait = count(f"address:{request.META.get('REMOTE_ADDR', '')}", _limit("anybody"))
        else:
            self._wait = count(f"client:{client.pk}", _limit("client"))
        return self._wait is None

    def wait(self) -> float | None:
        return self._wait


def _limit(name: str) -> int:
    limits: dict[str, int] = settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]
    return limits[name]
