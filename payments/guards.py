"""What the database itself refuses about money."""

from events.guards import (
    append_only,
    frozen,
    never_deleted,
    only_edges,
    refuse,
    refuse_after_looking,
    starts_as,
)
from payments.states import PAYMENT, PAYOUT

_OF_THE_CONTRACT = (
    "SELECT c.currency FROM contracts_contract c JOIN contracts_stage s ON s.contract_id = c.id "
    "WHERE c.id = NEW.contract_id AND c.client_id = NEW.client_id AND s.id = NEW.stage_id"
)
_OF_THE_PAYMENT = "SELECT p.currency FROM payments_payment p WHERE p.id = NEW.payment_id"
_OF_ACCOUNT = "SELECT a.currency FROM payments_account a WHERE a.id = NEW.{side}_id"

MONEY_OF_ONE_KIND = (
    refuse_after_looking(
        "payments_payment",
        "INSERT",
        "a payment is for a stage of its contract, in its currency and of its client",
        f"NEW.currency DIFFERS ({_OF_THE_CONTRACT})",
    ),
    refuse_after_looking(
        "payments_payout",
        "INSERT",
        "a payout is of its payment, in its currency and to its client",
        f"NEW.currency DIFFERS ({_OF_THE_PAYMENT} AND p.client_id = NEW.client_id)",
    ),
    refuse_after_looking(
        "payments_transfer",
        "INSERT",
        "a transfer is in the currency of its payment and of both accounts",
        f"(NEW.currency DIFFERS ({_OF_THE_PAYMENT})) "
        + "".join(
            f"OR (NEW.currency DIFFERS ({_OF_ACCOUNT.format(side=side)})) " for side in ("debit", "credit")
        ),
    ),
    refuse_after_looking(
        "payments_allocation",
        "INSERT",
        "a payment is parted among stages of its contract",
        "NOT EXISTS (SELECT 1 FROM payments_payment p JOIN contracts_stage s "
        "ON s.contract_id = p.contract_id WHERE p.id = NEW.payment_id AND s.id = NEW.stage_id)",
    ),
)

RULES = (
    *MONEY_OF_ONE_KIND,
    refuse(
        "payments_payment",
        "INSERT",
        "a card payment through Stripe carries the name that Stripe gave it",
        "NEW.rail = 'stripe' AND NEW.method = 'card' AND NEW.provider_reference = ''",
    ),
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
        "the rail of a payment whose money arrived is never changed",
        "OLD.captured_at IS NOT NULL AND (NEW.rail DIFFERS OLD.rail)",
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
    refuse(
        "payments_payment",
        "INSERT",
        "nothing of a new payment went back yet",
        "NEW.reserved_minor <> 0 OR NEW.refunded_minor <> 0 OR NEW.charged_back_minor <> 0",
    ),
    refuse(
        "payments_payment",
        "UPDATE",
        "an amount is charged back when a dispute is lost, and never again",
        "(NEW.charged_back_minor DIFFERS OLD.charged_back_minor) "
        "AND NOT (OLD.status = 'disputed' AND NEW.status = 'charged_back')",
    ),
    refuse(
        "payments_payment",
        "UPDATE",
        "a payment that was charged back lost something",
        "NEW.status = 'charged_back' AND NEW.charged_back_minor = 0",
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
        "rail",
        "replaces_id",
        "created_at",
        "created_by_id",
    ),
    frozen(
        "payments_payout",
        "bank_file_id",
        "accepted_at",
        "settled_at",
        "key_first_used_at",
        once_set=True,
    ),
    refuse(
        "payments_payout",
        "UPDATE",
        "a payout that left keeps its destination",
        "OLD.state NOT IN ('ready', 'manual') AND NEW.destination_id DIFFERS OLD.destination_id",
    ),
    refuse(
        "payments_payout",
        "UPDATE",
        "a payout with Finance keeps the destination it has",
        "OLD.state = 'manual' AND OLD.destination_id IS NOT NULL "
        "AND NEW.destination_id DIFFERS OLD.destination_id",
    ),
    never_deleted("payments_payoutattempt"),
    frozen("payments_payoutattempt", "payout_id", "kind", "started_at"),
    never_deleted("payments_providerevent"),
    frozen("payments_providerevent", "provider", "external_id", "type", "body", "received_at"),
    never_deleted("payments_bankaccount"),
    frozen(
        "payments_bankaccount",
        "client_id",
        "holder",
        "iban_last4",
        "iban_sha256",
        "created_at",
        "created_by_id",
        "usable_from",
    ),
    frozen("payments_bankaccount", "replaced_at", once_set=True),
    never_deleted("payments_bankfile"),
    frozen(
        "payments_bankfile",
        "message_id",
        "sha256",
        "execution_on",
        "payouts_count",
        "total_minor",
        "currency",
        "created_at",
        "created_by_id",
    ),
    frozen(
        "payments_bankfile",
        "confirmed_by_id",
        "confirmed_at",
        "discarded_by_id",
        "discarded_at",
        once_set=True,
    ),
    append_only("payments_statement"),
    never_deleted("payments_statementline"),
    frozen(
        "payments_statementline",
        "statement_id",
        "source",
        "external_id",
        "booked_on",
        "amount_minor",
        "currency",
        "is_credit",
        "end_to_end_id",
    ),
    frozen("payments_statementline", "matched_payment_id", "matched_payout_id", "decided_at", once_set=True),
    never_deleted("payments_break"),
    never_deleted("payments_payoutstep"),
    frozen(
        "payments_payoutstep",
        "payout_id",
        "kind",
        "reason",
        "evidence_reference",
        "value_date",
        "evidence_id",
        "line_id",
        "proposed_by_id",
        "proposed_at",
    ),
    frozen("payments_payoutstep", "confirmed_by_id", "confirmed_at", "withdrawn_at", once_set=True),
)
