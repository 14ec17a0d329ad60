"""Celery as in production, with the provider of the proof: `celery -A tests.faults.bell_app`."""

import os

from celery.signals import worker_init
from django.conf import settings

from refundportal.celery import app

__all__ = ["app", "use_the_provider"]


@worker_init.connect(weak=False)
def use_the_provider(**_: object) -> None:
    """Send payouts to the provider of the proof, which listens at `WIRE_PORT`."""
    from payments import gateways
    from tests.faults.wire import RAIL, WireGateway

    gateways._GATEWAYS[RAIL] = WireGateway(int(os.environ["WIRE_PORT"]))
    settings.PAYOUT_RAILS = [RAIL, "manual"]
