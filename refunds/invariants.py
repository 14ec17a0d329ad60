# ruff: noqa: S608 - the statements are put together from constants of this file alone
"""The invariants of requests and decisions, in SQL for both databases; ids as in docs/reliability.md."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from payments.checks import Check, Cost
from refunds.replay import replay_decisions

_LAST_DECISION: Final = (
    "d.number = (SELECT MAX(l.number) FROM refunds_decision l WHERE l.request_id = d.request_id)"
)
_LAST_PAYOUT: Final = (
    "p.id = (SELECT l.id FROM payments_payout l WHERE l.request_id = r.id "
    "ORDER BY l.created_at DESC, l.id DESC LIMIT 1)"
)
_OPEN: Final = "('submitted', 'in_review', 'information_requested', 'proposed')"
_MOVED_OR_MAY_MOVE: Final = "('ready', 'submitting', 'unknown', 'manual', 'accepted', 'settled')"
_HANDS: Final = """
    SELECT r.number, '{what} by ' || u.email FROM refunds_decision d
    JOIN refunds_refundrequest r ON r.id = d.request_id
    JOIN accounts_user u ON u.id = d.approved_by_id
    WHERE {condition}
"""


def _hand(title: str, what: str, condition: str) -> Check:
    """A decision is approved by nobody who had this hand in it."""
    return Check(id="I11", title=title, sql=_HANDS.format(what=what, condition=condition), safety=True)


_IN_WORK_OF_CASE: Final = (
    "JOIN payments_allocation al ON al.stage_id = v.stage_id "
    "WHERE al.payment_id = r.payment_id AND v.delivered_at <= r.submitted_at"
)


def decisions_that_differ(now: datetime) -> Iterator[tuple[object, object]]:
    """Give the decisions that their stored facts do not give again (`now` makes no difference)."""
    for replayed in replay_decisions():
        if replayed.fault:
            yield replayed.number, replayed.fault


INVARIANTS: Final = (
    Check(
        id="I03",
        title="an approved refund has a payout that counts",
        sql=f"""
            SELECT r.number, 'no payout, or a cancelled one' FROM refunds_refundrequest r
            WHERE r.state = 'approved' AND r.remedy = 'refund'
            AND NOT EXISTS (SELECT 1 FROM payments_payout p WHERE {_LAST_PAYOUT} AND p.state <> 'cancelled')
            AND NOT EXISTS (SELECT 1 FROM refunds_refundrequest o
                WHERE o.payment_id = r.payment_id AND o.state IN {_OPEN})
        """,
        safety=True,
    ),
    Check(
        id="I03",
        title="an approved exchange has one credit",
        sql="""
            SELECT r.number, 'credits: ' || COUNT(c.id) FROM refunds_refundrequest r
            LEFT JOIN payments_payment c ON c.credit_of_request_id = r.id
            WHERE r.state = 'approved' AND r.remedy = 'exchange'
            GROUP BY r.id, r.number HAVING COUNT(c.id) <> 1
        """,
        safety=True,
    ),
    Check(
        id="I03",
        title="a request has at most one live payout",
        sql="""
            SELECT p.request_id, 'live payouts: ' || COUNT(*) FROM payments_payout p
            WHERE p.state NOT IN ('failed', 'returned', 'cancelled')
            GROUP BY p.request_id HAVING COUNT(*) > 1
        """,
        safety=True,
    ),
    Check(
        id="I03",
        title="only an approved request moves money",
        sql=f"""
            SELECT p.id, 'its request is ' || COALESCE(r.state, 'missing') FROM payments_payout p
            LEFT JOIN refunds_refundrequest r ON r.id = p.request_id
            WHERE p.state IN {_MOVED_OR_MAY_MOVE}
            AND (r.id IS NULL OR r.state <> 'approved' OR r.remedy <> 'refund')
        """,
        safety=True,
    ),
    Check(
        id="I03",
        title="only an approved exchange gives a credit",
        sql="""
            SELECT c.number, 'its request is ' || COALESCE(r.state, 'missing') FROM payments_payment c
            LEFT JOIN refunds_refundrequest r ON r.id = c.credit_of_request_id
            WHERE c.credit_of_request_id IS NOT NULL
            AND (r.id IS NULL OR r.state <> 'approved' OR r.remedy <> 'exchange')
        """,
        safety=True,
    ),
    Check(
        id="I04",
        title="a payout equals its decision",
        sql=f"""
            SELECT p.id, 'payout ' || p.amount_minor || ' ' || p.currency FROM payments_payout p
            WHERE p.state <> 'cancelled' AND NOT EXISTS (
                SELECT 1 FROM refunds_decision d JOIN refunds_refundrequest r ON r.id = d.request_id
                WHERE d.request_id = p.request_id AND d.refund_minor = p.amount_minor
                AND d.currency = p.currency AND r.payment_id = p.payment_id
                AND ({_LAST_DECISION} OR p.state IN ('failed', 'returned')))
        """,
        safety=True,
    ),
    Check(
        id="I04",
        title="a credit equals its decision",
        sql=f"""
            SELECT c.number, 'credit ' || c.amount_minor || ' ' || c.currency FROM payments_payment c
            WHERE c.credit_of_request_id IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM refunds_decision d WHERE d.request_id = c.credit_of_request_id
                AND {_LAST_DECISION} AND d.refund_minor = c.amount_minor AND d.currency = c.currency)
        """,
        safety=True,
    ),
    Check(
        id="I05",
        title="what was paid belongs to an approved request",
        sql="""
            SELECT r.number, 'its payout is ' || p.state FROM payments_payout p
            JOIN refunds_refundrequest r ON r.id = p.request_id
            WHERE p.state IN ('accepted', 'settled') AND r.state <> 'approved'
        """,
        safety=True,
    ),
    Check(
        id="I05",
        title="a decided request has the decision that its state says",
        sql=f"""
            SELECT r.number, r.state FROM refunds_refundrequest r
            WHERE r.state IN ('approved', 'rejected') AND NOT EXISTS (
                SELECT 1 FROM refunds_decision d WHERE d.request_id = r.id AND {_LAST_DECISION}
                AND (r.state = 'approved') = (d.refund_minor > 0))
        """,
        safety=True,
    ),
    _hand("nobody approves what they proposed", "proposed", "d.approved_by_id = d.proposed_by_id"),
    _hand("nobody approves what they recorded", "recorded", "d.approved_by_id = r.recorded_by_id"),
    _hand(
        "nobody approves a case with a fact they established",
        "a fact established",
        " OR ".join(
            f"EXISTS (SELECT 1 FROM refunds_{table} f WHERE f.request_id = r.id "
            "AND f.by_id = d.approved_by_id AND f.at <= d.decided_at)"
            for table in ("statutorycheck", "hiddendefect", "usageexclusion")
        ),
    ),
    _hand(
        "nobody approves work they assessed",
        "work assessed",
        "EXISTS (SELECT 1 FROM contracts_assessment a JOIN contracts_delivery v ON v.id = a.delivery_id "
        f"{_IN_WORK_OF_CASE} AND a.by_id = d.approved_by_id AND a.at <= d.decided_at)",
    ),
    _hand(
        "nobody approves a case with a delivery they recorded after the application",
        "a delivery recorded late",
        f"EXISTS (SELECT 1 FROM contracts_delivery v {_IN_WORK_OF_CASE} "
        "AND v.recorded_by_id = d.approved_by_id "
        "AND v.recorded_at > r.submitted_at AND v.recorded_at <= d.decided_at)",
    ),
    _hand(
        "nobody approves a case with an acceptance they recorded",
        "an acceptance recorded",
        f"EXISTS (SELECT 1 FROM contracts_delivery v {_IN_WORK_OF_CASE} AND NOT v.accepted_by_client "
        "AND v.acceptance_recorded_by_id = d.approved_by_id AND v.acceptance_recorded_at <= d.decided_at)",
    ),
    _hand(
        "nobody decides for a client they belong to",
        "a member",
        "EXISTS (SELECT 1 FROM contracts_membership m WHERE m.client_id = r.client_id "
        "AND m.user_id IN (d.approved_by_id, d.proposed_by_id) AND m.created_at <= d.decided_at)",
    ),
    Check(
        id="I11",
        title="money is returned only by two people",
        sql="""
            SELECT r.number, 'nobody approved it' FROM refunds_decision d
            JOIN refunds_refundrequest r ON r.id = d.request_id
            WHERE d.refund_minor > 0 AND (d.approved_by_id IS NULL OR d.proposed_by_id IS NULL)
        """,
        safety=True,
    ),
    Check(
        id="I11",
        title="approvals by reviewers stay within the limit of the day",
        # Whoever waited for a lock decided later than an instant says: only the sum is independent of order.
        sql=f"""
            SELECT c.name, 'on ' || d.decided_on || ' ' || SUM(d.refund_minor) || ' ' || d.currency
            FROM refunds_decision d
            JOIN refunds_refundrequest r ON r.id = d.request_id
            JOIN contracts_client c ON c.id = r.client_id
            WHERE d.approved_as = 'reviewer' AND d.refund_minor > 0 AND r.state = 'approved'
            AND {_LAST_DECISION}
            GROUP BY c.id, c.name, d.currency, d.decided_on HAVING SUM(d.refund_minor) > MAX(d.limit_minor)
        """,
        safety=True,
    ),
    Check(
        id="I10",
        title="a decision follows from its stored facts",
        safety=False,
        cost=Cost.DEEP,
        find=decisions_that_differ,
    ),
)
