"""Signatures: what was signed, by whom, under which terms."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.principals import Principal
from contracts.models import Contract, ContractState, Document, Stage, StageKind
from contracts.selectors import contract_of, lock_contract, terms_in_force
from contracts.selectors.documents import newest_contract_document
from contracts.services.acts import require_owner_or_author, tell_contract
from contracts.states import CONTRACT
from kernel.days import local_date, zone_of
from kernel.errors import DomainError, StaleState
from kernel.states import move


class DocumentChanged(DomainError):
    """What would be signed is not what the signer has read."""

    code = "document_changed"
    kind = "conflict"
    title = "The document has changed. Read the newest version before you sign it."


class TermsChanged(DomainError):
    """The terms that would be signed are not those the signer has read."""

    code = "terms_changed"
    kind = "conflict"
    title = "The refund terms have changed. Read them again before you sign."


@transaction.atomic
def sign_contract(
    *,
    principal: Principal,
    contract_id: UUID,
    document_sha256: str = "",
    terms_version: int | None = None,
    now: datetime,
) -> Contract:
    """
    Sign a draft: from now on it can be paid and worked on. Prepayments become due.

    An owner who signs names the SHA-256 of the newest contract document, if there is one. Others record
    a signature that was given on paper or elsewhere.

    :raises NotFoundOrHidden: no such contract for this principal
    :raises NotPermitted: neither an owner of the client nor one who does contract work
    :raises StaleState: it is no draft
    :raises DocumentChanged: the newest contract document is another one
    :raises TermsChanged: the terms in force have another version
    """
    found = contract_of(principal, contract_id)
    by_client = require_owner_or_author(principal, found.client_id)
    contract = lock_contract(contract_id)
    if contract.state != ContractState.DRAFT:
        raise StaleState(_("Only a draft can be signed."), state=contract.state)
    digest = _signed_digest(contract, document_sha256, needed=by_client)
    write_signature(
        contract,
        principal=principal,
        now=now,
        signed_at=now,
        digest=digest,
        terms_version=terms_version,
        by_client=by_client,
    )
    return contract


def write_signature(
    contract: Contract,
    *,
    principal: Principal,
    now: datetime,
    signed_at: datetime,
    digest: str = "",
    terms_version: int | None = None,
    by_client: bool = False,
    by: User | None = None,
) -> None:
    """Move a draft to signed and set what is due at signature; the caller holds the contract's lock."""
    terms = terms_in_force(contract.pk, signed_at)
    if terms_version is not None and terms_version != terms.version:
        raise TermsChanged(version=terms.version)
    move(
        contract,
        ContractState.DRAFT,
        ContractState.SIGNED,
        table=CONTRACT,
        signed_at=signed_at,
        signed_by=by or principal.user,
        signed_terms_version=terms.version,
        signed_sha256=digest,
    )
    due_on = local_date(signed_at, zone_of(terms.time_zone))
    Stage.objects.filter(contract=contract, kind=StageKind.PREPAYMENT, is_removed=False).update(due_on=due_on)
    tell_contract(
        "contract.signed",
        contract,
        principal=principal,
        now=now,
        terms_version=terms.version,
        document_sha256=digest,
        by_client=by_client,
    )


def _signed_digest(contract: Contract, named: str, *, needed: bool) -> str:
    """Give the digest of the document that is signed: the newest one of kind contract."""
    return agreed_digest(newest_contract_document(contract.pk), named, needed=needed)


def agreed_digest(document: Document | None, named: str, *, needed: bool) -> str:
    """
    Give a document's SHA-256 if it is the one that the signer named.

    :raises DocumentChanged: it is another one, or none was named though it is needed
    """
    stands = document.sha256 if document else ""
    if (named or needed) and named.strip().lower() != stands:
        raise DocumentChanged(document_sha256=stands)
    return stands
