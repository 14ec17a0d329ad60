"""
CPU time of each page of the portal beside the REST call that tells the same.

Run by `make bench-pages`; writes its section of docs/performance.md.
"""

import time
from collections import Counter
from statistics import median

import pytest
from django.test import Client

from accounts.scopes import SCOPES
from benchmarks.bench_policy import write_section
from refundportal.api.tests.caller import bearer
from refundportal.api.tests.test_policy import FACTS
from refundportal.portal.tests.test_queries import furnished
from refundportal.portal.tests.visiting import Visitor

ROUNDS = 60
TWINS = (
    ("/contracts/", ("contracts/",)),
    ("/requests/", ("refund-requests/",)),
    ("/contracts/{contract}/", ("contracts/{contract_id}/", "payments/?contract={contract}")),
    ("/payments/{payment}/", ("payments/{payment_id}/", "payments/{payment_id}/refund-quote/")),
    ("/requests/{request}/", ("refund-requests/{request_id}/", "refund-requests/{request_id}/messages/")),
    ("/policy/", ("policy/", *["policy/evaluate/"] * 4)),
)
"""A page, and the calls that give what it shows: the policy page works out four examples."""


@pytest.mark.django_db
def test_pages_beside_their_twins(capsys):
    scene, names = furnished(7)
    alice = Visitor(scene.cast.alice)
    headers = bearer(*(one for one in SCOPES if one != "refunds:decide"), clients=[scene.cast.client])
    erp = Client(headers=headers)
    rows = [_measure(page, calls, names, alice, erp) for page, calls in TWINS]
    table = [
        "| page | CPU ms | calls that give the same | CPU ms | ratio |",
        "|---|---:|---|---:|---:|",
        *rows,
    ]
    text = (
        "CPU time of the process, median of 60 rounds in turn, through all of Django without a socket; a\n"
        "client with eight contracts. `make bench-pages` writes this section.\n\n"
    )
    write_section("Pages beside the API", text + "\n".join(table))
    with capsys.disabled():
        print("\n".join(["", *table]))


def _measure(page, calls, names, alice, erp):
    def look():
        assert alice.get(page.format(**names)).status_code == 200

    def call():
        for one in calls:
            assert _ask(erp, f"/api/v1/{one}".format(**names)).status_code == 200

    look(), call()
    ours, theirs = zip(*((_cpu_s(look), _cpu_s(call)) for _ in range(ROUNDS)), strict=True)
    ratio = median(ours) / median(theirs)
    called = ", ".join(f"{times} x `{one}`" for one, times in Counter(calls).items())
    return f"| `{page}` | {median(ours) * 1000:.1f} | {called} | {median(theirs) * 1000:.1f} | {ratio:.2f} |"


def _ask(erp, address):
    if address.endswith("/evaluate/"):
        return erp.post(address, FACTS, content_type="application/json")
    return erp.get(address)


def _cpu_s(work):
    start = time.process_time()
    work()
    return time.process_time() - start
