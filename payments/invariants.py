"""What must be true of sums, payments, the ledger, payouts and the sandbox's book; ids as in the docs."""

# ruff: noqa: S608 - the parts put into the statements are written in this file

from datetime import timedelta
from typing import Final

from payments.checks import Check


def _plain(column: str) -> str:
    """SQL that writes an id as 32 hexadecimal digits on every database."""
    return f"LOWER(REPLACE(CAST({column} AS text), '-', ''))"


_EXPLAINED: Final = (
    "EXISTS (SELECT 1 FROM payments_break b WHERE b.payout_id = o.id AND b.resolved_at IS NOT NULL "
    "AND b.kind IN ({kinds}))"
)

_PAYMENTS: Final = (
    Check(
        id="I01",
        title="more goes back than was paid, and no break explains it",
        safety=True,
        sql="""
            SELECT p.number, p.reserved_minor + p.refunded_minor + p.charged_back_minor - p.amount_minor
            FROM payments_payment p
            WHERE p.reserved_minor + p.refunded_minor + p.charged_back_minor > p.amount_minor
              AND NOT EXISTS (
                SELECT 1 FROM payments_break b
                WHERE b.payment_id = p.id AND b.kind = 'double_return' AND b.amount_minor
                  >= p.reserved_minor + p.refunded_minor + p.charged_back_minor - p.amount_minor)
        """,
    ),
    Check(
        id="I02",
        title="the counters of a payment differ from its payouts and credits",
        safety=True,
        sql="""
            SELECT p.number, 'owed ' || COALESCE(s.owed, 0) || ', given back ' || COALESCE(s.sent, 0)
              + COALESCE(c.given, 0) || ', counted ' || p.reserved_minor || ' and ' || p.refunded_minor
            FROM payments_payment p
            LEFT JOIN (
                SELECT o.payment_id,
                  SUM(CASE WHEN o.state IN ('accepted', 'settled') THEN o.amount_minor ELSE 0 END) AS sent,
                  SUM(CASE WHEN o.state NOT IN ('accepted', 'settled', 'cancelled') AND r.id IS NULL
                      THEN o.amount_minor ELSE 0 END) AS owed
                FROM payments_payout o LEFT JOIN payments_payout r ON r.replaces_id = o.id
                GROUP BY o.payment_id) s ON s.payment_id = p.id
            LEFT JOIN (
                SELECT t.payment_id, SUM(t.amount_minor) AS given FROM payments_transfer t
                WHERE t.payout_id IS NULL AND t.key LIKE 'reserve:%%'
                GROUP BY t.payment_id) c ON c.payment_id = p.id
            WHERE p.reserved_minor <> COALESCE(s.owed, 0)
               OR p.refunded_minor <> COALESCE(s.sent, 0) + COALESCE(c.given, 0)
        """,
    ),
    Check(
        id="I02",
        title="a payment is charged back by its status or by its counter, not by both",
        safety=True,
        sql="""
            SELECT p.number, p.status || ' ' || p.charged_back_minor FROM payments_payment p
            WHERE (p.status = 'charged_back' AND p.charged_back_minor = 0)
               OR (p.status <> 'charged_back' AND p.charged_back_minor <> 0)
        """,
    ),
)

_REQUESTS: Final = (
    Check(
        id="I03",
        title="a request has more than one chain of payouts or credit",
        safety=True,
        sql="""
            SELECT x.request_id, COUNT(*) FROM (
                SELECT o.request_id FROM payments_payout o
                LEFT JOIN payments_payout r ON r.replaces_id = o.id
                WHERE r.id IS NULL AND o.state <> 'cancelled'
                UNION ALL
                SELECT p.credit_of_request_id FROM payments_payment p WHERE p.credit_of_request_id IS NOT NULL
            ) x GROUP BY x.request_id HAVING COUNT(*) > 1
        """,
    ),
    Check(
        id="I04",
        title="a payout is not in the currency or for the client of its payment",
        safety=True,
        sql="""
            SELECT o.id, o.currency FROM payments_payout o JOIN payments_payment p ON p.id = o.payment_id
            WHERE o.currency <> p.currency OR o.client_id <> p.client_id
        """,
    ),
    Check(
        id="I04",
        title="a successor differs from the payout it replaces",
        safety=True,
        sql="""
            SELECT n.id, n.amount_minor FROM payments_payout n JOIN payments_payout o ON o.id = n.replaces_id
            WHERE n.amount_minor <> o.amount_minor OR n.currency <> o.currency
               OR n.request_id <> o.request_id OR n.payment_id <> o.payment_id
        """,
    ),
    Check(
        id="I05",
        title="a payout was replaced although it was paid or is still on its way",
        safety=True,
        sql="""
            SELECT o.id, o.state FROM payments_payout o JOIN payments_payout n ON n.replaces_id = o.id
            WHERE o.state NOT IN ('failed', 'returned')
        """,
    ),
)

