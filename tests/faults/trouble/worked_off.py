"""Works off what a provider told, and counts it."""

import time
from typing import Any

from django.utils import timezone

from payments import checks
from payments.models import ProviderEvent
from payments.services import work_provider_events
from tests.faults.bell_app import use_the_provider


def run() -> dict[str, Any]:
    """Work until nothing is due; give how many there are, how many were done, how long it took."""
    use_the_provider()
    started = time.monotonic()
    while work_provider_events(now=timezone.now(), batch_max=1000):
        pass
    rows = ProviderEvent.objects.all()
    return {
        "kept": rows.count(),
        "worked": rows.exclude(worked_at=None).count(),
        "left": rows.filter(worked_at=None).count(),
        "seconds": time.monotonic() - started,
        "wrong": [str(found) for found in checks.find_violations(timezone.now()) if found.id != "I09"],
    }
