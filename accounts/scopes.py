"""What an API client may do. Public names: never rename, only add."""

from collections.abc import Mapping
from typing import Final

CONTRACTS_READ: Final = "contracts:read"
CONTRACTS_WRITE: Final = "contracts:write"
PAYMENTS_READ: Final = "payments:read"
PAYMENTS_WRITE: Final = "payments:write"
USAGE_WRITE: Final = "usage:write"
REFUNDS_READ: Final = "refunds:read"
REFUNDS_WRITE: Final = "refunds:write"
REFUNDS_DECIDE: Final = "refunds:decide"
EVENTS_READ: Final = "events:read"
WEBHOOKS_MANAGE: Final = "webhooks:manage"
POLICY_EVALUATE: Final = "policy:evaluate"

SCOPES: Final[Mapping[str, str]] = {
    CONTRACTS_READ: "Read clients, contracts, documents and usage",
    CONTRACTS_WRITE: "Write contracts and record what happens to their stages",
    PAYMENTS_READ: "Read payments",
    PAYMENTS_WRITE: "Record and capture payments",
    USAGE_WRITE: "Record usage",
    REFUNDS_READ: "Read quotes, requests, decisions and payouts",
    REFUNDS_WRITE: "Apply for refunds and take part in the conversation",
    REFUNDS_DECIDE: "Act as a member of staff on requests",
    EVENTS_READ: "Read the journal",
    WEBHOOKS_MANAGE: "Manage webhook endpoints",
    POLICY_EVALUATE: "Evaluate the policy on given facts",
}
