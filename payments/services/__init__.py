"""Moving money: every change is one service, one transaction, one event."""

from payments.services.bank_accounts import read_iban, save_bank_account
from payments.services.bank_file_ends import (
    confirm_bank_file,
    discard_bank_file,
    propose_discard,
    withdraw_discard,
)
from payments.services.bank_files import export_bank_file, make_bank_file, waiting_for_the_bank
from payments.services.booking import book_answer
from payments.services.breaks import leave_break, resolve_break, take_break
from payments.services.capture import capture_payment, provider_capture_instant
from payments.services.disputes import charge_back_payment, dispute_payment, resolve_dispute
from payments.services.doubts import look_after_payouts
from payments.services.line_acts import (
    dispute_line,
    match_line_to_payment,
    match_line_to_payout,
    match_line_to_stage,
    set_line_aside,
)
from payments.services.payments import authorise_payment, fail_payment, record_payment, void_payment
from payments.services.provider_events import (
    keep_event,
    keep_missed_events,
    set_event_aside,
    try_event_again,
    work_provider_events,
)
from payments.services.reconciliation import is_comparison_due, reconcile, reconcile_due, reconcile_now
from payments.services.refunds import (
    cancel_payout,
    create_payout,
    issue_credit,
    release_refund,
    reserve_refund,
)
from payments.services.sending import send_due_payouts
from payments.services.statements import import_statement
from payments.services.steps import (
    confirm_step,
    give_up_payout,
    replace_payout,
    resolve_manual,
    return_less_fee,
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
    "confirm_bank_file",
    "confirm_step",
    "create_payout",
    "discard_bank_file",
    "dispute_line",
    "dispute_payment",
    "export_bank_file",
    "fail_payment",
    "give_up_payout",
    "import_statement",
    "is_comparison_due",
    "issue_credit",
    "keep_event",
    "keep_missed_events",
    "leave_break",
    "look_after_payouts",
    "make_bank_file",
    "match_line_to_payment",
    "match_line_to_payout",
    "match_line_to_stage",
    "propose_discard",
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
    "return_less_fee",
    "save_bank_account",
    "send_due_payouts",
    "set_event_aside",
    "set_line_aside",
    "take_break",
    "try_event_again",
    "void_payment",
    "waiting_for_the_bank",
    "warn_closing_windows",
    "withdraw_discard",
    "withdraw_step",
    "work_provider_events",
]
