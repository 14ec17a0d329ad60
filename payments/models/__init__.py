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
from payments.models.reconciliations import Reconciliation
from payments.models.sandbox import FaultKind, SandboxEnd, SandboxFault, SandboxRefund
from payments.models.steps import PayoutStep, StepKind

__all__ = [
    "Account",
    "Allocation",
    "AttemptKind",
    "BankAccount",
    "BankFile",
    "Break",
    "BreakKind",
    "FaultKind",
    "Method",
    "Payment",
    "PaymentStatus",
    "Payout",
    "PayoutAttempt",
    "PayoutState",
    "PayoutStep",
    "ProviderEvent",
    "Rail",
    "Reconciliation",
    "SandboxEnd",
    "SandboxFault",
    "SandboxRefund",
    "StatementLine",
    "StepKind",
    "Transfer",
]
