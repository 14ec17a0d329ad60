"""
The pages of the staff side over 100,000 contracts, 300,000 payments and 5,000 open applications.

Run by `make bench-staff`; CONTRACTS=1000 for a smaller set, ROUNDS=20 for fewer turns. Writes its section of
docs/performance.md.
"""

import os
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median, quantiles

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.scopes import SCOPES
from benchmarks.bench_policy import write_section
from benchmarks.dataset import Run, multiply
from contracts.models import Contract
from contracts.tests.cast import Cast, delivered_stage, make_cast, signed_contract
from payments.models import Payment
from refundportal.api.tests.caller import bearer
from refundportal.staff.tests.desk import Desk, page_of
from refunds.models import RefundRequest
from refunds.services import assess, count_on, post_message
from refunds.states import REQUEST_OPEN
from refunds.tests.scene import Scene, applied, approved, in_review, paid, proposed

CONTRACTS = int(os.environ.get("CONTRACTS", "100000"))
ROUNDS = int(os.environ.get("ROUNDS", "60"))
QUERIES_MAX = 25
P95_MAX_MS = 300


@dataclass(frozen=True, slots=True)
class Figures:
    """One page: CPU and wall time in milliseconds, and how many queries it asks."""

    queries: int
    cpu_ms: float
    median_ms: float
    p95_ms: float


def agreement(cast: Cast, now: datetime, name: str) -> Scene:
    """A signed contract with three payments, the one of its delivered stage an hour ago."""
    contract = signed_contract(cast, now=now - timedelta(days=30), title=f"Benchmark {name}")
    delivered_stage(cast, contract, "S1", at=now - timedelta(days=1))
    for code in ("P1", "S2"):
        paid(cast, contract, code, at=now - timedelta(days=2))
    return Scene(cast, contract, paid(cast, contract, at=now - timedelta(hours=1)))


def talked_about(scene: Scene, now: datetime) -> RefundRequest:
    """A case under way: examined, with four notes."""
    request = in_review(scene, now=now)
    for minutes in range(4):
        post_message(
            principal=scene.cast.as_rita,
            request_id=request.pk,
            body="Looked at it.",
            is_internal=True,
            now=now + timedelta(minutes=minutes),
        )
    values = {"AC-1": "1", "AC-2": "1/2", "AC-3": "0"}
    assess(
        principal=scene.cast.as_rita,
        request_id=request.pk,
        stage_id=scene.stage.pk,
        values=values,
        reason="Tested.",
        now=now,
    )
    return request


