"""What must sum up: stages, shares, allocations, what is paid of a stage."""

from typing import Final

from payments.checks import Check

SUMS: Final = (
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
        title="a payment is parted among stages of another contract",
        safety=True,
        sql="""
            SELECT p.number, s.code FROM payments_allocation a
            JOIN payments_payment p ON p.id = a.payment_id JOIN contracts_stage s ON s.id = a.stage_id
            WHERE s.contract_id <> p.contract_id
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
              ON p.stage_id = s.id AND p.status NOT IN ('failed', 'voided')
            GROUP BY s.id, c.number, s.code, s.covered_minor, s.amount_minor
            HAVING COALESCE(SUM(p.amount_minor - p.charged_back_minor), 0) <> s.covered_minor
                OR COALESCE(SUM(p.amount_minor - p.charged_back_minor), 0) > s.amount_minor
        """,
    ),
)
