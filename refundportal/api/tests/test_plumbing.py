"""Pages, versions, pointers and limits, each by itself."""

import time
from uuid import UUID

import pytest
from django.core.cache import cache
from django.db import DatabaseError, OperationalError

from accounts.idempotency import StillRunning
from accounts.principals import SYSTEM
from contracts.models import Client
from contracts.services import create_client
from contracts.tests.cast import NOW
from kernel.errors import Fault, InvalidInput
from kernel.ids import new_id
from kernel.money import Money
from refundportal.api import throttles
from refundportal.api.handler import answer_problem
from refundportal.api.tests.caller import Caller
from refundportal.web.etags import PreconditionFailed, etag_of, require_match
from refundportal.web.pages import Cursor, InvalidCursor, page_of
from refundportal.web.problems import pointer_of, problem_of


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ("", ""),
        ("amount", "/amount"),
        ("stages[1].amount", "/stages/1/amount"),
        ("work[0].items[10].weight", "/work/0/items/10/weight"),
        ("values.AC-1", "/values/AC-1"),
        ("a~b", "/a~0b"),
        ("a/b", "/a~1b"),
    ],
)
def test_a_path_becomes_a_json_pointer(path, pointer):
    assert pointer_of(path) == pointer


@pytest.mark.parametrize("name", ["AC.1", "a[0]", "", "~/", "non_field_errors", "/x"])
def test_the_pointer_of_a_fault_leads_to_the_place_whatever_a_name_holds(cast, erp, name):
    escaped = name.replace("~", "~0").replace("/", "~1")
    unknown = erp.patch(f"clients/{cast.client.pk}/", {name: 1}).json()
    twice = erp.post("usage-records/", {"records": []}, raw=f'{{"a.b": {{"{name}": 1, "{name}": 2}}}}').json()

    assert [fault["pointer"] for fault in unknown["errors"]] == [f"/{escaped}"]
    assert twice["code"] == "invalid_json"
    assert [(fault["pointer"], fault["code"]) for fault in twice["errors"]] == [
        (f"/a.b/{escaped}", "double_key")
    ]


def test_a_name_that_no_text_can_hold_is_refused_without_being_said(cast, erp):
    answer = erp.post("usage-records/", raw='{"\\ud800": 1, "\\ud800": {"a": "\\u0000"}}')

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_json")


def test_a_problem_keeps_its_standard_members_whatever_the_refusal_carries():
    error = InvalidInput(
        "No.", faults=[Fault(path="a", message="b")], owed=Money(150, "EUR"), who=UUID(int=1)
    )
    error.data["status"] = "captured"

    members = problem_of(error).as_json()

    assert members["status"] == 400
    assert members["owed"] == {"amount": "1.50", "currency": "EUR"}
    assert members["who"] == "00000000-0000-0000-0000-000000000001"
    assert members["errors"] == [{"pointer": "/a", "detail": "b", "code": "invalid"}]


def names(page):
    return [row.name for row in page.rows]


def enter_clients(count):
    for number in range(count):
        create_client(
            principal=SYSTEM, kind="business", name=f"{number}", email=f"c{number}@example.com", now=NOW
        )
    return [row.name for row in Client.objects.order_by("-id")]


@pytest.mark.django_db
def test_pages_go_on_by_key_in_both_directions_without_gap_or_repetition():
    everybody, rows = enter_clients(7), Client.objects.all()

    first = page_of(rows, size=3)
    second = page_of(rows, cursor=first.next, size=3)
    last = page_of(rows, cursor=second.next, size=3)
    back = page_of(rows, cursor=last.previous, size=3)
    start = page_of(rows, cursor=back.previous, size=3)

    assert [names(page) for page in (first, second, last)] == [everybody[:3], everybody[3:6], everybody[6:]]
    assert (first.previous, last.next) == (None, None)
    assert (names(back), names(start)) == (names(second), names(first))
    assert start.previous is None
    assert names(page_of(rows, cursor=start.next, size=3)) == names(second)


