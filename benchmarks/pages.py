"""
CPU time of each page of the portal beside the REST call that tells the same.

Run by `make bench-pages`; writes its section of docs/performance.md.
"""

import time
from collections import Counter
from statistics import median

import pytest
import time_machine
from django.test import Client

from accounts.scopes import SCOPES
from benchmarks.bench_policy import write_section
from contracts.tests.cast import signed_contract
from refundportal.api.tests.caller import bearer
from refundportal.api.tests.test_policy import FACTS
from refundportal.portal.tests.test_queries import furnished
from refundportal.portal.tests.visiting import Visitor
from refunds.tests.scene import LATER, Scene, make_scene, paid

ROUNDS = 60
APPLICATIONS = 20
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


@pytest.mark.django_db
def test_applying_in_three_steps_beside_its_calls(capsys):
    """W10: type, check, confirm, and see the acknowledgement; beside the calls that do the same."""
    with time_machine.travel(LATER, tick=True):
        scene = make_scene()
        alice = Visitor(scene.cast.alice)
        headers = bearer("payments:read", "refunds:read", "refunds:write", clients=[scene.cast.client])
        erp = Client(headers=headers)
        times = [_apply_both(scene, alice, erp) for _ in range(APPLICATIONS)]
    ours, theirs = (median(column) * 1000 for column in zip(*times, strict=True))
    ratios = sorted(page / calls for page, calls in times)
    table = [
        "| work | CPU ms | calls | CPU ms | ratio | least | greatest |",
        "|---|---:|---|---:|---:|---:|---:|",
        f"| W10 apply, six pages | {ours:.1f} | payment, 2 x quote, application, its state | {theirs:.1f} "
        f"| {ours / theirs:.2f} | {ratios[0]:.2f} | {ratios[-1]:.2f} |",
    ]
    text = (
        f"CPU time of the process, {APPLICATIONS} rounds in turn, each with a payment of its own: the first\n"
        "step shown and sent, answers checked, confirmed, acknowledgement read. The target is 2.0.\n"
        "`make bench-pages` writes this section.\n\n"
    )
    write_section("Applying beside the API", text + "\n".join(table))
    with capsys.disabled():
        print("\n".join(["", *table]))


def _apply_both(scene, alice, erp):
    ours, theirs = (
        Scene(scene.cast, contract, paid(scene.cast, contract))
        for contract in (signed_contract(scene.cast, title=title) for title in ("Page", "Calls"))
    )

    def in_the_browser():
        place = f"/payments/{ours.payment.number}/apply/"
        shown = [alice.get(place), alice.get(alice.apply(ours).headers["Location"])]
        shown.append(alice.get(alice.confirm(ours).headers["Location"]))
        assert [page.status_code for page in shown] == [200, 200, 200]

    def by_calls():
        payment = f"/api/v1/payments/{theirs.payment.pk}/"
        quoted = [erp.get(payment), erp.get(f"{payment}refund-quote/"), erp.get(f"{payment}refund-quote/")]
        assert [answer.status_code for answer in quoted] == [200, 200, 200]
        body = {
            "payment": str(theirs.payment.pk),
            "reason": "defects",
            "statement": "Orders get lost.",
            "expected_fingerprint": quoted[-1].json()["facts_fingerprint"],
        }
        key = {"Idempotency-Key": str(theirs.payment.pk)}
        sent = erp.post("/api/v1/refund-requests/", body, content_type="application/json", headers=key)
        assert sent.status_code == 201, sent.content
        assert erp.get(f"/api/v1/refund-requests/{sent.json()['id']}/").status_code == 200

    return _cpu_s(in_the_browser), _cpu_s(by_calls)


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
