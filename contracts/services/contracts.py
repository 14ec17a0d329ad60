"""Contracts from the draft to their end."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.principals import Principal
from accounts.rights import require_author
from contracts.drafts import ContractDraft, StageDraft
from contracts.models import (
    AcceptanceItem,
    Client,
    Contract,
    ContractState,
    Meter,
    PrepaymentShare,
    Stage,
    StageKind,
    StageState,
)
from contracts.selectors import client_of, contract_of, lock_contract, policy_terms
from contracts.services.acts import read_text, require_signed, tell_contract
from contracts.services.terms import write_terms
from contracts.states import CONTRACT
from events.numbers import next_number
from kernel.days import local_date, zone_of
from kernel.errors import DomainError, Fault, InvalidInput, StaleState
from kernel.states import move


class ReferenceTaken(DomainError):
    """Another contract has this reference."""

    code = "reference_taken"
    kind = "conflict"
    title = "There is already a contract with this reference."


class WorkOutstanding(DomainError):
    """A contract is complete when all its work has been delivered."""

    code = "work_outstanding"
    title = "Some work of this contract has not been delivered."


@transaction.atomic
def create_contract(*, principal: Principal, draft: ContractDraft, now: datetime) -> Contract:
    """
    Store a draft: contract, first terms version, stages, shares, items and meters, all or nothing.

    :raises NotPermitted: the principal does no contract work
    :raises NotFoundOrHidden: no such client for this principal
    :raises ReferenceTaken: another contract has this reference
    """
    require_author(principal)
    if draft.client_id is None:
        raise InvalidInput(faults=[Fault(path="client", message="is missing")])
    client = client_of(principal, draft.client_id)
    return write_contract(client, draft, principal=principal, now=now)


def write_contract(
    client: Client,
    draft: ContractDraft,
    *,
    principal: Principal,
    now: datetime,
    began_at: datetime | None = None,
    imported: bool = False,
) -> Contract:
    """Store a draft for a client; `began_at` dates back the terms of a contract made elsewhere."""
    if draft.reference and Contract.objects.filter(reference=draft.reference).exists():
        raise ReferenceTaken(reference=draft.reference)
    contract = Contract(
        reference=draft.reference,
        client=client,
        title=draft.title,
        summary=draft.summary,
        currency=draft.currency,
        total_minor=draft.total_minor,
        payment_days=draft.payment_days,
        created_at=now,
        imported=imported,
    )
    year = local_date(now, zone_of(settings.COMPANY_TIME_ZONE)).year
    contract.number = next_number("C", year)
    contract.save(force_insert=True)
    write_terms(contract, draft.terms, principal=principal, now=now, in_force_from=began_at)
    _write_parts(contract, draft)
    tell_contract("contract.created", contract, principal=principal, now=now, imported=imported)
    return contract


@transaction.atomic
def revise_contract(
    *, principal: Principal, contract_id: UUID, draft: ContractDraft, now: datetime
) -> Contract:
    """
    Write a draft anew: everything it says is replaced; other terms become the next version.

    :raises NotFoundOrHidden: no such contract for this principal
    :raises NotPermitted: the principal does no contract work
    :raises StaleState: it is signed; then unpaid stages change by an amendment
    :raises ReferenceTaken: another contract has this reference
    """
    contract_of(principal, contract_id)
    require_author(principal)
    contract = lock_contract(contract_id)
    if contract.state != ContractState.DRAFT:
        raise StaleState(_("Only a draft can be written anew."), state=contract.state)
    others = Contract.objects.exclude(pk=contract.pk)
    if draft.reference and others.filter(reference=draft.reference).exists():
        raise ReferenceTaken(reference=draft.reference)
    for name in ("reference", "title", "summary", "currency", "total_minor", "payment_days"):
        setattr(contract, name, getattr(draft, name))
    contract.save()
    last = contract.terms_versions.order_by("version").last()
    if last is None or policy_terms(last) != draft.terms:
        write_terms(contract, draft.terms, principal=principal, now=now, after=last)
    _remove_parts(contract)
    _write_parts(contract, draft)
    tell_contract("contract.revised", contract, principal=principal, now=now)
    return contract


@transaction.atomic
def terminate_contract(*, principal: Principal, contract_id: UUID, reason: str, now: datetime) -> Contract:
    """
    End a contract before its work is done; payments and applications go on as the terms say.

    :raises NotFoundOrHidden: no such contract for this principal
    :raises NotPermitted: the principal does no contract work
    :raises ContractNotSigned: it is a draft or has ended
    """
    contract_of(principal, contract_id)
    require_author(principal)
    why = read_text(reason, "reason", 500)
    contract = lock_contract(contract_id)
    require_signed(contract)
    end_contract(contract, ContractState.TERMINATED, why, principal=principal, now=now, ended_at=now)
    return contract


@transaction.atomic
def complete_contract(*, principal: Principal, contract_id: UUID, now: datetime) -> Contract:
    """
    End a contract whose work has all been delivered.

    :raises NotFoundOrHidden: no such contract for this principal
    :raises NotPermitted: the principal does no contract work
    :raises ContractNotSigned: it is a draft or has ended
    :raises WorkOutstanding: some work has not been delivered
    """
    contract_of(principal, contract_id)
    require_author(principal)
    contract = lock_contract(contract_id)
    require_signed(contract)
    work = contract.stages.filter(kind=StageKind.WORK, is_removed=False)
    missing = list(work.exclude(state=StageState.DELIVERED).values_list("code", flat=True))
    if missing:
        raise WorkOutstanding(stages=missing)
    end_contract(contract, ContractState.COMPLETED, "", principal=principal, now=now, ended_at=now)
    return contract


def end_contract(
    contract: Contract,
    state: ContractState,
    reason: str,
    *,
    principal: Principal,
    now: datetime,
    ended_at: datetime,
) -> None:
    """Move a signed contract to its end; the caller holds its lock."""
    move(contract, ContractState.SIGNED, state, table=CONTRACT, ended_at=ended_at, end_reason=reason)
    tell_contract(f"contract.{state.value}", contract, principal=principal, now=now)


def _remove_parts(contract: Contract) -> None:
    stages = Stage.objects.filter(contract=contract)
    PrepaymentShare.objects.filter(prepayment__in=stages).delete()
    AcceptanceItem.objects.filter(stage__in=stages).delete()
    stages.delete()
    Meter.objects.filter(contract=contract).delete()


def _write_parts(contract: Contract, draft: ContractDraft) -> None:
    """Write stages, items, shares and meters: four statements for any number of them."""
    rows = write_stages(contract, draft.stages, first_position=1)
    write_shares(
        (rows[stage.code], rows[code], minor) for stage in draft.stages for code, minor in stage.shares
    )
    Meter.objects.bulk_create(
        Meter(
            contract=contract,
            code=meter.code,
            title=meter.title,
            kind=meter.kind,
            unit=meter.unit,
            price_nano=meter.price_nano,
        )
        for meter in draft.meters
    )


def write_stages(
    contract: Contract, stages: tuple[StageDraft, ...], *, first_position: int
) -> dict[str, Stage]:
    """Write stages with their acceptance items, in order; give them by code."""
    rows = {
        stage.code: Stage(
            contract=contract,
            position=position,
            code=stage.code,
            title=stage.title,
            kind=stage.kind,
            amount_minor=stage.amount_minor,
        )
        for position, stage in enumerate(stages, first_position)
    }
    Stage.objects.bulk_create(rows.values())
    AcceptanceItem.objects.bulk_create(
        AcceptanceItem(
            stage=rows[stage.code],
            position=position,
            code=item.code,
            statement=item.statement,
            weight_micro=item.weight_micro,
            reference=item.reference,
        )
        for stage in stages
        for position, item in enumerate(stage.items, 1)
    )
    return rows


def write_shares(shares: Iterable[tuple[Stage, Stage, int]]) -> None:
    """Write which work a prepayment prepays: prepayment, work, minor units."""
    PrepaymentShare.objects.bulk_create(
        PrepaymentShare(prepayment=prepayment, work=work, amount_minor=minor)
        for prepayment, work, minor in shares
    )
