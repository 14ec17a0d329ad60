"""Celery as in production, with a fake Stripe as provider: `celery -A tests.faults.bell_app`."""

import os

from celery.signals import worker_init

from refundportal.celery import app

__all__ = ["app", "use_the_provider"]


@worker_init.connect(weak=False)
def use_the_provider(**_: object) -> None:
    """Send payouts to the fake that listens at `FAKE_STRIPE`; production's settings allow none."""
    from tests.fake_stripe.running import turn_to

    turn_to(os.environ["FAKE_STRIPE"])
