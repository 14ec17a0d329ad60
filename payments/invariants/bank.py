"""What must be true of bank files."""

from datetime import timedelta
from typing import Final

from payments.checks import Check

BANK: Final = (
    Check(
        id="I12",
        title="nobody said what became of a bank file",
        safety=False,
        ages={"days_ago": timedelta(days=4)},
        sql="""
            SELECT f.message_id, f.created_at FROM payments_bankfile f
            WHERE f.confirmed_at IS NULL AND f.discarded_at IS NULL AND f.created_at < %(days_ago)s
        """,
    ),
    Check(
        id="I14",
        title="the payouts of a bank file are not those that it orders",
        safety=True,
        sql="""
            SELECT f.message_id, COALESCE(SUM(o.amount_minor), 0) FROM payments_bankfile f
            LEFT JOIN payments_payout o ON o.bank_file_id = f.id AND o.currency = f.currency
            GROUP BY f.message_id, f.total_minor, f.payouts_count
            HAVING COUNT(o.id) <> f.payouts_count OR COALESCE(SUM(o.amount_minor), 0) <> f.total_minor
        """,
    ),
)
