"""The work: begun, delivered, accepted or objected to."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.principals import Principal
from accounts.rights import require_author
from contracts.drafts import values
from contracts.models import (
    AcceptanceItem,
    Contract,
    Delivery,
    DeliveryState,
    Document,
    DocumentKind,
    Role,
    Stage,
    StageKind,
    StageState,
)
from contracts.selectors import lock_contract, stage_of, terms_in_force
from contracts.services.acts import (
    is_clients_own_act,
    not_later,
    read_text,
    require_signed,
    tell_stage,
)
from contracts.states import DELIVERY, STAGE
from kernel.days import local_date, zone_of
from kernel.errors import DomainError, Fault, InvalidInput, NotPermitted, StaleState
from kernel.reading import FaultList, read_fields
from kernel.states import move

OBJECTIONS_MAX = 200

DATED_BACK_MOST: Final = timedelta(days=1)
"""How late a delivery may be recorded: a client accepts by silence only what they were told of."""


class NotDeliverable(DomainError):
    """A prepayment is paid, never delivered; a removed stage is no part of the contract."""

    code = "not_deliverable"
    title = "This stage is not work that can be delivered."


class ProtocolNeeded(DomainError):
    """Acceptance is the client's act."""

    code = "protocol_needed"
    title = "Acceptance that is not declared by the client here needs the signed protocol as evidence."


@transaction.atomic
def start_stage(*, principal: Principal, stage_id: UUID, now: datetime) -> Stage:
    """
    Begin the work of a stage.

    :raises NotFoundOrHidden: no such stage for this principal
    :raises NotPermitted: the principal does no contract work
    :raises ContractNotSigned: the contract is a draft or has ended
    :raises NotDeliverable: it is a prepayment, or removed
    :raises StaleState: it has begun already
    """
    stage_of(principal, stage_id)
    require_author(principal)
    contract, stage = _lock_stage(stage_id)
    require_signed(contract)
    _require_work(stage)
    if stage.state != StageState.PLANNED:
        raise StaleState(_("This stage has begun already."), state=stage.state)
    begin_stage(stage, contract, principal=principal, now=now)
    return stage


def begin_stage(stage: Stage, contract: Contract, *, principal: Principal, now: datetime) -> None:
    """Move a planned stage on; the caller holds the contract's lock."""
    move(stage, StageState.PLANNED, StageState.IN_PROGRESS, table=STAGE)
    tell_stage("stage.started", stage, contract, principal=principal, now=now)


@transaction.atomic
def deliver_stage(
    *,
    principal: Principal,
    stage_id: UUID,
    delivered_at: datetime | None = None,
    note: str = "",
    documents: Sequence[UUID] = (),
    now: datetime,
) -> Delivery:
    """
    Record a delivery. The stage becomes due `payment_days` after the local date of delivery.

    :raises NotFoundOrHidden: no such stage for this principal
    :raises NotPermitted: the principal does no contract work
    :raises ContractNotSigned: the contract is a draft or has ended
    :raises NotDeliverable: it is a prepayment, or removed
    :raises StaleState: the stage is not in progress
    :raises InvalidInput: an impossible instant, or documents of another contract
    """
    stage_of(principal, stage_id)
    require_author(principal)
    text = read_text(note, "note", 4000, needed=False)
    contract, stage = _lock_stage(stage_id)
    require_signed(contract)
    _require_work(stage)
    if stage.state != StageState.IN_PROGRESS:
        raise StaleState(_("Only a stage in progress can be delivered."), state=stage.state)
    instant = delivered_at or now
    _check_delivery_instant(instant, contract, stage, now)
    files = _documents(contract, documents)
    return write_delivery(stage, contract, instant, text, files, principal=principal, now=now)


def write_delivery(
    stage: Stage,
    contract: Contract,
    delivered_at: datetime,
    note: str,
    documents: Sequence[Document],
    *,
    principal: Principal,
    now: datetime,
) -> Delivery:
    """Write a delivery of a stage in progress; the caller holds the contract's lock."""
    zone = zone_of(terms_in_force(contract.pk, now).time_zone)
    due_on = local_date(delivered_at, zone) + timedelta(days=contract.payment_days)
    last = stage.deliveries.order_by("number").last()
    delivery = Delivery.objects.create(
        stage=stage,
        number=last.number + 1 if last else 1,
        delivered_at=delivered_at,
        recorded_at=now,
        recorded_by=principal.user,
        note=note,
    )
    delivery.documents.set(documents)
    move(stage, StageState.IN_PROGRESS, StageState.DELIVERED, table=STAGE, due_on=due_on)
    tell_stage(
        "stage.delivered",
        stage,
        contract,
        principal=principal,
        now=now,
        delivery=delivery.pk,
        delivered_at=delivered_at,
        documents=[document.pk for document in documents],
    )
    return delivery


