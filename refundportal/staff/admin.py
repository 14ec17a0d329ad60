"""Everything that the staff site shows registers itself when this is imported."""

from refundportal.staff import (
    accounts,
    bank_files,
    breaks,
    contracts,
    laboratory,
    messages,
    payments,
    payouts,
    people,
    records,
    requests,
    statements,
    systems,
)

__all__ = [
    "accounts",
    "bank_files",
    "breaks",
    "contracts",
    "laboratory",
    "messages",
    "payments",
    "payouts",
    "people",
    "records",
    "requests",
    "statements",
    "systems",
]
