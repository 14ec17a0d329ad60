"""A backup is restored that does not know what was sent since: the portal's life around it, step by step."""

import os
from collections import Counter
from datetime import timedelta
from typing import Any

from django.core.cache import cache
from django.utils import timezone

from accounts.models import User
from accounts.principals import Principal
from contracts.tests.cast import STAGES, make_cast, signed_contract
from payments.models import Break, Payout, Transfer
from payments.restores import unreconciled_rails
from payments.services import reconcile, resolve_break, send_due_payouts
from refunds.models import RefundRequest
from refunds.services import approve_request
from refunds.tests.scene import Scene, eur, paid, proposed
from tests.faults.bell_app import use_the_provider
from tests.faults.ground import wrong_at_the_end
from tests.faults.wire import AT_STRIPE, RAIL, Provider


def run(*, step: str, **arguments: Any) -> Any:
    """Do one step: `live` before the backup, `go_on` after it, `start` and `clear` in what was restored."""
    use_the_provider()
    stripe = Provider(os.environ["FAKE_STRIPE"])
    stripe.is_at(timezone.now())
    return {"live": live, "go_on": go_on, "start": start, "clear": clear}[step](stripe, **arguments)


def live(stripe: Provider, *, each: int) -> None:
    """Send some payouts, leave as many ready and as many applications proposed: then a backup is made."""
    now, cast = timezone.now(), make_cast()
    contract = signed_contract(
        cast, stages=[{**STAGES[1], "amount": "90000000.00"}], now=now - timedelta(days=9)
    )
    for place in range(4 * each):
        name = stripe.tell(paid=AT_STRIPE)["id"]
        payment = paid(cast, contract, "S1", "10.00", method="card", provider_reference=name, at=now)
        request = proposed(Scene(cast, contract, payment), now=now, amount=eur("1.00"))
        if place < 2 * each:
            approve_request(principal=cast.as_arno, request_id=request.pk, now=now)
        if place == each - 1:
            send_due_payouts(now=now)
            reconcile(rail=RAIL, now=now)


def go_on(stripe: Provider, *, each: int) -> int:
    """Approve more and send everything: the backup knows nothing of it. Give the provider's lines."""
    for request in RefundRequest.objects.filter(state="proposed").order_by("id")[:each]:
        approve_request(principal=_arno(), request_id=request.pk, now=timezone.now())
    send_due_payouts(now=timezone.now())
    return len(stripe.book())


def start(stripe: Provider) -> dict[str, Any]:
    """Start on the restored backup: beats come, nobody has read the provider's book."""
    before = len(stripe.book())
    for _ in range(5):
        send_due_payouts(now=timezone.now())
    return {
        "held": unreconciled_rails([RAIL]),
        "ready": Payout.objects.filter(state="ready").count(),
        "sent": len(stripe.book()) - before,
    }


def clear(stripe: Provider, *, each: int) -> dict[str, Any]:
    """Read the book; clear what only the provider knows; go on with what is new."""
    read = reconcile(rail=RAIL, now=timezone.now())
    caught_up = Payout.objects.filter(state="settled").count()
    before = len(stripe.book())
    new = list(RefundRequest.objects.filter(state="proposed").order_by("-id")[:each])
    for request in new:
        approve_request(principal=_arno(), request_id=request.pk, now=timezone.now())
    send_due_payouts(now=timezone.now())
    while_open = len(stripe.book()) - before
    differences = list(Break.objects.filter(resolved_at=None))
    finn = Principal(user=User.objects.get(email__startswith="finn@"))
    for found in differences:
        resolve_break(
            principal=finn, break_id=found.pk, resolution="Sent after the backup.", now=timezone.now()
        )
    cache.clear()
    send_due_payouts(now=timezone.now())
    lines = Counter(line["metadata"]["payout"] for line in stripe.book())
    payouts = list(Payout.objects.all())
    return {
        "error": read.error,
        "caught_up": caught_up,
        "differences": Counter(found.kind for found in differences),
        "while_open": while_open,
        "new": len(new),
        "right": sum(
            payout.state == "settled"
            and lines[str(payout.pk)] == 1
            and Transfer.objects.filter(key=f"payout:{payout.pk}").count() == 1
            for payout in payouts
        ),
        "payouts": len(payouts),
        "twice": sum(number > 1 for number in lines.values()),
        "lines": sum(lines.values()),
        "wrong": wrong_at_the_end(),
    }


def _arno() -> Principal:
    return Principal(user=User.objects.get(email__startswith="arno@"))
