"""What the portal needs of Redis: that it forgets nothing of its own accord."""

from typing import Final

import redis
from django.conf import settings

LOOK_LIMIT_S: Final = 2
WANTED: Final = "noeviction"


def refuse_eviction(**_: object) -> None:
    """
    Stop a worker's start if its broker may throw messages away; one that does not answer may come later.

    It ends the process, as Celery goes on after any other error of a receiver.

    :raises SystemExit: `maxmemory-policy` is another than noeviction
    """
    policy = eviction_policy(settings.CELERY_BROKER_URL)
    if policy not in (None, WANTED):
        raise SystemExit(f"Redis has maxmemory-policy={policy}; allowed: {WANTED}.")


def eviction_policy(url: str) -> str | None:
    """Ask a Redis what it does when it is full; None if it does not say."""
    if not url.startswith(("redis://", "rediss://")):
        return None
    try:
        with redis.Redis.from_url(
            url, socket_timeout=LOOK_LIMIT_S, socket_connect_timeout=LOOK_LIMIT_S
        ) as client:
            return str(client.config_get("maxmemory-policy")["maxmemory-policy"])  # type: ignore[index]
    except (redis.RedisError, KeyError):
        return None
