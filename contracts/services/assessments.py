"""Assessments: what a reviewer found when testing delivered work against its documentation."""

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.models import User
from accounts.principals import Principal
from accounts.rights import require_reviewer
from contracts.models import AcceptanceItem, Assessment, AssessmentValue, Contract, Delivery, Document
from contracts.selectors import delivery_of, is_member, lock_contract
from contracts.services.acts import read_text, tell_stage
from kernel.errors import DomainError, Fault, InvalidInput
from kernel.exact import parse_fraction
from kernel.reading import fault_at


class OwnClient(DomainError):
    """Nobody judges a case of a client of which they are a member."""

    code = "own_client"
    kind = "forbidden"
    title = "You are a member of this client: somebody else has to do this."


@transaction.atomic
def assess_delivery(
    *,
    principal: Principal,
    delivery_id: UUID,
    values: Mapping[str, Any],
    reason: str,
    evidence_id: UUID | None = None,
    now: datetime,
) -> Assessment:
    """
    Record how far each item was found fulfilled: an exact share from 0 to 1 as decimal or `n/d` text.

    None means that the item cannot be tested. Items not named keep what was found before.

    :raises NotFoundOrHidden: no such delivery for this principal
    :raises NotPermitted: not a Reviewer or Approver
    :raises OwnClient: the person is a member of the client
    :raises InvalidInput: every fault: unknown items, shares outside 0 to 1, no reason, foreign evidence
    """
    delivery = delivery_of(principal, delivery_id)
    person = require_reviewer(principal)
    contract = lock_contract(delivery.stage.contract_id)
    require_outsider(person, contract.client_id)
    items = {
        row.code: row for row in AcceptanceItem.objects.filter(stage_id=delivery.stage_id, is_removed=False)
    }
    found = _read_values(values, items)
    assessment = Assessment.objects.create(
        delivery=delivery,
        by=person,
        at=now,
        reason=read_text(reason, "reason", 4000),
        evidence=evidence_of(contract, evidence_id),
    )
    AssessmentValue.objects.bulk_create(
        AssessmentValue(
            assessment=assessment,
            item=items[code],
            numerator=None if share is None else share.numerator,
            denominator=1 if share is None else share.denominator,
        )
        for code, share in found.items()
    )
    _tell(assessment, delivery, contract, found, principal, now)
    return assessment


def require_outsider(person: User, client_id: UUID) -> None:
    """
    :raises OwnClient: the person is a member of the client
    """
    if is_member(person, client_id):
        raise OwnClient


def evidence_of(contract: Contract, evidence_id: UUID | None) -> Document | None:
    """
    Give the document that proves something about a contract, if one is named.

    :raises InvalidInput: it is no document of this contract
    """
    if evidence_id is None:
        return None
    document = Document.objects.filter(contract=contract, pk=evidence_id).first()
    if document is None:
        raise InvalidInput(faults=[Fault(path="evidence", message="is no document of this contract")])
    return document


def _read_values(
    values: Mapping[str, Any], items: Mapping[str, AcceptanceItem]
) -> dict[str, Fraction | None]:
    faults: list[Fault] = []
    read: dict[str, Fraction | None] = {}
    if not values:
        faults.append(Fault(path="values", message="must name at least one acceptance item"))
    for code, value in values.items():
        at = ("values", code)
        if code not in items:
            faults.append(fault_at(at, "the stage has no such acceptance item", "unknown"))
            continue
        share = parse_fraction(value) if isinstance(value, str) else None
        if value is not None and share is None:
            faults.append(fault_at(at, "must be a decimal or a fraction such as 1/2, or null"))
        elif share is not None and not 0 <= share <= 1:
            faults.append(fault_at(at, "must lie between 0 and 1"))
        else:
            read[code] = share
    if faults:
        raise InvalidInput("The assessment has faults.", faults=faults)
    return read


def _tell(
    assessment: Assessment,
    delivery: Delivery,
    contract: Contract,
    found: Mapping[str, Fraction | None],
    principal: Principal,
    now: datetime,
) -> None:
    tell_stage(
        "stage.assessed",
        delivery.stage,
        contract,
        principal=principal,
        now=now,
        delivery=delivery.pk,
        assessment=assessment.pk,
        values={code: None if share is None else str(share) for code, share in found.items()},
    )
