"""Recording usage: each report once, assigned to its payment as it arrives."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.principals import Principal
from accounts.rights import require_author
from contracts.models import Contract, UsageRecord
from contracts.services import UsageRow, insert_usage
from events.services import record_event
from kernel.errors import DomainError
from payments.services.assignment import Assignment, note_latest, start_assignment
from payments.services.usage_input import read_usage

Key = tuple[str, str]


class UsageConflict(DomainError):
    """A source used one of its ids for two different records."""

    code = "usage_conflict"
    kind = "conflict"
    title = "There is another usage record with this source and id."


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageResult:
    """How many records of a batch were new, and how many were there already."""

    created: int
    duplicates: int


@transaction.atomic
def record_usage(*, principal: Principal, records: Sequence[dict[str, Any]], now: datetime) -> UsageResult:
    """
    Record a batch of usage of any contracts: all of it or, where anything is wrong, nothing.

    A record that is there already, by source and id, counts once. The number of statements does not grow
    with the number of records.

    :raises NotPermitted: usage is recorded by systems, and by whoever does contract work
    :raises InvalidInput: every fault of every record, at paths such as `records[0].quantity`
    :raises UsageConflict: another record has the same source and id
    """
    require_author(principal)
    rows = read_usage(principal, records, now)
    contracts = _lock_contracts({row.contract_id for row in rows})
    new = _new_rows(rows)
    assigned = _assign(new, contracts)
    inserted = insert_usage(assigned)
    if len(inserted) != len(new):
        _find_conflicts({(row.source, row.external_id): row for row in new})
        raise UsageConflict
    _tell(contracts, new, principal, now)
    return UsageResult(created=len(new), duplicates=len(rows) - len(new))


def _lock_contracts(contract_ids: set[UUID]) -> dict[UUID, Contract]:
    """Lock the contracts, always in the same order."""
    rows = Contract.objects.select_for_update(no_key=True).filter(pk__in=contract_ids).order_by("pk")
    return {row.pk: row for row in rows}


def _new_rows(rows: Iterable[UsageRow]) -> list[UsageRow]:
    """
    Leave out what is there already, or comes twice in the batch.

    :raises UsageConflict: the same source and id with other content
    """
    first: dict[Key, UsageRow] = {}
    for row in rows:
        known = first.setdefault((row.source, row.external_id), row)
        if _content(known) != _content(row):
            raise _conflict(row)
    standing = _find_conflicts(first)
    return [row for key, row in first.items() if key not in standing]


def _find_conflicts(rows: dict[Key, UsageRow]) -> set[Key]:
    """
    Give the keys that are there already with the same content. One query.

    :raises UsageConflict: one is there with other content
    """
    sources, ids = {source for source, _ in rows}, {external_id for _, external_id in rows}
    standing = set()
    for record in UsageRecord.objects.filter(source__in=sources, external_id__in=ids):
        row = rows.get((record.source, record.external_id))
        if row is not None and _content(record) != _content(row):
            raise _conflict(row)
        standing.add((record.source, record.external_id))
    return standing & rows.keys()


def _content(record: UsageRow | UsageRecord) -> tuple[object, ...]:
    """What a report says; when it was recorded, and at which price, does not make it another one."""
    return (
        record.contract_id, record.meter_id, record.stage_id, record.kind,
        record.quantity_micro, record.occurred_at, record.ends_at,
    )  # fmt: skip


def _conflict(row: UsageRow) -> UsageConflict:
    return UsageConflict(
        f"Source “{row.source}” used the id “{row.external_id}” for another record.",
        source=row.source,
        external_id=row.external_id,
    )


def _assign(rows: Sequence[UsageRow], contracts: dict[UUID, Contract]) -> list[UsageRow]:
    """Give each record its payment, in order, and keep the payments' totals."""
    assignment: Assignment = start_assignment(list(contracts))
    negative = {(row.meter_id, row.stage_id) for row in rows if (row.quantity_micro or 0) < 0}
    note_latest(assignment, negative)
    assigned = [replace(row, payment_id=assignment.assign(row)) for row in rows]
    assignment.store_totals()
    return assigned


def _tell(
    contracts: dict[UUID, Contract], rows: Sequence[UsageRow], principal: Principal, now: datetime
) -> None:
    """One event for each contract of the batch."""
    for contract_id, count in Counter(row.contract_id for row in rows).items():
        record_event(
            type="usage.recorded",
            subject_type="contract",
            subject_id=contract_id,
            client_id=contracts[contract_id].client_id,
            actor=principal.actor,
            at=now,
            data={"number": contracts[contract_id].number, "created": count},
        )
