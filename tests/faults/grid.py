"""
The crash grid: kill points of a payout x faults of the provider x repeats, under one strategy of sending.

Approval, sender and janitor are processes of their own and are killed by SIGKILL; then everything starts
again, and half of the time the first who starts again is killed too. The rail is the one to Stripe, spoken by
the official SDK; Stripe is a fake in another process. What counts at the end is its book against ours.
"""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from contracts.tests.cast import NOW, STAGES, make_cast, signed_contract
from payments import checks
from payments.crashes import crash_point
from payments.models import Break, Payment, Payout, Transfer
from payments.services import reconcile
from refunds.models import RefundRequest
from refunds.services import approve_request
from refunds.tests.scene import Scene, eur, paid, proposed
from tests.fake_stripe.faults import FAULTS
from tests.faults import workers
from tests.faults.naive import STRATEGIES, Strategy
from tests.faults.points import POINTS
from tests.faults.wire import AT_STRIPE, RAIL, Provider, provider

BATCH: Final = 10
SOON: Final = timedelta(minutes=1)
A_PROBE_LATER: Final = timedelta(minutes=31)
A_DAY: Final = timedelta(hours=25)
ROUNDS_MAX: Final = 60
COMPARED_EVERY: Final = timedelta(days=20)
_RECOVERY_POINTS: Final = ("after_claim", "on_the_wire", "after_call", "in_booking", "after_look_up")


@dataclass(kw_only=True)
class Cell:
    """One kill point under one fault: how many payouts, how many kills, and what became of them."""

    point: str
    fault: str
    payouts: int = 0
    killed: int = 0
    killed_again: int = 0
    double: int = 0
    lost: int = 0
    manual: int = 0
    wrong: list[str] = field(default_factory=list)


