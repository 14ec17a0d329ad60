"""Writing contracts: every change is one service, one transaction, one event."""

from contracts.services.amendments import create_amendment, sign_amendment, withdraw_amendment
from contracts.services.assessments import assess_delivery
from contracts.services.clients import create_client, grant_client, revoke_client, update_client
from contracts.services.contracts import (
    complete_contract,
    create_contract,
    revise_contract,
    terminate_contract,
)
from contracts.services.documents import add_document
from contracts.services.imports import ImportReport, import_contracts
from contracts.services.invitations import (
    accept_invitation,
    invite_member,
    join_by_invitation,
    withdraw_invitation,
)
from contracts.services.members import add_member, change_member, remove_member
from contracts.services.signing import sign_contract
from contracts.services.terms import publish_terms
from contracts.services.usage import InsertedUsage, UsageRow, insert_usage
from contracts.services.work import accept_delivery, deliver_stage, object_to_delivery, start_stage

__all__ = [
    "ImportReport",
    "InsertedUsage",
    "UsageRow",
    "accept_delivery",
    "accept_invitation",
    "add_document",
    "add_member",
    "assess_delivery",
    "change_member",
    "complete_contract",
    "create_amendment",
    "create_client",
    "create_contract",
    "deliver_stage",
    "grant_client",
    "import_contracts",
    "insert_usage",
    "invite_member",
    "join_by_invitation",
    "object_to_delivery",
    "publish_terms",
    "remove_member",
    "revise_contract",
    "revoke_client",
    "sign_amendment",
    "sign_contract",
    "start_stage",
    "terminate_contract",
    "update_client",
    "withdraw_amendment",
    "withdraw_invitation",
]
