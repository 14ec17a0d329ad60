"""Prepares a portal for load, and afterwards holds what callers were told against what the database holds."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from contracts.models import UsageRecord
from contracts.tests.cast import STAGES, make_cast, signed_contract, stage_named
from events.verification import verify_journal
from payments import checks
from payments.models import Payment, Payout, SandboxRefund, Transfer
from refunds.models import Decision
from refunds.tests.scene import Scene, eur, paid, proposed

LATE = ("I09", "I12", "I16", "I20")
"""What only says that something is late: under load, and while processes are killed, it may be."""


def run(*, step: str, shard: int = 0, shards: int = 1, **arguments: Any) -> Any:
    """Do one step: `prepare` or `compare`."""
    return {"prepare": prepare, "compare": compare}[step](**arguments)


def prepare(*, approvals: int) -> dict[str, Any]:
    """Make a contract, proposed applications to approve, and a system with rights; give their names."""
    from refundportal.api.tests.caller import api_client, token_for

    now = timezone.now()
    cast = make_cast(now=now - timedelta(days=30))
    stages = [{**STAGES[1], "amount": "90000000.00"}]
    contract = signed_contract(cast, stages=stages, now=now - timedelta(days=10))
    requests = []
    paid(cast, contract, "S1", "100000.00", at=now - timedelta(hours=2))  # the oldest payment bears the use
    for _ in range(approvals):
        payment = paid(cast, contract, "S1", "10.00", at=now - timedelta(hours=1))
        request = proposed(Scene(cast, contract, payment), now=now, amount=eur("1.00"))
        requests.append(str(request.pk))
    scopes = ("refunds:read", "refunds:write", "refunds:decide", "payments:write", "usage:write")
    erp = api_client(*scopes, all_clients=True, staff_user=cast.arno)
    return {
        "requests": requests,
        "contract": str(contract.pk),
        "stage": str(stage_named(contract, "S1").pk),
        "token": token_for(erp, lasts=timedelta(hours=12)),
    }


def compare(*, told: list[dict[str, str]], approvals: int) -> dict[str, Any]:
    """
    Hold acknowledged calls against the rows; give how many were lost or done twice, and what else is wrong.

    `told`: of each acknowledged call its kind, its key and the id it gave.
    """
    by_kind = {kind: [one for one in told if one["kind"] == kind] for kind in ("approve", "pay", "use")}
    decided = set(map(str, Decision.objects.values_list("request_id", flat=True)))
    payments = set(map(str, Payment.objects.values_list("pk", flat=True)))
    references = list(Payment.objects.exclude(reference="").values_list("reference", flat=True))
    used = set(UsageRecord.objects.filter(source="load").values_list("external_id", flat=True))
    lost = [one for one in by_kind["approve"] if one["id"] not in decided]
    lost += [one for one in by_kind["pay"] if one["id"] not in payments]
    lost += [one for one in by_kind["use"] if one["id"] not in used]
    twice = len(references) - len(set(references))
    twice += Decision.objects.filter(approved_by__isnull=False).count() - len(decided)
    return {
        "acknowledged": {kind: len(rows) for kind, rows in by_kind.items()},
        "lost": len(lost),
        "twice": twice,
        "payouts": payouts_end_right(),
        "wrong": wrong_at_the_end(),
    }


def payouts_end_right() -> dict[str, int]:
    """Count payouts, those that reached the provider once and are booked once, and the provider's lines."""
    right = 0
    lines = dict.fromkeys(SandboxRefund.objects.values_list("key", flat=True), 0)
    for key in SandboxRefund.objects.values_list("key", flat=True):
        lines[key] += 1
    booked = set(Transfer.objects.filter(key__startswith="payout:").values_list("key", flat=True))
    payouts = Payout.objects.all()
    for payout in payouts:
        paid_once = lines.get(payout.pk.hex) == 1 and f"payout:{payout.pk}" in booked
        right += paid_once and payout.state in ("accepted", "settled")
    return {"all": len(payouts), "right": right, "lines": sum(lines.values())}


def wrong_at_the_end() -> list[str]:
    """Name violated invariants and what the journal's check finds."""
    found = [str(one) for one in checks.find_violations(timezone.now()) if one.id not in LATE]
    return found + verify_journal(now=timezone.now()).faults
