"""What must be true of sums, payments, the ledger, payouts and the providers' books; ids as in the docs."""

from typing import Final

from payments.invariants.bank import BANK
from payments.invariants.journal import JOURNAL
from payments.invariants.ledger import LEDGER
from payments.invariants.payments import CHAINS, PAYMENTS
from payments.invariants.providers import PROVIDERS
from payments.invariants.sums import SUMS
from payments.invariants.work import WORK

__all__ = ["INVARIANTS"]

INVARIANTS: Final = (*PAYMENTS, *CHAINS, *LEDGER, *JOURNAL, *WORK, *BANK, *PROVIDERS, *SUMS)
