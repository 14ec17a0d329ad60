"""Where the money is: payments, the ledger, payouts, the bank and what it says."""

from payments.models.bank import (
    BankAccount,
    BankFile,
    Break,
    BreakKind,
    ProviderEvent,
    StatementLine,
)
from payments.models.ledger import Account, Transfer
from payments.models.payments import Allocation, Method, Payment, PaymentStatus, Rail
from payments.models.payouts import AttemptKind, Payout, PayoutAttempt, PayoutState
from payments.models.sandbox import SandboxFault, SandboxRefund

__all__ = [
    "Account",
    "Allocation",
    "AttemptKind",
    "BankAccount",
    "BankFile",
    "Break",
    "BreakKind",
    "Method",
    "Payment",
    "PaymentStatus",
    "Payout",
    "PayoutAttempt",
    "PayoutState",
    "ProviderEvent",
    "Rail",
    "SandboxFault",
    "SandboxRefund",
    "StatementLine",
    "Transfer",
]