class Grid:
    """Payouts of one database under one strategy."""

    def __init__(self, strategy: Strategy, stripe: Provider, rng: random.Random) -> None:
        self.strategy, self.stripe, self.rng = strategy, stripe, rng
        self.now = NOW
        self.compared_at = NOW
        cast = make_cast()
        contract = signed_contract(cast, stages=[{**STAGES[1], "amount": "90000000.00"}])
        name = stripe.tell(paid=AT_STRIPE)["id"]
        payment = paid(cast, contract, "S1", "10.00", method="card", provider_reference=name)
        self.scene = Scene(cast, contract, payment)

    @property
    def now(self) -> datetime:
        """The instant at which all of this happens, here and at the provider."""
        return self._now

    @now.setter
    def now(self, now: datetime) -> None:
        self._now = now
        self.stripe.is_at(now)

    def run_cell(self, point: str, fault: str, repeats: int) -> Cell:
        """Let a batch of payouts die at a point and meet a fault, start everything again, and count."""
        cell = Cell(point=point, fault=fault, payouts=repeats)
        requests = [self._request() for _ in range(repeats)]
        for request in requests:
            self._approve(request, cell)
        rows = Payout.objects.filter(request_id__in=[request.pk for request in requests])
        payouts = list(rows.select_related("payment"))
        if len(payouts) != repeats:
            cell.wrong.append(f"{len(payouts)} payouts of {repeats} approvals")
        self._tell_the_provider(payouts, fault)
        self._kill(cell, payouts)
        self._start_again(cell, payouts)
        self._count(cell, payouts)
        if self.now - self.compared_at > COMPARED_EVERY and self.strategy.is_ours:
            self.compare()
        return cell

    # Before the payout

    def _request(self) -> RefundRequest:
        at = self.now
        name = self.stripe.tell(paid=AT_STRIPE)["id"]
        payment = paid(
            self.scene.cast, self.scene.contract, "S1", "10.00", method="card", provider_reference=name, at=at
        )
        amount = eur(f"{self.rng.randrange(1, 1000) / 100:.2f}")
        return proposed(Scene(self.scene.cast, self.scene.contract, payment), now=at, amount=amount)

    def _approve(self, request: RefundRequest, cell: Cell) -> None:
        approval = partial(
            approve_request, principal=self.scene.cast.as_arno, request_id=request.pk, now=self.now
        )
        if cell.point not in ("before_approval", "after_approval"):
            approval()
            return

        def work() -> None:
            with transaction.atomic():
                approval()
                crash_point("before_approval")
            crash_point("after_approval")

        cell.killed += workers.run(work, crash_at=cell.point)
        if Payout.objects.filter(request_id=request.pk).exists() != (cell.point == "after_approval"):
            cell.wrong.append(f"a payout of an approval killed at {cell.point}")
        if cell.point == "before_approval":
            approval()

    def _tell_the_provider(self, payouts: list[Payout], fault: str) -> None:
        script = {}
        for payout in payouts:
            faults = {"submit": fault, "silent": fault == "key_forgotten"}
            if fault not in ("429", "402", "409", "late", "key_forgotten") and self.rng.random() < 0.5:
                faults["look_up"] = fault
            script[payout.payment.provider_reference] = faults
        self.stripe.tell(script=script)

    # Killing

    def _kill(self, cell: Cell, payouts: list[Payout]) -> None:
        places = list(POINTS)
        if places.index("taken") <= places.index(cell.point) < places.index("looking_up"):
            self._kill_each(cell, payouts, lambda: self.strategy.send(self.now), cell.point)
        elif places.index(cell.point) >= places.index("looking_up"):
            self._send_all(payouts)
            point = "in_booking" if cell.point == "booking_a_look_up" else cell.point
            self.now += SOON
            self._kill_each(cell, payouts, lambda: self.strategy.look_after(self.now), point)

    def _kill_each(self, cell: Cell, payouts: list[Payout], work: Any, point: str) -> None:
        for _ in payouts:
            if cell.point == "after_booking":
                self.now += A_PROBE_LATER  # a rail that lost three answers is tried again only then
            cell.killed += workers.run(work, crash_at=point)

    def _send_all(self, payouts: list[Payout]) -> None:
        for _ in payouts:
            workers.run(lambda: self.strategy.send(self.now))
            if not _still(payouts, "ready").exists():
                return
            self.now += A_PROBE_LATER

    # And again

    def _start_again(self, cell: Cell, payouts: list[Payout]) -> None:
        """Start janitor and sender again and again, until nothing moves any more."""
        self.now += SOON
        for place in range(ROUNDS_MAX):
            end_leases()
            crash_at = self._crash_again(cell.fault, place)
            cell.killed_again += workers.run(self._round, crash_at=crash_at)
            if not _still(payouts, "ready", "submitting", "unknown").exists():
                break
            doubtful = _still(payouts, "submitting", "unknown").exists()
            forgotten = cell.fault == "key_forgotten" and doubtful
            self.now += A_DAY if forgotten else A_PROBE_LATER
        self.now += A_PROBE_LATER
        workers.run(self._round)

    def _crash_again(self, fault: str, place: int) -> str:
        if place or self.rng.random() < 0.5:
            return ""
        return self.rng.choice(_RECOVERY_POINTS)

    def _round(self) -> None:
        self.strategy.look_after(self.now)
        self.strategy.send(self.now)

    # Counting

    def _count(self, cell: Cell, payouts: list[Payout]) -> None:
        lines = Counter(line["metadata"]["payout"] for line in self.stripe.book())
        for payout in Payout.objects.filter(pk__in=[payout.pk for payout in payouts]):
            sent = lines[str(payout.pk)]
            cell.double += sent > 1
            if payout.state == "manual":
                cell.manual += 1
                if cell.fault != "key_forgotten" or payout.failure_code != "key_too_old" or sent:
                    cell.wrong.append(f"with Finance: {payout.failure_code}, {sent} lines")
            elif payout.state not in ("accepted", "settled") or not sent:
                cell.lost += 1
            booked = Transfer.objects.filter(key=f"payout:{payout.pk}").count()
            if booked != (payout.state in ("accepted", "settled")):
                cell.wrong.append(f"{payout.state}, booked {booked} times")

    def compare(self) -> None:
        """Hold all against the provider's book, before what is new in it lies further back than is read."""
        self.now += timedelta(hours=2)
        self.compared_at = self.now
        run = reconcile(rail=RAIL, now=self.now)
        assert not run.error, run.error

    def end(self) -> list[str]:
        """Hold all against the provider's book and the invariants, and name what is wrong."""
        self.compare()
        breaks = Break.objects.filter(resolved_at=None)
        found = [f"a difference {one.kind} of {one.payout_id}" for one in breaks]
        for payment in Payment.objects.filter(rail=RAIL).exclude(reserved_minor=0):
            with_finance = Payout.objects.filter(payment=payment, state="manual").exists()
            if not with_finance:
                found.append(f"{payment.number} still holds money for a refund")
        return found + [str(one) for one in checks.find_violations(self.now)]


def _still(payouts: list[Payout], *states: str) -> Any:
    return Payout.objects.filter(pk__in=[payout.pk for payout in payouts], state__in=states)


def end_leases() -> None:
    """The lease of a dead process ends by the database's clock: let its two minutes be over."""
    rows = Payout.objects.filter(lease_until__isnull=False)
    rows.update(lease_until=Now() - timedelta(seconds=1), look_ups_made=F("look_ups_made"))


def batches(repeats: int) -> Iterator[int]:
    """Part the repeats of a cell, so that no key grows old while a batch is worked on."""
    for start in range(0, repeats, BATCH):
        yield min(BATCH, repeats - start)


def run(
    *, strategy: str, repeats: int, seed: int, shard: int = 0, shards: int = 1, one_in: int = 1
) -> dict[str, Any]:
    """Run (a share of) the grid, or of one in so many cells; give them and what was wrong at the end."""
    settings.DEBUG_CRASH_POINTS = True
    rng = random.Random(f"{seed} {strategy} {shard}")
    cells = [(point, fault) for point in POINTS for fault in FAULTS]
    mine = [pair for place, pair in zip(count(), cells, strict=False) if place % shards == shard]
    rng.shuffle(mine)
    mine = mine[: -(-len(mine) // one_in)]
    done: list[Cell] = []
    with provider() as stripe:
        grid = Grid(STRATEGIES[strategy], stripe, rng)
        for point, fault in mine:
            done += [grid.run_cell(point, fault, batch) for batch in batches(repeats)]
        wrong = grid.end() if grid.strategy.is_ours else []
    return {"cells": [asdict(cell) for cell in done], "wrong": wrong}