def furnish(now: datetime) -> Cast:
    """Make five agreements and copy them: one in twenty has an open application, one in five an answer."""
    cast = make_cast(now=now - timedelta(days=60))
    lately = now - timedelta(minutes=30)
    makers = (
        (lambda scene: applied(scene, now=lately), CONTRACTS // 50),
        (lambda scene: talked_about(scene, lately), CONTRACTS // 50),
        (lambda scene: _proposed(scene, lately), CONTRACTS // 100),
        (lambda scene: _approved(scene, lately), CONTRACTS // 5),
        (lambda _scene: None, CONTRACTS - CONTRACTS // 5 - CONTRACTS // 20),
    )
    runs = []
    for place, (make, copies) in enumerate(makers):
        scene = agreement(cast, now, str(place))
        make(scene)
        is_open = place < 3
        runs.append(
            Run(
                contract=scene.contract,
                copies=copies,
                youngest=timedelta(hours=1) if is_open else timedelta(days=15),
                spread=timedelta(days=14) if is_open else timedelta(days=3 * 365),
            )
        )
    multiply(runs)
    return cast


def _undelivered(scene: Scene) -> Scene:
    """The payment of work that was not delivered: its answer is plain."""
    return Scene(scene.cast, scene.contract, Payment.objects.get(contract=scene.contract, stage__code="S2"))


def _proposed(scene: Scene, now: datetime) -> None:
    proposed(_undelivered(scene), now=now)


def _approved(scene: Scene, now: datetime) -> None:
    approved(_undelivered(scene), now=now)


def cases_of(state: str) -> list[str]:
    """The pages of some cases in a state, from the whole of the queue."""
    rows = list(RefundRequest.objects.filter(state=state).order_by("id"))
    return [page_of(row) for row in rows[:: max(1, len(rows) // ROUNDS)]][:ROUNDS]


def measure(desk: Desk, addresses: list[str]) -> Figures:
    """Open each address in turn, `ROUNDS` times altogether; a run with another status than 200 is void."""
    wall, cpu, asked = [], [], set()
    for address in addresses[:2]:
        assert desk.get(address).status_code == 200, address
    for turn in range(ROUNDS):
        address = addresses[turn % len(addresses)]
        start, start_cpu = time.perf_counter(), time.process_time()
        answer = desk.get(address)
        wall.append((time.perf_counter() - start) * 1000)
        cpu.append((time.process_time() - start_cpu) * 1000)
        assert answer.status_code == 200, address
    for address in addresses[:5]:
        with CaptureQueriesContext(connection) as queries:
            desk.get(address)
        asked.add(len(queries))
    return Figures(max(asked), median(cpu), median(wall), quantiles(wall, n=20)[-1])


@pytest.mark.django_db
def test_pages_over_many_contracts(capsys):
    now = timezone.now().replace(microsecond=0)
    began = time.perf_counter()
    cast = furnish(now)
    filled_s = time.perf_counter() - began
    while count_on(now=now, batch_max=500):
        pass
    rita = Desk(cast.rita)
    queue = "/admin/refunds/refundrequest/"
    pages = {
        "dashboard": ["/admin/"],
        "queue": [queue],
        "queue, overdue": [f"{queue}?standing=overdue"],
        "queue, a page far down": [_far_down(rita, queue)],
        "queue, searched by number": [f"{queue}?q=RR-10000{one}" for one in range(10, 70)],
        "queue, searched by name": [f"{queue}?q=Client+{one}" for one in range(1010, 1070)],
        "case, new": cases_of("submitted"),
        "case, in review": cases_of("in_review"),
        "case, proposed": cases_of("proposed"),
        "case, approved": cases_of("approved"),
        "payments": ["/admin/payments/payment/"],
        "payments, window open": ["/admin/payments/payment/?window=open"],
        "contracts, searched by name": [
            f"/admin/contracts/contract/?q=Client+{one}" for one in range(1010, 1070)
        ],
    }
    found = {name: measure(rita, addresses) for name, addresses in pages.items()}
    twins = measure_twins(cast, rita, queue)
    _report(capsys, filled_s, found, twins)
    asked = ("dashboard", "queue", "case, new", "case, in review", "case, proposed", "case, approved")
    assert {name: found[name] for name in asked if found[name].queries >= QUERIES_MAX} == {}
    if os.getloadavg()[0] <= (os.cpu_count() or 1):  # on a busy machine waiting says nothing about us
        assert {name: found[name] for name in asked if found[name].p95_ms >= P95_MAX_MS} == {}


def _far_down(desk: Desk, queue: str) -> str:
    """Give the address of the page behind the twentieth one."""
    address = queue
    for _ in range(20):
        later = desk.get(address).context["cl"].later_url
        if not later:
            break
        address = queue + later
    return address


def measure_twins(cast: Cast, desk: Desk, queue: str) -> tuple[float, float, float]:
    """W10: CPU of the queue page and of the API call that gives its rows, in turn; p95 of the page."""
    scopes = [one for one in SCOPES if one != "refunds:decide"]
    erp = Client(headers=bearer(*scopes, all_clients=True))
    call = "/api/v1/refund-requests/?page_size=50"
    ours, theirs, wall = [], [], []
    assert desk.get(queue).status_code == 200
    assert erp.get(call).status_code == 200
    for _ in range(ROUNDS):
        start, start_wall = time.process_time(), time.perf_counter()
        page = desk.get(queue)
        ours.append(time.process_time() - start)
        wall.append((time.perf_counter() - start_wall) * 1000)
        start = time.process_time()
        rows = erp.get(call)
        theirs.append(time.process_time() - start)
        assert (page.status_code, rows.status_code) == (200, 200)
    return median(ours) * 1000, median(theirs) * 1000, quantiles(wall, n=20)[-1]


def _report(capsys, filled_s: float, found: dict[str, Figures], twins: tuple[float, float, float]) -> None:
    open_rows = RefundRequest.objects.filter(state__in=REQUEST_OPEN).count()
    counts = f"{Contract.objects.count():,} contracts, {Payment.objects.count():,} payments"
    head = (
        f"{counts}, {open_rows:,} open applications on\n"
        "PostgreSQL with fsync on, filled by one generator (`benchmarks/dataset.py`) in "
        f"{filled_s:.0f} s. Through all\n"
        f"of Django without a socket, one process, {ROUNDS} times each, cases from the whole queue.\n"
        f"Load of the machine meanwhile: {os.getloadavg()[1]:.0f} on {os.cpu_count()} cores; "
        "`make bench-staff` writes this section."
    )
    table = [
        "| page | queries | CPU ms, median | ms, median | ms, 95th percentile |",
        "|---|---:|---:|---:|---:|",
        *(
            f"| {name} | {one.queries} | {one.cpu_ms:.0f} | {one.median_ms:.0f} | {one.p95_ms:.0f} |"
            for name, one in found.items()
        ),
    ]
    ours, theirs, p95 = twins
    w10 = (
        f"W10, the queue page beside `refund-requests/?page_size=50`, in turn: {ours:.1f} and {theirs:.1f}\n"
        f"CPU ms, ratio {ours / theirs:.2f}; 95th percentile of the page {p95:.0f} ms."
    )
    if CONTRACTS == 100_000:
        write_section("The staff side over many contracts", "\n".join([head, "", *table, "", w10]))
    with capsys.disabled():
        print("\n".join(["", head, *table, w10]))
