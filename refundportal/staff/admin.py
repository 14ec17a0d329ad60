"""Everything that the staff site shows registers itself when this is imported."""

from refundportal.staff import breaks, contracts, payments, payouts, people, records, requests

__all__ = ["breaks", "contracts", "payments", "payouts", "people", "records", "requests"]
