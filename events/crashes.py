"""Points at which a process can be told to die, to show that nothing is lost or done twice."""

import os
import signal

from django.conf import settings


def crash_point(name: str) -> None:
    """Kill this process if the environment variable `CRASH_AT` names this point; never in production mode."""
    if settings.DEBUG_CRASH_POINTS and not settings.PRODUCTION and os.environ.get("CRASH_AT") == name:
        os.kill(os.getpid(), signal.SIGKILL)
