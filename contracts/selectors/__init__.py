"""Reading contracts: the only way to an object is through the person or system that asks."""

from contracts.selectors.access import (
    client_of,
    clients_of,
    contract_of,
    contracts_of,
    delivery_of,
    document_of,
    documents_of,
    is_member,
    lock_client,
    lock_contract,
    lock_contract_of,
    role_of,
    stage_of,
    stages_of,
)
from contracts.selectors.invitations import usable_invitation
from contracts.selectors.sums import ExactSum
from contracts.selectors.terms import policy_terms, terms_in_force
from contracts.selectors.usage import UsageFrame, find_usage, usage_frames
from contracts.selectors.work import acceptance_at, deliveries_at, item_values, items_of, objection_at

__all__ = [
    "ExactSum",
    "UsageFrame",
    "acceptance_at",
    "client_of",
    "clients_of",
    "contract_of",
    "contracts_of",
    "deliveries_at",
    "delivery_of",
    "document_of",
    "documents_of",
    "find_usage",
    "is_member",
    "item_values",
    "items_of",
    "lock_client",
    "lock_contract",
    "lock_contract_of",
    "objection_at",
    "policy_terms",
    "role_of",
    "stage_of",
    "stages_of",
    "terms_in_force",
    "usable_invitation",
    "usage_frames",
]