_LEDGER: Final = (
    Check(
        id="I06",
        title="debits and credits of a currency differ",
        safety=True,
        sql="""
            SELECT x.currency, SUM(x.amount_minor) FROM (
                SELECT a.currency, t.amount_minor FROM payments_transfer t
                JOIN payments_account a ON a.id = t.debit_id
                UNION ALL
                SELECT a.currency, -t.amount_minor FROM payments_transfer t
                JOIN payments_account a ON a.id = t.credit_id
            ) x GROUP BY x.currency HAVING SUM(x.amount_minor) <> 0
        """,
    ),
    Check(
        id="I06",
        title="a transfer is not in the currency of its payment",
        safety=True,
        sql="""
            SELECT t.key, t.currency FROM payments_transfer t JOIN payments_payment p ON p.id = t.payment_id
            WHERE t.currency <> p.currency
        """,
    ),
    Check(
        id="I06",
        title="a transfer does not name what caused it",
        safety=True,
        sql=f"""
            SELECT t.key, t.id FROM payments_transfer t
            WHERE NOT (
                (t.payout_id IS NULL AND REPLACE(t.key, '-', '') IN (
                    'capture:' || {_plain("t.payment_id")},
                    'chargeback:' || {_plain("t.payment_id")},
                    'credit:' || {_plain("t.payment_id")}))
                OR (t.payout_id IS NULL AND t.request_id IS NOT NULL AND EXISTS (
                    SELECT 1 FROM payments_payment c WHERE c.credit_of_request_id = t.request_id
                    AND REPLACE(t.key, '-', '') = 'reserve:' || {_plain("c.id")}))
                OR (t.payout_id IS NOT NULL AND REPLACE(t.key, '-', '') IN (
                    'reserve:' || {_plain("t.payout_id")},
                    'release:' || {_plain("t.payout_id")},
                    'payout:' || {_plain("t.payout_id")},
                    'return:' || {_plain("t.payout_id")})))
        """,
    ),
    Check(
        id="I06",
        title="a captured payment or a chargeback is not booked with its amount, or booked without reason",
        safety=True,
        sql="""
            SELECT p.number, p.status FROM payments_payment p
            LEFT JOIN (
                SELECT t.payment_id,
                  SUM(CASE WHEN t.key LIKE 'capture:%%' THEN t.amount_minor ELSE 0 END) AS captured,
                  SUM(CASE WHEN t.key LIKE 'credit:%%' THEN t.amount_minor ELSE 0 END) AS credited,
                  SUM(CASE WHEN t.key LIKE 'chargeback:%%' THEN t.amount_minor ELSE 0 END) AS lost
                FROM payments_transfer t GROUP BY t.payment_id) b ON b.payment_id = p.id
            WHERE COALESCE(b.lost, 0) <> p.charged_back_minor
               OR COALESCE(b.captured, 0) <> CASE
                 WHEN p.method <> 'credit' AND p.status IN ('captured', 'disputed', 'charged_back')
                 THEN p.amount_minor ELSE 0 END
               OR COALESCE(b.credited, 0) <> CASE
                 WHEN p.method = 'credit' AND p.status = 'captured' THEN p.amount_minor ELSE 0 END
        """,
    ),
    Check(
        id="I07",
        title="a paid payout is not booked exactly once with its amount",
        safety=True,
        sql="""
            SELECT o.id, COALESCE(SUM(t.amount_minor), 0) FROM payments_payout o
            LEFT JOIN payments_transfer t
              ON t.payout_id = o.id AND t.key LIKE 'payout:%%' AND t.currency = o.currency
            WHERE o.state IN ('accepted', 'settled')
            GROUP BY o.id, o.amount_minor
            HAVING COUNT(t.id) <> 1 OR SUM(t.amount_minor) <> o.amount_minor
        """,
    ),
    Check(
        id="I07",
        title="a payout is owed without being booked so with its amount",
        safety=True,
        sql="""
            SELECT o.id, o.amount_minor FROM payments_payout o
            WHERE o.replaces_id IS NULL AND NOT EXISTS (
                SELECT 1 FROM payments_transfer t
                WHERE t.payout_id = o.id AND t.key LIKE 'reserve:%%' AND t.amount_minor = o.amount_minor)
        """,
    ),
    Check(
        id="I08",
        title="a payout is booked as paid but is not",
        safety=True,
        sql="""
            SELECT t.key, o.state FROM payments_transfer t JOIN payments_payout o ON o.id = t.payout_id
            WHERE t.key LIKE 'payout:%%' AND o.state NOT IN ('accepted', 'settled')
              AND NOT EXISTS (
                SELECT 1 FROM payments_transfer u WHERE u.payout_id = o.id AND u.key LIKE 'return:%%'
                AND u.amount_minor = t.amount_minor)
        """,
    ),
    Check(
        id="I08",
        title="a payout is booked as returned, released or owed but is not",
        safety=True,
        sql="""
            SELECT t.key, o.state FROM payments_transfer t JOIN payments_payout o ON o.id = t.payout_id
            WHERE (t.key LIKE 'return:%%' AND o.state NOT IN ('failed', 'returned'))
               OR (t.key LIKE 'release:%%' AND o.state <> 'cancelled')
               OR (t.key LIKE 'reserve:%%' AND o.replaces_id IS NOT NULL)
        """,
    ),
)

