"""Everything that the staff site shows registers itself when this is imported."""

from refundportal.staff import (
    accounts,
    breaks,
    contracts,
    laboratory,
    messages,
    payments,
    payouts,
    people,
    records,
    requests,
    systems,
)

__all__ = [
    "accounts",
    "breaks",
    "contracts",
    "laboratory",
    "messages",
    "payments",
    "payouts",
    "people",
    "records",
    "requests",
    "systems",
]
