import threading
import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import OperationalError, connection

from accounts.idempotency import TRIES_MAX, IdempotencyKeyReused, StillRunning, StoredAnswer, run_once
from accounts.models import IdempotencyRecord, User
from accounts.services import purge_old_records
from kernel.errors import DomainError

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
PRINCIPAL = "api:erp"


class Refused(DomainError):
    code = "over_the_rest"


class Calls:
    """Work that counts how often it was done, with an effect in the database."""

    def __init__(self, status=201, error=None):
        self.count, self.status, self.error = 0, status, error

    def __call__(self):
        self.count += 1
        User.objects.create(email=f"{uuid4().hex}@example.com", name="Effect")
        if self.error:
            raise self.error
        return StoredAnswer(status=self.status, headers={"Location": "/1"}, body=b'{"n": 1}')


def refusal(error):
    return StoredAnswer(status=422, body=error.code.encode())


def call(work, *, key="k1", fingerprint="a" * 64, principal=PRINCIPAL, refusal=refusal, now=NOW):
    return run_once(
        principal=principal, key=key, fingerprint=fingerprint, work=work, refusal=refusal, now=now
    )


@pytest.mark.django_db
def test_the_same_call_again_gets_the_first_answer_and_has_no_second_effect():
    work = Calls()
    first = call(work)

    again = call(work)

    assert (first.replayed, again.replayed) == (False, True)
    assert (again.status, again.headers, again.body) == (201, {"Location": "/1"}, b'{"n": 1}')
    assert (work.count, User.objects.count()) == (1, 1)


@pytest.mark.django_db
def test_the_same_key_with_another_call_is_refused():
    work = Calls()
    call(work)

    with pytest.raises(IdempotencyKeyReused):
        call(work, fingerprint="b" * 64)

    assert work.count == 1


@pytest.mark.django_db
@pytest.mark.parametrize("other", [{"key": "k2"}, {"principal": "api:other"}])
def test_another_key_or_another_principal_is_another_call(other):
    work = Calls()
    call(work)

    call(work, **other)

    assert work.count == 2


@pytest.mark.django_db
def test_a_refusal_undoes_the_work_and_is_the_stored_answer():
    work = Calls(error=Refused())
    first = call(work)

    again = call(work)

    assert (first.status, first.body, again.status, again.replayed) == (422, b"over_the_rest", 422, True)
    assert (work.count, User.objects.count()) == (1, 0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("status", [401, 403, 409, 412, 429, 500, 503])
def test_an_answer_that_says_not_now_is_given_but_leaves_nothing(status):
    work = Calls(status=status)

    answer = call(work)

    assert (answer.status, answer.replayed) == (status, False)
    assert (IdempotencyRecord.objects.count(), User.objects.count()) == (0, 0)
    call(work)
    assert work.count == 2


@pytest.mark.django_db(transaction=True)
def test_a_refusal_that_is_a_conflict_leaves_nothing():
    work = Calls(error=Refused())

    answer = call(work, refusal=lambda error: StoredAnswer(status=409))

    assert (answer.status, IdempotencyRecord.objects.count(), User.objects.count()) == (409, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_a_fault_of_ours_leaves_nothing_behind():
    with pytest.raises(ZeroDivisionError):
        call(Calls(error=ZeroDivisionError()))

    assert (IdempotencyRecord.objects.count(), User.objects.count()) == (0, 0)


def tie(state):
    """What the database says when it has broken a tie, or found something else wrong."""
    error = OperationalError("a tie")
    error.__cause__ = type("Driver", (Exception,), {"pgcode": state})()
    return error


class Ties(Calls):
    """Work whose first tries end in an error of the database."""

    def __init__(self, *errors):
        super().__init__()
        self.errors = list(errors)

    def __call__(self):
        answer = super().__call__()
        if self.errors:
            raise self.errors.pop(0)
        return answer


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("state", ["40P01", "40001"])
def test_a_call_that_lost_a_tie_is_done_again_as_a_whole(state):
    work = Ties(tie(state), tie(state))

    answer = call(work)

    assert (answer.status, work.count) == (201, TRIES_MAX)
    assert (IdempotencyRecord.objects.count(), User.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("errors", "tries"), [([tie("40P01")] * 3, 3), ([tie("55P03")], 1)])
def test_a_call_that_goes_on_losing_or_waits_for_a_row_gives_up(errors, tries):
    work = Ties(*errors)

    with pytest.raises(OperationalError):
        call(work)

    assert (work.count, IdempotencyRecord.objects.count(), User.objects.count()) == (tries, 0, 0)


@pytest.mark.django_db
def test_every_record_that_is_left_holds_an_answer():
    call(Calls())
    call(Calls(error=Refused()), key="k2")

    assert not IdempotencyRecord.objects.filter(status=None).exists()


@pytest.mark.django_db
@pytest.mark.parametrize(("age", "left"), [(timedelta(days=7), 1), (timedelta(days=7, microseconds=1), 0)])
def test_answers_are_kept_for_seven_days(age, left):
    call(Calls(), now=NOW - age)

    purge_old_records(now=NOW)

    assert IdempotencyRecord.objects.count() == left


def in_threads(*functions):
    """Run functions at once, each on its own connection; return what each returned or raised."""
    results = [None] * len(functions)
    barrier = threading.Barrier(len(functions))

    def run(place):
        try:
            barrier.wait(10)
            results[place] = functions[place]()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            results[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[place]) for place in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


@pytest.mark.django_db(transaction=True)
def test_sixteen_calls_under_one_key_at_once_have_one_effect():
    work = Calls()

    answers = in_threads(*[lambda: call(work)] * 16)

    assert work.count == 1
    assert {answer.body for answer in answers} == {b'{"n": 1}'}
    assert sorted(answer.replayed for answer in answers) == [False] + [True] * 15


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_call_waits_three_seconds_for_the_first_and_is_then_told_to_come_back():
    started, finish = threading.Event(), threading.Event()

    def slow():
        started.set()
        finish.wait(30)
        return StoredAnswer(status=201)

    def second():
        started.wait(10)
        since = time.monotonic()
        try:
            call(Calls())
        except StillRunning as error:
            return time.monotonic() - since, error.data["retry_after"]
        finally:
            finish.set()

    first, (waited, retry_after) = in_threads(lambda: call(slow), second)

    assert first.status == 201
    assert 2.5 < waited < 6
    assert retry_after == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_call_whose_first_try_failed_while_it_waited_does_the_work_itself():
    started, finish = threading.Event(), threading.Event()

    def failing():
        started.set()
        finish.wait(30)
        raise ZeroDivisionError

    def second():
        started.wait(10)
        threading.Timer(0.5, finish.set).start()
        return call(Calls())

    first, answer = in_threads(lambda: call(failing), second)

    assert isinstance(first, ZeroDivisionError)
    assert (answer.status, answer.replayed) == (201, False)


@pytest.mark.django_db
@pytest.mark.parametrize("status", [409, 422])
def test_what_a_refusal_leaves_behind_remains_although_the_act_is_undone(status):
    error = Refused()
    error.aftermath = lambda: User.objects.create(email="trace@example.com", name="Trace")
    work = Calls(error=error)

    call(work, refusal=lambda _: StoredAnswer(status=status))

    assert [user.name for user in User.objects.all()] == ["Trace"]


@pytest.mark.django_db
def test_a_replayed_refusal_leaves_no_second_trace():
    error = Refused()
    error.aftermath = lambda: User.objects.create(email=f"{uuid4().hex}@example.com", name="Trace")
    work = Calls(error=error)

    call(work)
    again = call(work)

    assert again.replayed
    assert User.objects.count() == 1
