"""The same call again, at a portal as it is served, also after a worker was killed in the middle of it."""

import os
import signal
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from django.db import connection, transaction

from accounts.models import IdempotencyRecord
from contracts.tests.cast import make_cast, signed_contract
from events.models import Event
from payments.models import Payment
from refundportal.api.tests.caller import api_client, token_for
from refunds.models import RefundRequest
from refunds.tests.scene import paid
from tests import served
from tests.faults.cutting import Cutter

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

CALLERS = 16


@pytest.fixture(scope="module")
def portal(django_db_setup, django_db_blocker):
    """One worker process, on the database of the tests."""
    with django_db_blocker.unblock():
        variables = served.environment_of_this_run()
    with served.serve(variables, workers=1) as running:
        yield running


@pytest.fixture
def payment():
    """Alice's payment, made an hour ago."""
    cast = make_cast()
    return paid(cast, signed_contract(cast), at=datetime.now(UTC) - timedelta(hours=1))


@pytest.fixture
def call(payment):
    """Apply for a refund of the payment at some portal, always under the same key."""
    token = token_for(api_client("refunds:write", "refunds:read", all_clients=True))

    def apply(portal, **fields):
        body = {"payment": str(payment.pk), "reason": "other", "statement": "Not what was agreed."}
        return httpx.post(
            f"{portal.url}/api/v1/refund-requests/",
            json={**body, **fields},
            headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "once"},
            timeout=30,
        )

    return apply


def effects():
    told = Event.objects.filter(type="refund_request.submitted").count()
    return RefundRequest.objects.count(), told, IdempotencyRecord.objects.count()


def told_by(answer):
    """What must be the same in every answer to one call."""
    kept = ("content-type", "etag", "location", "content-length")
    return answer.status_code, answer.content, {name: answer.headers.get(name) for name in kept}


def until_answered(call, portal):
    """Call as a careful system does: after a 409 that says "still running" or a lost connection, again."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            answer = call(portal)
        except httpx.TransportError:
            time.sleep(0.2)
            continue
        if answer.status_code not in (409, 503):
            return answer
        time.sleep(int(answer.headers["retry-after"]))
    raise AssertionError("no answer within 30 s")


@pytest.mark.parametrize(
    ("point", "left"), [("before_answer_is_kept", (0, 0, 0)), ("before_answer_is_sent", (1, 1, 1))]
)
def test_a_worker_that_is_killed_in_a_call_leaves_all_or_nothing_and_the_call_again_has_one_effect(
    portal, call, point, left
):
    doomed = served.environment_of_this_run(DEBUG_CRASH_POINTS="yes", CRASH_AT=point)
    with served.serve(doomed, workers=1) as dying, pytest.raises(httpx.TransportError):
        call(dying)
    assert effects() == left

    first, again = call(portal), call(portal)

    assert (first.status_code, effects()) == (201, (1, 1, 1))
    assert ("idempotent-replayed" in first.headers) is (left == (1, 1, 1))
    assert again.headers["idempotent-replayed"] == "true"
    assert told_by(again) == told_by(first)


def test_a_worker_killed_while_it_waits_for_a_row_leaves_nothing_behind(portal, call, payment):
    answers = []

    def doomed():
        try:
            answers.append(call(portal))
        except httpx.TransportError as error:
            answers.append(error)

    thread = threading.Thread(target=doomed)
    with transaction.atomic():
        Payment.objects.select_for_update().get(pk=payment.pk)
        thread.start()
        _wait_for_a_waiting_process()
        (worker,) = portal.workers()
        os.kill(worker, signal.SIGKILL)
        thread.join(20)
    assert isinstance(answers[0], httpx.TransportError)
    assert effects() == (0, 0, 0)

    first, again = until_answered(call, portal), call(portal)

    assert (first.status_code, again.status_code, effects()) == (201, 201, (1, 1, 1))
    assert told_by(again) == told_by(first)
    assert portal.workers() != [worker]


def _wait_for_a_waiting_process():
    end = time.monotonic() + 40
    with connection.cursor() as cursor:
        while time.monotonic() < end:
            cursor.execute("SELECT pg_stat_clear_snapshot()")  # within a transaction it would stay as it was
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0]:
                return
            time.sleep(0.02)
    raise AssertionError("nobody waits for the row")


class Always:
    """A chance that always falls the same way."""

    def __init__(self, value):
        self.random = lambda: value


@pytest.mark.parametrize(("chance", "left"), [(Always(0.1), (0, 0, 0)), (Always(0.9), (1, 1, 1))])
def test_a_commit_that_nobody_heard_the_end_of_is_read_back_by_the_key(portal, call, chance, left):
    port = f":{connection.settings_dict['PORT']}/"
    with closing(Cutter(int(port.strip(":/")), chance)) as cutter:
        variables = served.environment_of_this_run()
        variables["DATABASE_URL"] = variables["DATABASE_URL"].replace(port, f":{cutter.port}/")
        with served.serve(variables, workers=1) as far:
            cutter.share = 1.0
            lost = call(far)
    assert (lost.status_code, lost.json()["code"]) == (503, "service_unavailable")
    assert effects() == left

    first, again = call(portal), call(portal)

    assert (first.status_code, effects()) == (201, (1, 1, 1))
    assert ("idempotent-replayed" in first.headers) is (left == (1, 1, 1))
    assert told_by(again) == told_by(first)


def test_sixteen_callers_with_one_key_have_one_effect(portal, call):
    barrier = threading.Barrier(CALLERS)
    answers = []

    def together():
        barrier.wait(30)
        answers.append(call(portal))

    threads = [threading.Thread(target=together) for _ in range(CALLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    done = [answer for answer in answers if answer.status_code == 201]
    busy = [answer for answer in answers if answer.status_code == 409]
    assert len(done) + len(busy) == CALLERS
    assert effects() == (1, 1, 1)
    assert sum("idempotent-replayed" not in answer.headers for answer in done) == 1
    assert all(told_by(answer) == told_by(done[0]) for answer in done)
    assert {answer.json()["code"] for answer in busy} <= {"idempotency_key_in_use"}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in busy)


def test_another_body_under_the_key_is_refused_and_changes_nothing(portal, call):
    first = call(portal)

    other = call(portal, statement="Other words.")

    assert (first.status_code, other.status_code) == (201, 422)
    assert (other.json()["code"], other.headers["content-type"]) == (
        "idempotency_key_reused",
        "application/problem+json",
    )
    assert effects() == (1, 1, 1)
    assert told_by(call(portal)) == told_by(first)
