"""What must be true between our books and those of the providers."""

# ruff: noqa: S608 - the parts put into the statements are written in this file

from datetime import timedelta
from typing import Final

from payments.checks import Check, Cost
from payments.invariants.sql import plain

_EXPLAINED: Final = (
    "EXISTS (SELECT 1 FROM payments_break b WHERE b.payout_id = o.id AND b.resolved_at IS NOT NULL "
    "AND b.kind IN ({kinds}))"
)

PROVIDERS: Final = (
    Check(
        id="I13",
        title="the sandbox holds more than one line of a payout",
        safety=True,
        sql=f"""
            SELECT {plain("s.key")}, COUNT(*) FROM payments_sandboxrefund s
            GROUP BY {plain("s.key")} HAVING COUNT(*) > 1
        """,
    ),
    Check(
        id="I14",
        title="a line of the sandbox is not ours, or not as ordered",
        safety=True,
        sql=f"""
            SELECT s.key, COALESCE(o.state, 'no payout') FROM payments_sandboxrefund s
            LEFT JOIN payments_payout o ON {plain("o.id")} = {plain("s.key")}
            WHERE (o.id IS NULL OR o.amount_minor <> s.amount_minor OR o.currency <> s.currency
                   OR (o.state IN ('ready', 'failed', 'cancelled') AND s."end" <> 'failed'))
              AND NOT {_EXPLAINED.format(kinds="'different', 'theirs_only'")}
        """,
    ),
    Check(
        id="I14",
        title="a provider holds more than one line of a payout, or one that is not ours or not as ordered",
        safety=True,
        cost=Cost.LIGHT,
        sql="""
            SELECT b.id, b.kind FROM payments_break b LEFT JOIN payments_payout o ON o.id = b.payout_id
            WHERE b.resolved_at IS NULL AND (b.kind = 'different' OR (b.kind = 'theirs_only'
              AND (o.id IS NULL OR o.state NOT IN ('manual', 'unknown'))))
        """,
    ),
    Check(
        id="I15",
        title="a provider does not know a payout that we call paid",
        safety=False,
        cost=Cost.LIGHT,
        sql="""
            SELECT b.id, b.kind FROM payments_break b
            WHERE b.resolved_at IS NULL AND b.kind = 'ours_only'
        """,
    ),
    Check(
        id="I15",
        title="a provider's book was not read to its end for two days",
        safety=False,
        cost=Cost.LIGHT,
        ages={"days_ago": timedelta(days=2)},
        sql="""
            SELECT r.rail, MAX(r.ended_at) FROM payments_reconciliation r
            WHERE r.rail IN (%(rails)s)
            GROUP BY r.rail HAVING MIN(r.started_at) < %(days_ago)s
              AND (MAX(r.ended_at) IS NULL OR MAX(r.ended_at) < %(days_ago)s)
        """,
    ),
    Check(
        id="I15",
        title="the sandbox does not know a payout that we call paid",
        safety=False,
        sql=f"""
            SELECT o.id, o.state FROM payments_payout o
            WHERE o.rail = 'sandbox' AND o.state IN ('accepted', 'settled')
              AND NOT EXISTS (
                SELECT 1 FROM payments_sandboxrefund s WHERE {plain("s.key")} = {plain("o.id")})
              AND NOT {_EXPLAINED.format(kinds="'ours_only'")}
        """,
    ),
)
