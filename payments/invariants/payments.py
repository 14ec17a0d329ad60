"""What must be true of payments, of refund requests and of the chains of their payouts."""

# ruff: noqa: S608 - the parts put into the statements are written in this file

from typing import Final

from payments.checks import Check, Cost
from payments.invariants.usage import payments_with_other_usage

_GIVEN_BACK: Final = "(p.reserved_minor + p.refunded_minor + p.charged_back_minor)"
_CAPTURED: Final = (
    "(CASE WHEN p.status IN ('captured', 'disputed', 'charged_back') THEN p.amount_minor ELSE 0 END)"
)

PAYMENTS: Final = (
    Check(
        id="I01",
        title="more goes back than was paid, and no break explains it",
        safety=True,
        sql=f"""
            SELECT p.number, {_GIVEN_BACK} - {_CAPTURED} FROM payments_payment p
            WHERE {_GIVEN_BACK} > {_CAPTURED}
              AND NOT EXISTS (
                SELECT 1 FROM payments_break b
                WHERE b.payment_id = p.id AND b.kind = 'double_return'
                  AND b.amount_minor >= {_GIVEN_BACK} - {_CAPTURED})
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
    Check(
        id="I02",
        title="the ledger owes another sum than the payments have set aside",
        safety=True,
        sql="""
            SELECT x.currency, SUM(x.amount_minor) FROM (
                SELECT p.currency, p.reserved_minor AS amount_minor FROM payments_payment p
                WHERE p.reserved_minor <> 0
                UNION ALL
                SELECT t.currency, CASE WHEN c.code LIKE 'refunds_payable:%%' THEN -t.amount_minor
                  ELSE t.amount_minor END
                FROM payments_transfer t
                JOIN payments_account d ON d.id = t.debit_id JOIN payments_account c ON c.id = t.credit_id
                WHERE c.code LIKE 'refunds_payable:%%' OR d.code LIKE 'refunds_payable:%%'
            ) x GROUP BY x.currency HAVING SUM(x.amount_minor) <> 0
        """,
    ),
    Check(
        id="I02",
        title="the usage kept with a payment is not that of its records",
        safety=False,
        cost=Cost.DEEP,
        find=payments_with_other_usage,
    ),
)

CHAINS: Final = (
    Check(
        id="I04",
        title="a payment is not in the currency or for the client of its contract, or for a stage of it",
        safety=True,
        sql="""
            SELECT p.number, p.currency FROM payments_payment p
            JOIN contracts_contract c ON c.id = p.contract_id JOIN contracts_stage s ON s.id = p.stage_id
            WHERE p.currency <> c.currency OR p.client_id <> c.client_id OR s.contract_id <> c.id
        """,
    ),
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
