"""What must be true of work that waits: nothing is stuck, nothing is forgotten."""

from datetime import timedelta
from typing import Final

from payments.checks import Check, Cost

WORK: Final = (
    Check(
        id="I12",
        title="a payout is stuck",
        safety=False,
        cost=Cost.LIGHT,
        ages={
            "minutes_ago": timedelta(minutes=5),
            "hours_ago": timedelta(hours=2),
            "day_ago": timedelta(days=1),
            "days_ago": timedelta(days=4),
        },
        sql="""
            SELECT o.id, o.state FROM payments_payout o JOIN payments_payment p ON p.id = o.payment_id
            WHERE (o.state = 'submitting' AND o.lease_until < %(minutes_ago)s)
               OR (o.state = 'unknown' AND (o.next_look_up_at IS NULL OR o.next_look_up_at < %(hours_ago)s))
               OR (o.state = 'ready' AND p.status = 'captured' AND (
                     (o.rail <> 'bank_file' AND o.created_at < %(day_ago)s)
                     OR (o.destination_id IS NOT NULL AND o.created_at < %(days_ago)s))
                   AND (o.not_before IS NULL OR o.not_before < %(day_ago)s))
        """,
    ),
    Check(
        id="I16",
        title="the sender does not find a payout that is ready",
        safety=False,
        cost=Cost.LIGHT,
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
        cost=Cost.LIGHT,
        ages={"hour_ago": timedelta(hours=1)},
        sql="""
            SELECT e.provider, e.external_id FROM payments_providerevent e
            WHERE e.worked_at IS NULL AND e.received_at < %(hour_ago)s
        """,
    ),
)
