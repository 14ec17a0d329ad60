"""Amendments: how unpaid stages change after the contract is signed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from accounts.principals import Principal
from accounts.rights import require_author
from contracts.drafts import AddedStage, AmendmentDraft, ChangedStage, StageDraft, parse_amendment
from contracts.drafts.values import AMOUNT_MINOR_MAX
from contracts.models import (
    AcceptanceItem,
    Amendment,
    AmendmentState,
    Contract,
    Document,
    DocumentKind,
    PrepaymentShare,
    Stage,
    StageKind,
    StageState,
)
from contracts.selectors import contract_of, contracts_of, lock_contract, terms_in_force
from contracts.services.acts import (
    read_text,
    require_owner_or_author,
    require_signed,
    tell_contract,
)
from contracts.services.contracts import write_shares, write_stages
from contracts.services.signing import agreed_digest
from contracts.shares import in_proportion
from contracts.states import AMENDMENT
from kernel.days import local_date, zone_of
from kernel.errors import Fault, InvalidInput, NotFoundOrHidden, StaleState
from kernel.states import move


@transaction.atomic
def create_amendment(
    *,
    principal: Principal,
    contract_id: UUID,
    summary: str,
    changes: object,
    document_id: UUID | None = None,
    now: datetime,
) -> Amendment:
    """
    Put forward a change of unpaid stages; it takes effect when it is signed.

    `changes` is `{"change": [...], "add": [...], "remove": [...]}`.

    :raises NotFoundOrHidden: no such contract for this principal
    :raises NotPermitted: the principal does no contract work
    :raises ContractNotSigned: it is a draft (write it anew) or has ended
    :raises InvalidInput: every fault of the changes, alone and with the contract as it stands
    """
    contract_of(principal, contract_id)
    require_author(principal)
    text = read_text(summary, "summary", 500)
    contract = lock_contract(contract_id)
    require_signed(contract)
    plan_of(contract, parse_amendment(changes, currency=contract.currency))
    last = contract.amendments.aggregate(last=Max("number"))["last"] or 0
    amendment = Amendment.objects.create(
        contract=contract,
        number=last + 1,
        summary=text,
        changes=changes,
        document=_document(contract, document_id),
        created_at=now,
        created_by=principal.user,
    )
    _tell("amendment.created", amendment, contract, principal, now)
    return amendment


@transaction.atomic
def sign_amendment(
    *, principal: Principal, amendment_id: UUID, document_sha256: str = "", now: datetime
) -> Amendment:
    """
    Sign an amendment and apply it: the contract's stages, shares and total change at once.

    :raises NotFoundOrHidden: no such amendment for this principal
    :raises NotPermitted: neither an owner of the client nor one who does contract work
    :raises StaleState: it is signed or withdrawn
    :raises ContractNotSigned: the contract has ended
    :raises DocumentChanged: the owner has not named the digest of the amendment's document
    :raises InvalidInput: the contract has changed so that the amendment no longer fits
    """
    found = amendment_of(principal, amendment_id)
    by_client = require_owner_or_author(principal, found.contract.client_id)
    contract = lock_contract(found.contract_id)
    require_signed(contract)
    amendment = Amendment.objects.select_related("document").get(pk=amendment_id)
    _require_draft(amendment)
    agreed_digest(amendment.document, document_sha256, needed=by_client and amendment.document is not None)
    plan = plan_of(contract, parse_amendment(amendment.changes, currency=contract.currency))
    move(
        amendment,
        AmendmentState.DRAFT,
        AmendmentState.SIGNED,
        table=AMENDMENT,
        signed_at=now,
        signed_by=principal.user,
    )
    _apply(contract, plan, now)
    _tell("amendment.signed", amendment, contract, principal, now, total_minor=contract.total_minor)
    return amendment


@transaction.atomic
def withdraw_amendment(*, principal: Principal, amendment_id: UUID, now: datetime) -> Amendment:
    """
    Take an amendment back before it is signed.

    :raises NotFoundOrHidden: no such amendment for this principal
    :raises NotPermitted: the principal does no contract work
    :raises StaleState: it is signed or withdrawn
    """
    amendment = amendment_of(principal, amendment_id)
    require_author(principal)
    contract = lock_contract(amendment.contract_id)
    amendment.refresh_from_db()
    _require_draft(amendment)
    move(amendment, AmendmentState.DRAFT, AmendmentState.WITHDRAWN, table=AMENDMENT)
    _tell("amendment.withdrawn", amendment, contract, principal, now)
    return amendment


def amendment_of(principal: Principal, amendment_id: UUID) -> Amendment:
    """
    :raises NotFoundOrHidden: no such amendment for this principal
    """
    rows = Amendment.objects.select_related("contract").filter(contract__in=contracts_of(principal))
    found = rows.filter(pk=amendment_id).first()
    if found is None:
        raise NotFoundOrHidden("There is no such amendment.")
    return found


@dataclass(slots=True)
class Plan:
    """What an amendment does to a contract, checked: nothing can say no any more."""

    changed: list[Stage] = field(default_factory=list)
    removed: list[Stage] = field(default_factory=list)
    added: list[StageDraft] = field(default_factory=list)
    shares: dict[str, dict[str, int]] = field(default_factory=dict)
    total_minor: int = 0


def plan_of(contract: Contract, draft: AmendmentDraft) -> Plan:
    """
    Hold an amendment against a contract as it stands.

    :raises InvalidInput: every fault with its path, such as `change[0].code`
    """
    planner = _Planner(contract, draft)
    plan = planner.plan()
    if planner.faults:
        raise InvalidInput("The amendment does not fit the contract.", faults=planner.faults)
    return plan


class _Planner:
    """Works an amendment out on copies of the contract's stages; notes every fault."""

    def __init__(self, contract: Contract, draft: AmendmentDraft) -> None:
        self.draft = draft
        self.faults: list[Fault] = []
        every = list(Stage.objects.filter(contract=contract).order_by("position"))
        self.taken = {stage.code for stage in every}
        self.stages = {stage.code: stage for stage in every if not stage.is_removed}
        self.shares: dict[str, dict[str, int]] = {}
        rows = PrepaymentShare.objects.filter(prepayment__contract=contract)
        for prepayment, work, minor in rows.values_list("prepayment__code", "work__code", "amount_minor"):
            self.shares.setdefault(prepayment, {})[work] = minor

    def plan(self) -> Plan:
        plan = Plan()
        for index, change in enumerate(self.draft.change):
            self._change(change, f"change[{index}]", plan)
        for index, code in enumerate(self.draft.remove):
            self._remove(code, f"remove[{index}]", plan)
        for index, added in enumerate(self.draft.add):
            if added.stage.code in self.taken:
                self._fault(f"add[{index}].code", f"the contract has a stage “{added.stage.code}” already")
            plan.added.append(added.stage)
        gone = {stage.code for stage in plan.removed}
        stays = [stage for code, stage in self.stages.items() if code not in gone]
        plan.total_minor = sum(s.amount_minor for s in stays) + sum(s.amount_minor for s in plan.added)
        if not 0 < plan.total_minor <= AMOUNT_MINOR_MAX:
            self._fault("", "the contract's stages must sum to more than 0 and less than a contract can hold")
        if not self.faults:
            self._plan_shares(plan, stays, gone)
        return plan

    def _change(self, change: ChangedStage, path: str, plan: Plan) -> None:
        stage = self._unpaid(change.code, f"{path}.code")
        if stage is None:
            return
        if change.shares is not None and stage.kind != StageKind.PREPAYMENT:
            self._fault(f"{path}.shares", "only a prepayment has shares")
        stage.title = change.title if change.title is not None else stage.title
        stage.amount_minor = change.amount_minor if change.amount_minor is not None else stage.amount_minor
        plan.changed.append(stage)

    def _remove(self, code: str, path: str, plan: Plan) -> None:
        stage = self._unpaid(code, path)
        if stage is None:
            return
        if stage.state == StageState.DELIVERED or stage.deliveries.exists():
            self._fault(path, f"“{code}” has been delivered and stays")
        for prepayment, shares in self.shares.items():
            if shares.get(code) and prepayment in self.stages and self.stages[prepayment].covered_minor:
                self._fault(path, f"“{code}” has been prepaid by “{prepayment}” and stays")
        plan.removed.append(stage)

    def _unpaid(self, code: str, path: str) -> Stage | None:
        stage = self.stages.get(code)
        if stage is None:
            self._fault(path, f"the contract has no stage “{code}”")
        elif stage.covered_minor:
            self._fault(path, f"“{code}” has been paid, at least in part, and stays as it is")
        else:
            return stage
        return None

    def _plan_shares(self, plan: Plan, stays: list[Stage], gone: set[str]) -> None:
        """Part each prepayment that is new, changed, or that prepaid what goes."""
        drafts: list[Stage | StageDraft] = [*stays, *plan.added]
        work = {stage.code: stage.amount_minor for stage in drafts if stage.kind == StageKind.WORK}
        named = {
            entry.code if isinstance(entry, ChangedStage) else entry.stage.code: (path, entry)
            for path, entry in self._entries()
        }
        for stage in drafts:
            if stage.kind != StageKind.PREPAYMENT:
                continue
            path, entry = named.get(stage.code, ("", None))
            if entry is not None and entry.shares is not None:
                self._check_shares(stage, entry.shares, work, f"{path}.shares")
                plan.shares[stage.code] = dict(entry.shares)
            elif self._needs_new_shares(stage, gone):
                if not work:
                    self._fault(path, f"“{stage.code}” needs at least one stage of work that it prepays")
                else:
                    parts = in_proportion(stage.amount_minor, list(work.values()))
                    plan.shares[stage.code] = dict(zip(work, parts, strict=True))

    def _entries(self) -> list[tuple[str, ChangedStage | AddedStage]]:
        return [
            *((f"change[{index}]", change) for index, change in enumerate(self.draft.change)),
            *((f"add[{index}]", added) for index, added in enumerate(self.draft.add)),
        ]

    def _needs_new_shares(self, stage: Stage | StageDraft, gone: set[str]) -> bool:
        standing = self.shares.get(stage.code, {})
        return sum(standing.values()) != stage.amount_minor or any(standing.get(code) for code in gone)

    def _check_shares(
        self, stage: Stage | StageDraft, shares: Mapping[str, int], work: Mapping[str, int], path: str
    ) -> None:
        for code in shares:
            if code not in work:
                self._fault(f"{path}.{code}", "is no stage of work of this contract")
        if sum(shares.values()) != stage.amount_minor:
            self._fault(path, "must sum to the prepayment")

    def _fault(self, path: str, message: str) -> None:
        self.faults.append(Fault(path=path, message=message))