@transaction.atomic
def accept_delivery(
    *,
    principal: Principal,
    stage_id: UUID,
    now: datetime,
    accepted_at: datetime | None = None,
    protocol_id: UUID | None = None,
) -> Delivery:
    """
    Accept the last delivery of a stage: the client's own act, or recorded by others from the signed protocol.

    :raises NotFoundOrHidden: no such stage for this principal
    :raises NotPermitted: neither owner nor requester of the client, nor one who does contract work
    :raises StaleState: there is no delivery that waits for acceptance
    :raises ProtocolNeeded: others record it without the signed protocol
    :raises InvalidInput: accepted in the future or before delivery, or the document is no protocol
    """
    found = stage_of(principal, stage_id)
    own = _require_client_or_author(principal, found.contract.client_id)
    contract, stage = _lock_stage(stage_id)
    delivery = _waiting_delivery(stage)
    if own:
        write_acceptance(delivery, stage, contract, now, None, by_client=True, principal=principal, now=now)
        return delivery
    instant = accepted_at or now
    not_later(instant, now, "accepted_at")
    if instant < delivery.delivered_at:
        raise _fault("accepted_at", "must not be earlier than the delivery")
    protocol = _protocol(contract, protocol_id)
    write_acceptance(
        delivery, stage, contract, instant, protocol, by_client=False, principal=principal, now=now
    )
    return delivery


def write_acceptance(
    delivery: Delivery,
    stage: Stage,
    contract: Contract,
    accepted_at: datetime,
    protocol: Document | None,
    *,
    by_client: bool,
    principal: Principal,
    now: datetime,
    by: User | None = None,
) -> None:
    """Write an acceptance (declared by `by`, else by the principal); the caller holds the contract's lock."""
    move(
        delivery,
        DeliveryState.DELIVERED,
        DeliveryState.ACCEPTED,
        table=DELIVERY,
        accepted_at=accepted_at,
        accepted_by_client=by_client,
        acceptance_recorded_at=now,
        acceptance_recorded_by=by or principal.user,
        acceptance_protocol=protocol,
    )
    tell_stage(
        "stage.accepted",
        stage,
        contract,
        principal=principal,
        now=now,
        delivery=delivery.pk,
        accepted_at=accepted_at,
        by_client=by_client,
        protocol=protocol.pk if protocol else None,
    )


@transaction.atomic
def object_to_delivery(
    *, principal: Principal, stage_id: UUID, objections: Sequence[Mapping[str, Any]], now: datetime
) -> Delivery:
    """
    Object to the last delivery, item by item: `[{"item": code or None, "text": why}]`. Work goes on.

    :raises NotFoundOrHidden: no such stage for this principal
    :raises NotPermitted: neither owner nor requester of the client, nor one who does contract work
    :raises StaleState: there is no delivery that waits for acceptance
    :raises InvalidInput: every fault of the objections
    """
    found = stage_of(principal, stage_id)
    _require_client_or_author(principal, found.contract.client_id)
    contract, stage = _lock_stage(stage_id)
    delivery = _waiting_delivery(stage)
    read = read_objections(objections, stage)
    write_objection(delivery, stage, contract, now, read, principal=principal, now=now)
    return delivery


def write_objection(
    delivery: Delivery,
    stage: Stage,
    contract: Contract,
    objected_at: datetime,
    objections: list[dict[str, Any]],
    *,
    principal: Principal,
    now: datetime,
    by: User | None = None,
) -> None:
    """Write an objection; the stage is in progress again. The caller holds the contract's lock."""
    move(
        delivery,
        DeliveryState.DELIVERED,
        DeliveryState.OBJECTED,
        table=DELIVERY,
        objected_at=objected_at,
        objected_by=by or principal.user,
        objections=objections,
    )
    move(stage, StageState.DELIVERED, StageState.IN_PROGRESS, table=STAGE)
    items = sorted({entry["item"] for entry in objections if entry["item"]})
    tell_stage(
        "stage.objected", stage, contract, principal=principal, now=now, delivery=delivery.pk, items=items
    )