_WORK: Final = (
    Check(
        id="I12",
        title="a payout is stuck",
        safety=False,
        ages={
            "minutes_ago": timedelta(minutes=5),
            "hours_ago": timedelta(hours=2),
            "day_ago": timedelta(days=1),
        },
        sql="""
            SELECT o.id, o.state FROM payments_payout o JOIN payments_payment p ON p.id = o.payment_id
            WHERE (o.state = 'submitting' AND o.lease_until < %(minutes_ago)s)
               OR (o.state = 'unknown' AND (o.next_look_up_at IS NULL OR o.next_look_up_at < %(hours_ago)s))
               OR (o.state = 'ready' AND p.status = 'captured' AND o.created_at < %(day_ago)s
                   AND (o.not_before IS NULL OR o.not_before < %(day_ago)s))
        """,
    ),
    Check(
        id="I16",
        title="the sender does not find a payout that is ready",
        safety=False,
        ages={"tomorrow": timedelta(days=-1)},
        sql="""
            SELECT o.id, o.rail FROM payments_payout o JOIN payments_payment p ON p.id = o.payment_id
            LEFT JOIN payments_bankaccount a ON a.id = o.destination_id
            WHERE o.state = 'ready' AND (
                o.rail NOT IN (%(rails)s) OR p.status NOT IN ('captured', 'disputed')
                OR (o.not_before > %(tomorrow)s AND (a.id IS NULL OR o.not_before > a.usable_from)))
        """,
    ),
    Check(
        id="I19",
        title="a call was kept without its answer",
        safety=False,
        sql="SELECT r.principal, r.key FROM accounts_idempotencyrecord r WHERE r.status IS NULL",
    ),
    Check(
        id="I20",
        title="a provider event was not worked off in its time",
        safety=False,
        ages={"hour_ago": timedelta(hours=1)},
        sql="""
            SELECT e.provider, e.external_id FROM payments_providerevent e
            WHERE e.worked_at IS NULL AND e.received_at < %(hour_ago)s
        """,
    ),
)

