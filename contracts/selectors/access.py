"""Who sees what. Rights are read at every call: a role or grant taken away counts at once."""

from typing import TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet

from accounts.models import User
from accounts.principals import Principal
from contracts.models import Client, ClientGrant, Contract, Delivery, Document, Membership, Role, Stage
from kernel.errors import NotFoundOrHidden

M = TypeVar("M", bound=Model)


def clients_of(principal: Principal) -> QuerySet[Client]:
    """
    Give the clients that a principal may see.

    An API client sees those granted to it (or all, if it acts for every client); staff and the portal
    itself all; a person those of which they are a member.
    """
    return _through(Client.objects.all(), principal, "pk")


def contracts_of(principal: Principal) -> QuerySet[Contract]:
    """Give the contracts that a principal may see."""
    return _through(Contract.objects.all(), principal, "client_id")


def stages_of(principal: Principal) -> QuerySet[Stage]:
    """Give the stages that a principal may see (removed ones too)."""
    return _through(Stage.objects.select_related("contract"), principal, "contract__client_id")


def documents_of(principal: Principal) -> QuerySet[Document]:
    """Give the documents that a principal may see."""
    return _through(Document.objects.all(), principal, "contract__client_id")


def client_of(principal: Principal, client_id: UUID) -> Client:
    """
    :raises NotFoundOrHidden: no such client for this principal
    """
    return _one(clients_of(principal), client_id, "There is no such client.")


def contract_of(principal: Principal, contract_id: UUID) -> Contract:
    """
    :raises NotFoundOrHidden: no such contract for this principal
    """
    return _one(contracts_of(principal).select_related("client"), contract_id, "There is no such contract.")


def stage_of(principal: Principal, stage_id: UUID) -> Stage:
    """
    :raises NotFoundOrHidden: no such stage for this principal
    """
    return _one(stages_of(principal), stage_id, "There is no such stage.")


def delivery_of(principal: Principal, delivery_id: UUID) -> Delivery:
    """
    :raises NotFoundOrHidden: no such delivery for this principal
    """
    rows = Delivery.objects.select_related("stage__contract")
    return _one(
        _through(rows, principal, "stage__contract__client_id"), delivery_id, "There is no such delivery."
    )


def document_of(principal: Principal, document_id: UUID) -> Document:
    """
    :raises NotFoundOrHidden: no such document for this principal
    """
    return _one(documents_of(principal), document_id, "There is no such document.")


def role_of(user: User | None, client: Client | UUID) -> Role | None:
    """Give the role of an active person with a client, if they are a member."""
    if user is None or not user.is_active:
        return None
    client_id = client.pk if isinstance(client, Client) else client
    role = Membership.objects.filter(user=user, client_id=client_id).values_list("role", flat=True).first()
    return Role(role) if role else None


def is_member(user: User, client_id: UUID) -> bool:
    """Tell whether a person is a member of a client, however far their role goes."""
    return Membership.objects.filter(user=user, client_id=client_id).exists()


def lock_client(client_id: UUID) -> Client:
    """Lock a client's row until the end of the transaction."""
    return Client.objects.select_for_update(no_key=True).get(pk=client_id)


def lock_contract(contract_id: UUID) -> Contract:
    """Lock a contract's row; whoever changes work, terms or usage does so before anything else."""
    return Contract.objects.select_for_update(no_key=True).get(pk=contract_id)


def lock_contract_of(principal: Principal, contract_id: UUID) -> Contract:
    """
    Lock a contract that the principal may see.

    :raises NotFoundOrHidden: no such contract for this principal
    """
    rows = contracts_of(principal).select_for_update(no_key=True)
    return _one(rows, contract_id, "There is no such contract.")


def _through(rows: QuerySet[M], principal: Principal, column: str) -> QuerySet[M]:
    """Keep the rows whose client (named by `column`) the principal may see."""
    if principal.api_client is not None:
        if not principal.api_client.is_active:
            return rows.none()
        if principal.api_client.all_clients:
            return rows
        granted = ClientGrant.objects.filter(api_client=principal.api_client).values("client_id")
        return rows.filter(Q(**{f"{column}__in": granted}))
    if principal.user is None or principal.is_staff:
        return rows
    if not principal.user.is_active:
        return rows.none()
    own = Membership.objects.filter(user=principal.user).values("client_id")
    return rows.filter(Q(**{f"{column}__in": own}))


def _one(rows: QuerySet[M], key: UUID, missing: str) -> M:
    found = rows.filter(pk=key).first()
    if found is None:
        raise NotFoundOrHidden(missing)
    return found
