"""What usage records may name, and which are there already: a constant number of queries per batch."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Q

from accounts.principals import Principal
from contracts.models import Contract, Meter, Stage, UsageRecord
from contracts.selectors.access import contracts_of


@dataclass(slots=True)
class UsageFrame:
    """A contract with its meters and stages of work by code."""

    contract: Contract
    meters: dict[str, Meter] = field(default_factory=dict)
    stages: dict[str, Stage] = field(default_factory=dict)


def usage_frames(principal: Principal, contract_ids: Iterable[UUID]) -> dict[UUID, UsageFrame]:
    """
    Give, by contract, what a usage record may name. Three queries for any number of contracts.

    Contracts that the principal may not see are left out. Removed stages are left out.
    """
    frames = {row.pk: UsageFrame(row) for row in contracts_of(principal).filter(pk__in=set(contract_ids))}
    for meter in Meter.objects.filter(contract_id__in=frames):
        frames[meter.contract_id].meters[meter.code] = meter
    for stage in Stage.objects.filter(contract_id__in=frames, is_removed=False):
        frames[stage.contract_id].stages[stage.code] = stage
    return frames


def find_usage(keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], UsageRecord]:
    """Give the usage records of these sources and external ids. One query per source."""
    by_source: dict[str, list[str]] = {}
    for source, external_id in keys:
        by_source.setdefault(source, []).append(external_id)
    found: dict[tuple[str, str], UsageRecord] = {}
    for source, external_ids in by_source.items():
        for row in UsageRecord.objects.filter(Q(source=source, external_id__in=external_ids)):
            found[row.source, row.external_id] = row
    return found
