"""The shape of a contract before it is stored: frozen, complete and free of faults."""

from dataclasses import dataclass
from uuid import UUID

from contracts.models import MeterKind, StageKind
from contracts.policy.terms import RefundTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemDraft:
    """One acceptance item; the weight in millionths."""

    code: str
    statement: str
    weight_micro: int
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageDraft:
    """One stage; `shares` says which work a prepayment prepays (stage code and minor units, in order)."""

    code: str
    title: str
    kind: StageKind
    amount_minor: int
    items: tuple[ItemDraft, ...] = ()
    shares: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterDraft:
    """One meter; the price per unit or period in 10^-9 major units."""

    code: str
    title: str
    kind: MeterKind
    unit: str
    price_nano: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractDraft:
    """A contract as it is to be stored; amounts in minor units of `currency`."""

    client_id: UUID | None
    title: str
    currency: str
    terms: RefundTerms
    stages: tuple[StageDraft, ...]
    reference: str = ""
    summary: str = ""
    payment_days: int = 14
    meters: tuple[MeterDraft, ...] = ()

    @property
    def total_minor(self) -> int:
        return sum(stage.amount_minor for stage in self.stages)
