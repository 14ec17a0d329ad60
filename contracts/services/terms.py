"""Refund terms: versions that are written once and govern the payments captured while they are in force."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.principals import Principal
from accounts.rights import require_author
from contracts.models import Contract, ContractState, RefundTerms
from contracts.policy import terms as policy
from contracts.selectors import contract_of, lock_contract, policy_terms
from contracts.services.acts import tell_contract
from kernel.errors import DomainError, StaleState


class TermsUnchanged(DomainError):
    """The terms in force say the same."""

    code = "terms_unchanged"
    kind = "conflict"
    title = "The contract has exactly these terms already."


@transaction.atomic
def publish_terms(
    *,
    principal: Principal,
    contract_id: UUID,
    terms: policy.RefundTerms | Mapping[str, Any],
    now: datetime,
) -> RefundTerms:
    """
    Publish a new version of a contract's terms; it governs payments captured from now on.

    :raises NotFoundOrHidden: no such contract for this principal
    :raises NotPermitted: the principal does no contract work
    :raises InvalidInput: every fault of the terms
    :raises StaleState: the contract has ended
    :raises TermsUnchanged: the version in force says the same
    """
    contract_of(principal, contract_id)
    require_author(principal)
    if not isinstance(terms, policy.RefundTerms):
        terms = policy.parse_terms(terms, settings.COMPANY_TIME_ZONE)
    contract = lock_contract(contract_id)
    if contract.state not in {ContractState.DRAFT, ContractState.SIGNED}:
        raise StaleState(_("The contract has ended."), state=contract.state)
    last = contract.terms_versions.order_by("version").last()
    if last is not None and policy_terms(last) == terms:
        raise TermsUnchanged
    row = write_terms(contract, terms, principal=principal, now=now, after=last)
    tell_contract(
        "terms.published",
        contract,
        principal=principal,
        now=now,
        version=row.version,
        deviates_from_policy=row.deviates_from_policy,
    )
    return row


def write_terms(
    contract: Contract,
    terms: policy.RefundTerms,
    *,
    principal: Principal,
    now: datetime,
    after: RefundTerms | None = None,
    in_force_from: datetime | None = None,
) -> RefundTerms:
    """Write the version that follows `after` (or the first); the caller holds the contract's lock."""
    begins = in_force_from or now
    return RefundTerms.objects.create(
        contract=contract,
        version=after.version + 1 if after else 1,
        in_force_from=max(begins, after.in_force_from) if after else begins,
        deviates_from_policy=policy.deviates_from_policy(terms),
        published_at=now,
        published_by=principal.user,
        **policy.as_json(terms),
    )
