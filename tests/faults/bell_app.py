"""
Celery as in production, with a fake Stripe as provider: `celery -A tests.faults.bell_app`.

`VISIBILITY_S`: after so long the broker takes a task for lost and gives it out again, and it looks for such
tasks all the time. `SLOW_S`: so long each task that sends takes. Each that begins is noted in `tasks.log`.
"""

import os
import time
from pathlib import Path
from typing import Any

from celery.signals import task_prerun, worker_init

from refundportal.celery import app

__all__ = ["app", "use_the_provider"]

if visibility_s := os.environ.get("VISIBILITY_S"):
    app.conf.broker_transport_options = {
        **app.conf.broker_transport_options,
        "visibility_timeout": int(visibility_s),
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
    }


@worker_init.connect(weak=False)
def use_the_provider(**_: object) -> None:
    """Send payouts to the fake that listens at `FAKE_STRIPE`; production's settings allow none."""
    from tests.fake_stripe.running import turn_to

    turn_to(os.environ["FAKE_STRIPE"])


@task_prerun.connect(weak=False)
def note_task(task_id: str, task: Any, **_: object) -> None:
    """Note that a task begins: twice, if it was given twice."""
    if slow_s := os.environ.get("SLOW_S"):
        with (Path(os.environ["VAR_DIR"]) / "tasks.log").open("a") as log:
            log.write(f"{task.name} {task_id}\n")
        if task.name.endswith("send_due_payouts"):
            time.sleep(float(slow_s))
