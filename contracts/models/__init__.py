"""What was promised: clients, contracts, terms, stages, deliveries, meters and usage."""

from contracts.models.agreements import (
    Amendment,
    AmendmentState,
    Contract,
    ContractState,
    Document,
    DocumentKind,
    RefundTerms,
)
from contracts.models.clients import (
    Client,
    ClientGrant,
    ClientKind,
    Invitation,
    Membership,
    Role,
)
from contracts.models.usage import Meter, MeterKind, UsageRecord
from contracts.models.work import (
    AcceptanceItem,
    Assessment,
    AssessmentValue,
    Delivery,
    DeliveryState,
    PrepaymentShare,
    Stage,
    StageKind,
    StageState,
)

__all__ = [
    "AcceptanceItem",
    "Amendment",
    "AmendmentState",
    "Assessment",
    "AssessmentValue",
    "Client",
    "ClientGrant",
    "ClientKind",
    "Contract",
    "ContractState",
    "Delivery",
    "DeliveryState",
    "Document",
    "DocumentKind",
    "Invitation",
    "Membership",
    "Meter",
    "MeterKind",
    "PrepaymentShare",
    "RefundTerms",
    "Role",
    "Stage",
    "StageKind",
    "StageState",
    "UsageRecord",
]
