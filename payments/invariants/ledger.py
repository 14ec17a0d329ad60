"""What must be true of the ledger."""

# ruff: noqa: S608 - the parts put into the statements are written in this file

from typing import Final

from payments.checks import Check
from payments.invariants.sql import plain

_CASH: Final = "'cash:' || COALESCE(o.rail, p.rail) || ':' || t.currency"
_RECEIVED: Final = "'received:' || t.currency"
_PAYABLE: Final = "'refunds_payable:' || t.currency"
_FEES: Final = "'bank_fees:' || t.currency"
_WAYS: Final = " OR ".join(
    f"(t.key LIKE '{cause}:%%' AND d.code = {debit} AND c.code = {credit})"
    for cause, debit, credit in (
        ("capture", _CASH, _RECEIVED),
        ("chargeback", _RECEIVED, _CASH),
        ("reserve", _RECEIVED, _PAYABLE),
        ("release", _PAYABLE, _RECEIVED),
        ("credit", _PAYABLE, _RECEIVED),
        ("payout", _PAYABLE, _CASH),
        ("return", _CASH, _PAYABLE),
        ("fee", _FEES, _CASH),
    )
)
"""From which account to which each cause moves money."""

LEDGER: Final = (
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
        title="a transfer runs between other accounts than its cause says",
        safety=True,
        sql=f"""
            SELECT t.key, d.code || ' from ' || c.code FROM payments_transfer t
            JOIN payments_account d ON d.id = t.debit_id JOIN payments_account c ON c.id = t.credit_id
            JOIN payments_payment p ON p.id = t.payment_id
            LEFT JOIN payments_payout o ON o.id = t.payout_id
            WHERE NOT ({_WAYS})
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
                    'capture:' || {plain("t.payment_id")},
                    'chargeback:' || {plain("t.payment_id")},
                    'credit:' || {plain("t.payment_id")}))
                OR (t.payout_id IS NULL AND t.request_id IS NOT NULL AND EXISTS (
                    SELECT 1 FROM payments_payment c WHERE c.credit_of_request_id = t.request_id
                    AND REPLACE(t.key, '-', '') = 'reserve:' || {plain("c.id")}))
                OR (t.payout_id IS NOT NULL AND REPLACE(t.key, '-', '') IN (
                    'reserve:' || {plain("t.payout_id")},
                    'release:' || {plain("t.payout_id")},
                    'payout:' || {plain("t.payout_id")},
                    'return:' || {plain("t.payout_id")},
                    'fee:' || {plain("t.payout_id")})))
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
               OR (t.key LIKE 'fee:%%' AND (o.state <> 'returned' OR t.amount_minor >= o.amount_minor))
        """,
    ),
)
