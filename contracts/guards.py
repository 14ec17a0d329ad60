"""What the database itself refuses about contracts."""

from contracts.states import AMENDMENT, CONTRACT, DELIVERY, STAGE
from events.guards import (
    append_only,
    frozen,
    never_deleted,
    only_edges,
    refuse,
    refuse_after_looking,
    starts_as,
)

_SIGNED_TEXT = " OR ".join(
    f"(NEW.{column} DIFFERS OLD.{column})"
    for column in ("title", "summary", "reference", "currency", "payment_days", "signed_sha256")
)
_ANSWERED_DELIVERY = " OR ".join(
    f"(NEW.{column} DIFFERS OLD.{column})"
    for column in (
        "accepted_by_client",
        "acceptance_recorded_by_id",
        "acceptance_protocol_id",
        "objected_by_id",
        "objections",
    )
)

PARTIES = (
    never_deleted("contracts_client"),
    frozen("contracts_client", "kind", "created_at"),
    never_deleted("contracts_invitation"),
    frozen("contracts_invitation", "client_id", "email", "role", "token_sha256", "created_at"),
    frozen("contracts_invitation", "used_at", once_set=True),
)

AGREEMENTS = (
    starts_as("contracts_contract", "state", "draft"),
    only_edges("contracts_contract", "state", CONTRACT),
    frozen("contracts_contract", "client_id", "number", "created_at", "imported"),
    frozen("contracts_contract", "signed_at", "ended_at", once_set=True),
    refuse(
        "contracts_contract",
        "UPDATE",
        "what was signed is never rewritten",
        f"OLD.state <> 'draft' AND ({_SIGNED_TEXT})",
    ),
    refuse_after_looking(
        "contracts_contract",
        "UPDATE",
        "a signed contract is worth the sum of its stages",
        "OLD.state <> 'draft' AND NEW.total_minor <> OLD.total_minor AND NEW.total_minor <> "
        "(SELECT COALESCE(SUM(s.amount_minor), 0) FROM contracts_stage s "
        "WHERE s.contract_id = NEW.id AND NOT s.is_removed)",
    ),
    refuse("contracts_contract", "DELETE", "a signed contract is never deleted", "OLD.state <> 'draft'"),
    append_only("contracts_refundterms"),
    append_only("contracts_document"),
    never_deleted("contracts_amendment"),
    starts_as("contracts_amendment", "state", "draft"),
    only_edges("contracts_amendment", "state", AMENDMENT),
    frozen("contracts_amendment", "contract_id", "number", "summary", "changes", "document_id", "created_at"),
    frozen("contracts_amendment", "signed_at", once_set=True),
)

WORK = (
    only_edges("contracts_stage", "state", STAGE),
    frozen("contracts_stage", "contract_id", "kind", "code", "position"),
    refuse(
        "contracts_stage",
        "UPDATE",
        "a paid stage is never rewritten",
        "OLD.covered_minor > 0 AND ((NEW.amount_minor DIFFERS OLD.amount_minor) "
        "OR (NEW.title DIFFERS OLD.title) OR (NEW.is_removed DIFFERS OLD.is_removed))",
    ),
    refuse(
        "contracts_stage", "UPDATE", "a removed stage never returns", "OLD.is_removed AND NOT NEW.is_removed"
    ),
    refuse(
        "contracts_stage",
        "DELETE",
        "a stage that was begun or paid is never deleted",
        "OLD.state <> 'planned' OR OLD.covered_minor > 0",
    ),
    frozen("contracts_prepaymentshare", "prepayment_id", "work_id", "amount_minor"),
    frozen("contracts_acceptanceitem", "stage_id", "code", "statement", "weight_micro", "reference"),
    never_deleted("contracts_delivery"),
    starts_as("contracts_delivery", "state", "delivered"),
    only_edges("contracts_delivery", "state", DELIVERY),
    frozen(
        "contracts_delivery", "stage_id", "number", "delivered_at", "recorded_at", "recorded_by_id", "note"
    ),
    frozen("contracts_delivery", "accepted_at", "acceptance_recorded_at", "objected_at", once_set=True),
    refuse(
        "contracts_delivery",
        "UPDATE",
        "an acceptance or objection is never rewritten",
        f"OLD.state <> 'delivered' AND ({_ANSWERED_DELIVERY})",
    ),
    append_only("contracts_delivery_documents"),
    append_only("contracts_assessment"),
    append_only("contracts_assessmentvalue"),
)

USAGE = (
    frozen("contracts_meter", "contract_id", "code", "kind", "price_nano"),
    never_deleted("contracts_usagerecord"),
    frozen(
        "contracts_usagerecord",
        "source",
        "external_id",
        "contract_id",
        "meter_id",
        "stage_id",
        "kind",
        "quantity_micro",
        "price_nano",
        "occurred_at",
        "ends_at",
        "recorded_at",
    ),
    frozen("contracts_usagerecord", "payment_id", once_set=True),
)

RULES = PARTIES + AGREEMENTS + WORK + USAGE
