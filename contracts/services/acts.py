"""What all services of this room share: whose act it is, and telling the journal."""

from datetime import datetime
from typing import Any

from accounts.principals import Principal
from accounts.rights import require_author
from contracts.drafts import values
from contracts.models import Contract, ContractState, Role, Stage
from contracts.selectors import role_of
from events.services import record_event
from kernel.errors import DomainError, Fault, InvalidInput, NotPermitted
from kernel.reading import Wrong


class ContractNotSigned(DomainError):
    """Work begins when the contract is signed, and ends with it."""

    code = "contract_not_signed"
    title = "This is only possible while the contract is signed and not ended."


def is_clients_own_act(principal: Principal, client_id: Any, *roles: Role) -> bool:
    """Tell whether a person acts here for the client themselves (never staff, never a system)."""
    return principal.is_person and not principal.is_staff and role_of(principal.user, client_id) in roles


def require_owner_or_author(principal: Principal, client_id: Any) -> bool:
    """
    Allow an owner of the client, else whoever does contract work; tell whether it is the owner.

    :raises NotPermitted: somebody else
    """
    if is_clients_own_act(principal, client_id, Role.OWNER):
        return True
    if principal.is_person and not principal.is_staff:
        raise NotPermitted("Only an owner of the client may do this.")
    require_author(principal)
    return False


def require_signed(contract: Contract) -> None:
    """
    :raises ContractNotSigned: it is a draft, completed or terminated
    """
    if contract.state != ContractState.SIGNED:
        raise ContractNotSigned(state=contract.state)


def read_text(value: object, path: str, most: int, *, needed: bool = True) -> str:
    """
    Read a text that a person typed, in lines.

    :raises InvalidInput: empty though needed, too long, or not readable
    """
    reader = values.text(most, lines=True) if needed else values.text_or_empty(most, lines=True)
    try:
        return reader(value)
    except Wrong as wrong:
        raise InvalidInput(faults=[Fault(path=path, message=str(wrong))]) from None


def not_later(instant: datetime, now: datetime, path: str) -> None:
    """
    :raises InvalidInput: the instant lies in the future
    """
    if instant > now:
        raise InvalidInput(
            faults=[Fault(path=path, message="must not lie in the future", code="in_the_future")]
        )


def tell_contract(type: str, contract: Contract, *, principal: Principal, now: datetime, **data: Any) -> None:
    """Write an event about a contract."""
    record_event(
        type=type,
        subject_type="contract",
        subject_id=contract.pk,
        client_id=contract.client_id,
        actor=principal.actor,
        at=now,
        data={"number": contract.number, **data},
    )


def tell_stage(
    type: str, stage: Stage, contract: Contract, *, principal: Principal, now: datetime, **data: Any
) -> None:
    """Write an event about a stage."""
    record_event(
        type=type,
        subject_type="stage",
        subject_id=stage.pk,
        client_id=contract.client_id,
        actor=principal.actor,
        at=now,
        data={"contract": contract.pk, "number": contract.number, "stage": stage.code, **data},
    )


def tell_client(type: str, client_id: Any, *, principal: Principal, now: datetime, **data: Any) -> None:
    """Write an event about a client."""
    record_event(
        type=type,
        subject_type="client",
        subject_id=client_id,
        client_id=client_id,
        actor=principal.actor,
        at=now,
        data=data,
    )
