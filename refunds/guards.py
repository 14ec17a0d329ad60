"""What the database itself refuses about requests and decisions."""

from events.guards import (
    append_only,
    frozen,
    never_deleted,
    only_edges,
    refuse,
    starts_as,
)
from refunds.states import REQUEST

RULES = (
    never_deleted("refunds_refundrequest"),
    starts_as("refunds_refundrequest", "state", "submitted"),
    only_edges("refunds_refundrequest", "state", REQUEST),
    frozen(
        "refunds_refundrequest",
        "number",
        "payment_id",
        "contract_id",
        "client_id",
        "reason",
        "statement",
        "amount_minor",
        "currency",
        "remedy",
        "target_stage_id",
        "submitted_at",
        "received_via",
        "received_evidence_id",
        "recorded_at",
        "applicant_id",
        "recorded_by_id",
        "receipt_answer",
    ),
    append_only("refunds_statutorycheck"),
    append_only("refunds_hiddendefect"),
    append_only("refunds_usageexclusion"),
    append_only("refunds_proposal"),
    append_only("refunds_decision"),
    append_only("refunds_message"),
    refuse(
        "refunds_attachment",
        "DELETE",
        "a file that was sent is never deleted",
        "OLD.request_id IS NOT NULL",
    ),
    frozen(
        "refunds_attachment",
        "stored_as",
        "sha256",
        "size_bytes",
        "content_type",
        "uploaded_at",
    ),
    frozen("refunds_attachment", "request_id", "message_id", once_set=True),
)