@pytest.mark.django_db
def test_rows_that_come_while_one_reads_move_no_page():
    everybody, rows = enter_clients(4), Client.objects.all()
    first = page_of(rows, size=2)
    time.sleep(0.002)
    create_client(principal=SYSTEM, kind="business", name="new", email="new@example.com", now=NOW)

    assert names(page_of(rows, cursor=first.next, size=2)) == everybody[2:]


def test_a_cursor_is_read_back_as_it_was_written():
    cursor = Cursor("before", new_id())

    assert Cursor.parse(cursor.text) == cursor


@pytest.mark.parametrize("text", ["", "a", "YQ", "%%%", "ä", "é" * 24, "eA" * 12, "x" * 40])
def test_a_text_that_is_no_cursor_is_refused(text):
    with pytest.raises(InvalidCursor):
        Cursor.parse(text)


def test_the_etag_changes_exactly_with_what_is_shown():
    assert etag_of({"a": 1, "b": [2]}) == etag_of({"b": [2], "a": 1})
    assert etag_of({"a": 1}) != etag_of({"a": "1"})


@pytest.mark.parametrize("if_match", ["*", " * ", '"a"', '"b", "a"', '"b" , "a" '])
def test_if_match_holds_when_one_of_its_tags_is_the_present_one(if_match):
    require_match(if_match, '"a"')


@pytest.mark.parametrize("if_match", ['"b"', 'W/"a"', '"A"', '"b", W/"a"'])
def test_if_match_fails_for_other_tags_and_for_weak_ones(if_match):
    with pytest.raises(PreconditionFailed):
        require_match(if_match, '"a"')


def test_calls_above_the_limit_of_a_minute_wait_for_the_next_one():
    at = 1_800_000_030

    waits = [throttles.count("x", 2, clock=lambda: at) for _ in range(3)]

    assert waits == [None, None, 30]
    assert throttles.count("x", 2, clock=lambda: at + 30) is None
    assert throttles.count("y", 2, clock=lambda: at) is None


@pytest.mark.parametrize("error", [DatabaseError("down"), ConnectionError("down")])
def test_a_cache_that_is_down_limits_nobody(monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(cache, "add", fail)

    assert throttles.count("x", 0) is None


def test_a_caller_above_the_limit_is_told_when_to_come_back(cast, settings):
    settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]["client"] = 2
    try:
        erp = Caller("contracts:read", clients=[cast.client])
        other = Caller("contracts:read", clients=[cast.client])

        answers = [erp.get("clients/") for _ in range(3)]

        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert 1 <= int(answers[-1]["Retry-After"]) <= 60
        assert answers[-1]["Content-Type"] == "application/problem+json"
        assert other.get("clients/").status_code == 200
    finally:
        settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]["client"] = 1200


def test_somebody_who_tries_tokens_is_stopped(cast, client):
    statuses = [
        client.get("/api/v1/clients/", headers={"Authorization": f"Bearer {number}"}).status_code
        for number in range(32)
    ]

    assert statuses == [401] * 30 + [429] * 2


@pytest.mark.parametrize(
    ("state", "status"), [("55P03", 503), ("40P01", 503), ("40001", 503), ("08006", None), (None, None)]
)
def test_a_database_that_is_busy_is_told_apart_from_one_that_is_broken(state, status):
    error = OperationalError("what happened")
    error.__cause__ = type("Driver", (Exception,), {"pgcode": state})()

    answer = answer_problem(error, {})

    assert (answer.status_code if answer else None) == status


def test_a_call_that_is_still_running_is_told_with_the_time_to_wait():
    problem = problem_of(StillRunning(retry_after=1))

    assert (problem.status, problem.code, problem.headers) == (
        409,
        "idempotency_key_in_use",
        {"Retry-After": "1"},
    )
    assert "retry_after" not in problem.as_json()