def read_objections(raw: Sequence[Mapping[str, Any]], stage: Stage) -> list[dict[str, Any]]:
    """
    Read objections against a stage's acceptance items.

    :raises InvalidInput: every fault with its path, such as `objections[0].item`
    """
    codes = set(AcceptanceItem.objects.filter(stage=stage, is_removed=False).values_list("code", flat=True))
    given = () if raw is None else raw
    document = {"objections": list(given) if isinstance(given, list | tuple) else given}
    faults = FaultList()
    fields = {"item": values.code, "text": values.text(2000, lines=True)}
    read: list[dict[str, Any]] = []
    entries = values.list_of(document["objections"], ("objections",), faults, least=1, most=OBJECTIONS_MAX)
    for index, entry in enumerate(entries):
        at = ("objections", index)
        if not isinstance(entry, dict):
            faults.add(at, "must be an object")
            continue
        found = read_fields(entry, fields, ("text",), at, faults)
        if "item" in found and found["item"] not in codes:
            faults.add((*at, "item"), f"the stage has no acceptance item “{found['item']}”")
        read.append({"item": found.get("item"), "text": found.get("text", "")})
    if faults:
        raise InvalidInput("The objections have faults.", faults=faults.in_order_of(document))
    return read


def _lock_stage(stage_id: UUID) -> tuple[Contract, Stage]:
    """Lock the contract, then the stage, in this order."""
    contract = lock_contract(Stage.objects.values_list("contract_id", flat=True).get(pk=stage_id))
    return contract, Stage.objects.select_for_update(no_key=True).get(pk=stage_id)


def _require_work(stage: Stage) -> None:
    if stage.kind != StageKind.WORK or stage.is_removed:
        raise NotDeliverable(stage=stage.code)


def _require_client_or_author(principal: Principal, client_id: UUID) -> bool:
    """Tell whether it is the client's own act; else the principal must do contract work."""
    if is_clients_own_act(principal, client_id, Role.OWNER, Role.REQUESTER):
        return True
    if principal.is_person and not principal.is_staff:
        raise NotPermitted("Only an owner or a requester of the client may do this.")
    require_author(principal)
    return False


def _waiting_delivery(stage: Stage) -> Delivery:
    delivery = stage.deliveries.select_for_update(no_key=True).order_by("number").last()
    if delivery is None or delivery.state != DeliveryState.DELIVERED:
        raise StaleState(_("There is no delivery that waits for acceptance."))
    return delivery


def _check_delivery_instant(instant: datetime, contract: Contract, stage: Stage, now: datetime) -> None:
    not_later(instant, now, "delivered_at")
    if instant < now - DATED_BACK_MOST:
        raise _fault("delivered_at", "must not be more than a day ago: nobody was told of it then")
    if contract.signed_at is not None and instant < contract.signed_at:
        raise _fault("delivered_at", "must not be earlier than the signature")
    last = stage.deliveries.order_by("number").last()
    if last is not None and instant < (last.objected_at or last.delivered_at):
        raise _fault("delivered_at", "must not be earlier than the delivery before it and its objection")


def _documents(contract: Contract, ids: Sequence[UUID]) -> list[Document]:
    found = {row.pk: row for row in Document.objects.filter(contract=contract, pk__in=list(ids))}
    faults = [
        Fault(path=f"documents[{index}]", message="is no document of this contract", code="unknown")
        for index, key in enumerate(ids)
        if key not in found
    ]
    if faults:
        raise InvalidInput(faults=faults)
    return list(found.values())


def _protocol(contract: Contract, protocol_id: UUID | None) -> Document:
    if protocol_id is None:
        raise ProtocolNeeded
    document = Document.objects.filter(contract=contract, pk=protocol_id, kind=DocumentKind.PROTOCOL).first()
    if document is None:
        raise _fault("protocol", "is no acceptance protocol of this contract")
    return document


def _fault(path: str, message: str) -> InvalidInput:
    return InvalidInput(faults=[Fault(path=path, message=message)])
