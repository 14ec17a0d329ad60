"""Moving money: every change is one service, one transaction, one event."""

from payments.services.bank_accounts import read_iban, save_bank_account
from payments.services.booking import book_answer
from payments.services.breaks import leave_break, resolve_break, take_break
from payments.services.capture import capture_payment, provider_capture_instant
from payments.services.disputes import charge_back_payment, dispute_payment, resolve_dispute
from payments.services.doubts import look_after_payouts
from payments.services.payments import authorise_payment, fail_payment, record_payment, void_payment
from payments.services.provider_events import (
    keep_event,
    keep_missed_events,
    set_event_aside,
    try_event_again,
    work_provider_events,
)
from payments.services.reconciliation import reconcile, reconcile_due, reconcile_now
from payments.services.refunds import (
    cancel_payout,
    create_payout,
    issue_credit,
    release_refund,
    reserve_refund,
)
from payments.services.sending import send_due_payouts
from payments.services.steps import (
    confirm_step,
    give_up_payout,
    replace_payout,
    resolve_manual,
    withdraw_step,
)
from payments.services.stripe_events import BadEvent, read_event
from payments.services.usage import UsageResult, record_usage
from payments.services.windows import warn_closing_windows

__all__ = [
    "BadEvent",
    "UsageResult",
    "authorise_payment",
    "book_answer",
    "cancel_payout",
    "capture_payment",
    "charge_back_payment",
    "confirm_step",
    "create_payout",
    "dispute_payment",
    "fail_payment",
    "give_up_payout",
    "issue_credit",
    "keep_event",
    "keep_missed_events",
    "leave_break",
    "look_after_payouts",
    "provider_capture_instant",
    "read_event",
    "read_iban",
    "reconcile",
    "reconcile_due",
    "reconcile_now",
    "record_payment",
    "record_usage",
    "release_refund",
    "replace_payout",
    "reserve_refund",
    "resolve_break",
    "resolve_dispute",
    "resolve_manual",
    "save_bank_account",
    "send_due_payouts",
    "set_event_aside",
    "take_break",
    "try_event_again",
    "void_payment",
    "warn_closing_windows",
    "withdraw_step",
    "work_provider_events",
]
