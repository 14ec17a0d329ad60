"""What protects against races, slowed down so that it has to, and taken away in the twins."""

import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from django.db import connection
from django.db.models import Exists, F, QuerySet

from accounts import idempotency
from accounts.models import IdempotencyRecord
from events import guards, journal
from kernel import states
from payments.models import Payment
from payments.services import refunds as refund_money
from refunds.models import RefundRequest
from refunds.selectors import facts

PAUSE_S = 0.004
_ROOMS = ("events.", "contracts.", "payments.", "refunds.")
_INDEXES = ("a_payment_has_one_open_request", "a_request_has_one_live_payout")
_CONSTRAINTS = (
    ("refunds_decision", "decisions_are_numbered_once"),
    ("refunds_proposal", "proposals_are_numbered_once"),
    ("refunds_decision", "refunds_decision_proposal_id_key"),
    ("payments_payment", "refunds_never_exceed_the_payment"),
    ("payments_payment", "payment_counters_are_not_negative"),
)


def strip_database() -> None:
    """Take away what the database itself would refuse (of this database for good)."""
    guards.remove(operations=("INSERT", "UPDATE"))
    with connection.cursor() as cursor:
        for name in _INDEXES:
            cursor.execute(f"DROP INDEX {name}")
        for table, name in _CONSTRAINTS:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")


@contextmanager
def _moves_replaced(other: Callable[..., None]) -> Iterator[None]:
    """Let every service move rows in another way."""
    with ExitStack() as stack:
        for name, module in list(sys.modules.items()):
            if name.startswith(_ROOMS) and getattr(module, "move", None) is states.move:
                stack.enter_context(patch.object(module, "move", other))
        yield


@contextmanager
def dawdling() -> Iterator[None]:
    """Let everybody rest a moment between looking and moving, as on a bad day; all protection stays."""

    def dawdle(*args: Any, **kwargs: Any) -> None:
        _rest()
        states.move(*args, **kwargs)

    with _moves_replaced(dawdle):
        yield


@contextmanager
def no_locks() -> Iterator[None]:
    """No row is locked by anybody."""
    with patch.object(QuerySet, "select_for_update", lambda rows, **_: rows), dawdling():
        yield


@contextmanager
def no_locks_and_no_comparison() -> Iterator[None]:
    """No row is locked, and rows are moved and money is reserved without looking where they are."""
    with ExitStack() as stack:
        stack.enter_context(patch.object(QuerySet, "select_for_update", lambda rows, **_: rows))
        stack.enter_context(patch.object(refund_money, "reserve_refund", _reserve_without_looking))
        stack.enter_context(_moves_replaced(_move_without_looking))
        yield


@contextmanager
def no_locks_and_no_looking() -> Iterator[None]:
    """As before, and nobody asks whether another application is open."""
    gather = facts._circumstances

    def blind(*args: Any) -> dict[str, Any]:
        return {**gather(*args), "another_open": Exists(RefundRequest.objects.none())}

    with no_locks_and_no_comparison(), patch.object(facts, "_circumstances", blind):
        yield


def _move_without_looking(
    row: Any, expected: str, to: str, *, table: Any, field: str = "state", **changes: Any
) -> None:
    _rest()
    values = {field: to, **changes}
    type(row)._default_manager.filter(pk=row.pk).update(**values)
    for name, value in values.items():
        setattr(row, name, value)


def _reserve_without_looking(*, payment: Payment, amount_minor: int) -> None:
    Payment.objects.filter(pk=payment.pk).update(reserved_minor=F("reserved_minor") + amount_minor)
    refund_money.refresh_counters(payment)


@contextmanager
def a_key_that_is_looked_up_first() -> Iterator[None]:
    """Whether a key stands there is asked before the work, instead of writing it first."""

    fingerprints: dict[str, str] = {}

    def claim(principal: str, key: str, fingerprint: str, now: Any) -> bool:
        fingerprints.setdefault(key, fingerprint)
        return not IdempotencyRecord.objects.filter(principal=principal, key=key).exists()

    def keep(principal: str, key: str, answer: idempotency.StoredAnswer) -> None:
        IdempotencyRecord.objects.update_or_create(
            principal=principal,
            key=key,
            defaults={
                "status": answer.status,
                "body": answer.body,
                "fingerprint": fingerprints[key],
                "created_at": "2026-06-01T08:00:00Z",
            },
        )

    with patch.object(idempotency, "_claim", claim), patch.object(idempotency, "_keep", keep):
        yield


@contextmanager
def no_lock_of_the_job() -> Iterator[None]:
    """Everybody who numbers events believes to be alone."""
    with patch.object(journal, "_is_alone", lambda job: True):
        yield


@contextmanager
def locks_in_another_order() -> Iterator[None]:
    """Who decides a case takes its payments before its contract; everybody else takes the contract first."""
    from refunds.services import cases

    lock_contract = cases.lock_contract

    def payments_first(contract_id: Any) -> Any:
        payments = Payment.objects.select_for_update(no_key=True).filter(contract_id=contract_id)
        list(payments.order_by("-pk")[:20])
        _rest()
        return lock_contract(contract_id)

    with patch.object(cases, "lock_contract", payments_first), dawdling():
        yield


def _rest() -> None:
    time.sleep(random.random() * PAUSE_S)
