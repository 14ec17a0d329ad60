"""Where the money is: payments, the ledger, payouts, the bank and what it says."""

from payments.models.bank import (
    BankAccount,
    Break,
    BreakKind,
    ProviderEvent,
)
from payments.models.bank_files import BankFile
from payments.models.ledger import Account, Transfer
from payments.models.payments import Allocation, Method, Payment, PaymentStatus, Rail
from payments.models.payouts import AttemptKind, Payout, PayoutAttempt, PayoutState
from payments.models.reconciliations import Reconciliation
from payments.models.sandbox import FaultKind, SandboxEnd, SandboxFault, SandboxRefund
from payments.models.statements import LineState, Statement, StatementLine
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
    "LineState",
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
    "Statement",
    "StatementLine",
    "StepKind",
    "Transfer",
]