_PROVIDER: Final = (
    Check(
        id="I13",
        title="the sandbox holds more than one line of a payout",
        safety=True,
        sql=f"""
            SELECT {_plain("s.key")}, COUNT(*) FROM payments_sandboxrefund s
            GROUP BY {_plain("s.key")} HAVING COUNT(*) > 1
        """,
    ),
    Check(
        id="I14",
        title="a line of the sandbox is not ours, or not as ordered",
        safety=True,
        sql=f"""
            SELECT s.key, COALESCE(o.state, 'no payout') FROM payments_sandboxrefund s
            LEFT JOIN payments_payout o ON {_plain("o.id")} = {_plain("s.key")}
            WHERE (o.id IS NULL OR o.amount_minor <> s.amount_minor OR o.currency <> s.currency
                   OR (o.state IN ('ready', 'failed', 'cancelled') AND s."end" <> 'failed'))
              AND NOT {_EXPLAINED.format(kinds="'different', 'theirs_only'")}
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
                SELECT 1 FROM payments_sandboxrefund s WHERE {_plain("s.key")} = {_plain("o.id")})
              AND NOT {_EXPLAINED.format(kinds="'ours_only'")}
        """,
    ),
)

_SUMS: Final = (
    Check(
        id="I17",
        title="the stages do not sum to the contract",
        safety=True,
        sql="""
            SELECT c.number, COALESCE(SUM(s.amount_minor), 0) FROM contracts_contract c
            LEFT JOIN contracts_stage s ON s.contract_id = c.id AND NOT s.is_removed
            GROUP BY c.id, c.number, c.total_minor HAVING COALESCE(SUM(s.amount_minor), 0) <> c.total_minor
        """,
    ),
    Check(
        id="I17",
        title="the shares do not sum to the prepayment",
        safety=True,
        sql="""
            SELECT c.number || ' ' || s.code, COALESCE(SUM(h.amount_minor), 0) FROM contracts_stage s
            JOIN contracts_contract c ON c.id = s.contract_id
            LEFT JOIN contracts_prepaymentshare h ON h.prepayment_id = s.id
            WHERE s.kind = 'prepayment' AND NOT s.is_removed
            GROUP BY s.id, c.number, s.code, s.amount_minor
            HAVING COALESCE(SUM(h.amount_minor), 0) <> s.amount_minor
        """,
    ),
    Check(
        id="I17",
        title="the allocations do not sum to the payment",
        safety=True,
        sql="""
            SELECT p.number, COALESCE(SUM(a.amount_minor), 0) FROM payments_payment p
            LEFT JOIN payments_allocation a ON a.payment_id = p.id
            GROUP BY p.id, p.number, p.status, p.amount_minor
            HAVING COALESCE(SUM(a.amount_minor), 0) <> CASE
              WHEN p.status IN ('captured', 'disputed', 'charged_back') THEN p.amount_minor ELSE 0 END
        """,
    ),
    Check(
        id="I17",
        title="a usage record belongs to a payment that cannot have it",
        safety=False,
        sql="""
            SELECT u.source || ':' || u.external_id, COALESCE(p.number, 'no payment')
            FROM contracts_usagerecord u LEFT JOIN payments_payment p ON p.id = u.payment_id
            WHERE u.payment_id IS NOT NULL AND (
                p.id IS NULL OR p.contract_id <> u.contract_id OR p.method = 'credit'
                OR p.captured_at IS NULL)
        """,
    ),
    Check(
        id="I18",
        title="a stage is not paid as counted, or beyond its amount",
        safety=True,
        sql="""
            SELECT c.number || ' ' || s.code, s.covered_minor FROM contracts_stage s
            JOIN contracts_contract c ON c.id = s.contract_id
            LEFT JOIN payments_payment p
              ON p.stage_id = s.id AND p.status NOT IN ('failed', 'voided', 'charged_back')
            GROUP BY s.id, c.number, s.code, s.covered_minor, s.amount_minor
            HAVING COALESCE(SUM(p.amount_minor), 0) <> s.covered_minor
                OR COALESCE(SUM(p.amount_minor), 0) > s.amount_minor
        """,
    ),
)

INVARIANTS: Final = (*_PAYMENTS, *_REQUESTS, *_LEDGER, *_WORK, *_PROVIDER, *_SUMS)