def _apply(contract: Contract, plan: Plan, now: datetime) -> None:
    """Write a plan down; the caller holds the contract's lock."""
    Stage.objects.bulk_update(plan.changed, ["title", "amount_minor"])
    removed = [stage.pk for stage in plan.removed]
    Stage.objects.filter(pk__in=removed).update(is_removed=True)
    AcceptanceItem.objects.filter(stage_id__in=removed).update(is_removed=True)
    last = Stage.objects.filter(contract=contract).aggregate(last=Max("position"))["last"] or 0
    write_stages(contract, tuple(plan.added), first_position=last + 1)
    due_on = local_date(now, zone_of(terms_in_force(contract.pk, now).time_zone))
    new = [stage.code for stage in plan.added if stage.kind == StageKind.PREPAYMENT]
    contract.stages.filter(code__in=new).update(due_on=due_on)
    by_code = {stage.code: stage for stage in Stage.objects.filter(contract=contract)}
    PrepaymentShare.objects.filter(prepayment__in=[by_code[code] for code in plan.shares]).delete()
    write_shares(
        (by_code[prepayment], by_code[work], minor)
        for prepayment, shares in plan.shares.items()
        for work, minor in shares.items()
        if minor
    )
    contract.total_minor = plan.total_minor
    contract.save(update_fields=["total_minor"])


def _document(contract: Contract, document_id: UUID | None) -> Document | None:
    if document_id is None:
        return None
    rows = Document.objects.filter(contract=contract, kind=DocumentKind.AMENDMENT)
    document = rows.filter(pk=document_id).first()
    if document is None:
        raise InvalidInput(faults=[Fault(path="document_id", message="is no amendment of this contract")])
    return document


def _require_draft(amendment: Amendment) -> None:
    if amendment.state != AmendmentState.DRAFT:
        raise StaleState(_("This amendment is signed or withdrawn."), state=amendment.state)


def _tell(
    type: str, amendment: Amendment, contract: Contract, principal: Principal, now: datetime, **data: Any
) -> None:
    tell_contract(
        type,
        contract,
        principal=principal,
        now=now,
        amendment=amendment.pk,
        amendment_number=amendment.number,
        **data,
    )
