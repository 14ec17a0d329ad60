"""
The ledger: who holds which money, in transfers that are never changed.

Accounts, each of one currency: `cash` of a rail (what lies at the bank or provider), `received` (what clients
paid), `refunds_payable` (what was approved and is not sent yet), `bank_fees` (what banks kept of money that
came back). A balance is debits less credits.

Keys say what caused a transfer and make it happen once: `capture:<payment>`, `reserve:<payout>`,
`payout:<payout>`, `return:<payout>`, `fee:<payout>`, `release:<payout>`, `chargeback:<payment>`,
`credit:<payment>`.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import Sum

from kernel.errors import DomainError
from kernel.money import Money
from payments.models import Account, Payment, Payout, Transfer


class LedgerKeyReused(DomainError):
    """The same key was used for a transfer with other terms."""

    code = "ledger_key_reused"
    kind = "conflict"
    title = "Something else has been booked under this key."


def cash(rail: str, currency: str) -> str:
    """Name the account of what lies at a rail."""
    return f"cash:{rail}:{currency}"


def received(currency: str) -> str:
    """Name the account of what clients paid (a credit balance)."""
    return f"received:{currency}"


def refunds_payable(currency: str) -> str:
    """Name the account of what was approved and is not sent yet (a credit balance)."""
    return f"refunds_payable:{currency}"


def bank_fees(currency: str) -> str:
    """Name the account of what banks kept of money that came back."""
    return f"bank_fees:{currency}"


def transfer(
    *,
    key: str,
    debit: str,
    credit: str,
    amount: Money,
    payment: Payment,
    at: datetime,
    payout: Payout | None = None,
    request_id: UUID | None = None,
) -> Transfer:
    """
    Book an amount (above zero) from the credited to the debited account, once per key.

    :raises LedgerKeyReused: the key stands for a transfer with other terms
    """
    accounts = _accounts((debit, credit), amount.currency)
    wanted = Transfer(
        key=key,
        debit=accounts[debit],
        credit=accounts[credit],
        amount_minor=amount.minor,
        currency=amount.currency,
        payment=payment,
        payout=payout,
        request_id=request_id,
        at=at,
    )
    Transfer.objects.bulk_create([wanted], ignore_conflicts=True)
    booked = Transfer.objects.get(key=key)
    if _terms(booked) != _terms(wanted):
        raise LedgerKeyReused(key=key)
    return booked


def _terms(row: Transfer) -> tuple[object, ...]:
    """What makes two transfers the same one; the instant does not."""
    return (
        row.debit_id, row.credit_id, row.amount_minor, row.currency,
        row.payment_id, row.payout_id, row.request_id,
    )  # fmt: skip


def _accounts(codes: Iterable[str], currency: str) -> dict[str, Account]:
    """Find accounts by code and open those that are missing."""
    wanted = list(codes)
    found = {row.code: row for row in Account.objects.filter(code__in=wanted)}
    if missing := [Account(code=code, currency=currency) for code in wanted if code not in found]:
        Account.objects.bulk_create(missing, ignore_conflicts=True)
        found = {row.code: row for row in Account.objects.filter(code__in=wanted)}
    return found


def book_capture(payment: Payment, at: datetime) -> None:
    """Money of a client arrived."""
    transfer(
        key=f"capture:{payment.pk}",
        debit=cash(payment.rail, payment.currency),
        credit=received(payment.currency),
        amount=Money(payment.amount_minor, payment.currency),
        payment=payment,
        at=at,
    )


def book_chargeback(payment: Payment, amount: Money, at: datetime) -> None:
    """The bank took money of a client back."""
    transfer(
        key=f"chargeback:{payment.pk}",
        debit=received(payment.currency),
        credit=cash(payment.rail, payment.currency),
        amount=amount,
        payment=payment,
        at=at,
    )


def book_reserve(payout: Payout, at: datetime) -> None:
    """A refund was approved: it is owed now."""
    _book(payout, "reserve", received(payout.currency), refunds_payable(payout.currency), at)


def book_release(payout: Payout, at: datetime) -> None:
    """An approved refund is no longer owed: its payout was cancelled."""
    _book(payout, "release", refunds_payable(payout.currency), received(payout.currency), at)


def book_payout(payout: Payout, at: datetime) -> None:
    """Owed money left for the client."""
    _book(payout, "payout", refunds_payable(payout.currency), cash(payout.rail, payout.currency), at)


def book_return(payout: Payout, at: datetime) -> None:
    """Sent money came back and is owed again."""
    _book(payout, "return", cash(payout.rail, payout.currency), refunds_payable(payout.currency), at)


def book_fee(payout: Payout, fee: Money, at: datetime) -> None:
    """A bank kept a part of what came back: a cost of the company."""
    transfer(
        key=f"fee:{payout.pk}",
        debit=bank_fees(payout.currency),
        credit=cash(payout.rail, payout.currency),
        amount=fee,
        payment=payout.payment,
        payout=payout,
        request_id=payout.request_id,
        at=at,
    )


def _book(payout: Payout, cause: str, debit: str, credit: str, at: datetime) -> None:
    transfer(
        key=f"{cause}:{payout.pk}",
        debit=debit,
        credit=credit,
        amount=Money(payout.amount_minor, payout.currency),
        payment=payout.payment,
        payout=payout,
        request_id=payout.request_id,
        at=at,
    )


def book_credit(source: Payment, credit: Payment, request_id: UUID, at: datetime) -> None:
    """A refund is given as a credit: owed for one payment, received at once for another."""
    amount = Money(credit.amount_minor, credit.currency)
    owed, paid = refunds_payable(credit.currency), received(credit.currency)
    transfer(
        key=f"reserve:{credit.pk}", debit=paid, credit=owed, amount=amount,
        payment=source, request_id=request_id, at=at,
    )  # fmt: skip
    transfer(
        key=f"credit:{credit.pk}", debit=owed, credit=paid, amount=amount,
        payment=credit, request_id=request_id, at=at,
    )  # fmt: skip


def balances() -> dict[str, Money]:
    """Give the balance of every account by its code: debits less credits."""
    debits = dict(Transfer.objects.values_list("debit_id").annotate(total=Sum("amount_minor")))
    credits = dict(Transfer.objects.values_list("credit_id").annotate(total=Sum("amount_minor")))
    return {
        row.code: Money(debits.get(row.pk, 0) - credits.get(row.pk, 0), row.currency)
        for row in Account.objects.order_by("code")
    }
