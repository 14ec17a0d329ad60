"""What is looked at regularly, and how often. The rows are the queue; this only makes somebody look."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final

# Dotted name of a task (Celery's own name for it, too) -> seconds between two runs.
SCHEDULE: Final[Mapping[str, int]] = {
    "events.tasks.sequence_events": 1,
    "events.tasks.deliver_due": 5,
    "events.tasks.deliver_webhooks": 2,
    "events.tasks.seal_journal": 60,
    "events.tasks.export_anchor": 24 * 3600,
    "contracts.tasks.sweep_files": 3600,
    "payments.tasks.send_due_payouts": 5,
    "payments.tasks.look_after_payouts": 10,
    "payments.tasks.warn_closing_windows": 60,
    "payments.tasks.reconcile_rails": 60,
    "payments.tasks.work_provider_events": 5,
    "payments.tasks.keep_missed_events": 3600,
    "payments.tasks.check_money": 300,
    "payments.tasks.check_all_money": 24 * 3600,
    "refunds.tasks.remind_information": 300,
    "refunds.tasks.expire_drafts": 3600,
    "refunds.tasks.scan_files": 10,
    "refunds.tasks.count_figures": 15,
    "refunds.tasks.run_trials": 3,
    "accounts.tasks.purge_old_records": 3600,
}


def task_called(name: str) -> Callable[[], Any]:
    """
    Find a task by its dotted name.

    :raises ImportError: no such module
    :raises AttributeError: no such task in it
    """
    module, _, function = name.rpartition(".")
    task: Callable[[], Any] = getattr(import_module(module), function)
    return task
