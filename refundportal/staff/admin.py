"""Everything that the staff site shows registers itself when this is imported."""

from refundportal.staff import breaks, contracts, laboratory, payments, payouts, people, records, requests

__all__ = ["breaks", "contracts", "laboratory", "payments", "payouts", "people", "records", "requests"]
