import sqlite3

import pytest
from django.db import InterfaceError, connection
from django.test import Client

from contracts.models import Client as ClientRow
from contracts.tests.cast import make_cast
from refundportal.api.tests.caller import api_client, token_for
from refundportal.web.unavailable import error_page, is_database_away

NEEDS_WRITES = {"kind": "business", "name": "New", "email": "new@new.example"}


def driver_error(kind, **about):
    """An error as the driver of this database would raise it."""
    return type("Told", (getattr(connection.Database, kind),), about)("what happened")


@pytest.mark.postgresql
@pytest.mark.parametrize(
    ("state", "away"),
    [
        *[(state, True) for state in (None, "08006", "53100", "53300", "57P01", "57P03", "25006", "58030")],
        *[(state, False) for state in ("57014", "42P01", "23505", "40P01")],
    ],
)
def test_a_database_that_cannot_serve_is_told_from_a_bug(state, away):
    assert is_database_away(driver_error("OperationalError", pgcode=state)) is away


def test_an_error_of_the_program_is_no_database_that_is_away():
    assert not is_database_away(ZeroDivisionError())
    assert not is_database_away(sqlite3.ProgrammingError("no such table"))


@pytest.fixture
def caller(db):
    make_cast()
    token = token_for(api_client("contracts:write", all_clients=True))
    client = Client(raise_request_exception=False)

    def call():
        return client.post(
            "/api/v1/clients/",
            NEEDS_WRITES,
            content_type="application/json",
            headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "once"},
        )

    return call


def take_no_writes(on):
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"PRAGMA query_only = {'ON' if on else 'OFF'}")
        else:
            cursor.execute(f"SET default_transaction_read_only = {'on' if on else 'off'}")


@pytest.mark.django_db(transaction=True)
def test_a_call_while_the_database_takes_no_writes_is_told_to_come_back_and_leaves_nothing(caller):
    before = ClientRow.objects.count()
    take_no_writes(True)
    try:
        answer = caller()
    finally:
        take_no_writes(False)

    assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
    assert answer.headers["Retry-After"] == "5"
    assert ClientRow.objects.count() == before
    assert caller().status_code == 201


@pytest.mark.postgresql
def test_a_page_says_that_nothing_is_half_done(rf):
    try:
        raise InterfaceError("connection already closed") from driver_error("InterfaceError")
    except InterfaceError:
        answer = error_page(rf.get("/"))

    assert answer.status_code == 503
    assert b"either kept whole or not at all" in answer.content


def test_a_bug_stays_a_bug(rf):
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        answer = error_page(rf.get("/"))

    assert answer.status_code == 500
