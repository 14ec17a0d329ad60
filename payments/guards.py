"""What the database itself refuses about money."""

from events.guards import (
    append_only,
    frozen,
    never_deleted,
    only_edges,
    refuse,
    starts_as,
)
from payments.states import PAYMENT, PAYOUT

RULES = (
    never_deleted("payments_payment"),
    starts_as("payments_payment", "status", "pending"),
    only_edges("payments_payment", "status", PAYMENT),
    frozen(
        "payments_payment",
        "number",
        "client_id",
        "contract_id",
        "stage_id",
        "amount_minor",
        "currency",
        "method",
        "created_at",
        "credit_of_request_id",
    ),
    frozen("payments_payment", "captured_at", "terms_id", "deadline", once_set=True),
    refuse(
        "payments_payment",
        "UPDATE",
        "a stored deadline is never rewritten",
        "OLD.deadline_text <> '' AND NEW.deadline_text <> OLD.deadline_text",
    ),
    refuse(
        "payments_payment",
        "UPDATE",
        "nothing is reserved beyond what a chargeback left",
        "NEW.reserved_minor + NEW.refunded_minor > OLD.reserved_minor + OLD.refunded_minor "
        "AND NEW.reserved_minor + NEW.refunded_minor > NEW.amount_minor - NEW.charged_back_minor",
    ),
    refuse(
        "payments_payment",
        "UPDATE",
        "a refunded amount grows out of the reserved one",
        "NEW.refunded_minor > OLD.refunded_minor AND "
        "NEW.reserved_minor + NEW.refunded_minor <> OLD.reserved_minor + OLD.refunded_minor",
    ),
    append_only("payments_allocation"),
    append_only("payments_account"),
    append_only("payments_transfer"),
    never_deleted("payments_payout"),
    starts_as("payments_payout", "state", "ready"),
    only_edges("payments_payout", "state", PAYOUT),
    frozen(
        "payments_payout",
        "request_id",
        "payment_id",
        "client_id",
        "amount_minor",
        "currency",
        "replaces_id",
        "created_at",
        "created_by_id",
    ),
    frozen(
        "payments_payout",
        "accepted_at",
        "settled_at",
        "key_first_used_at",
        once_set=True,
    ),
    never_deleted("payments_payoutattempt"),
    frozen("payments_payoutattempt", "payout_id", "kind", "started_at"),
    never_deleted("payments_providerevent"),
    frozen("payments_providerevent", "provider", "external_id", "body"),
    never_deleted("payments_bankfile"),
    frozen("payments_bankfile", "message_id", "content", "sha256", "created_by_id"),
    never_deleted("payments_break"),
)
