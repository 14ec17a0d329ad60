"""Everything that the staff site shows registers itself when this is imported."""

from refundportal.staff import contracts, payments, payouts, people, records, requests

__all__ = ["contracts", "payments", "payouts", "people", "records", "requests"]
