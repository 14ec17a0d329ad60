import pytest
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder

from refundportal.health import HealthMiddleware
from refundportal.housekeeping import check_durability


def test_the_process_says_it_is_up_without_asking_the_database(client):
    # Without the mark for the database any query would fail this test.
    answer = client.get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_a_portal_with_its_database_is_ready(client):
    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["0001_users", "0002_api_clients_and_answers", "0004_role_changes"])
def test_a_portal_whose_database_lacks_a_migration_is_not_ready(client, name):
    MigrationRecorder(connection).record_unapplied("accounts", name)

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()) == (503, {"status": "migrations pending"})


def test_a_portal_that_lost_its_database_is_up_but_not_ready(client, monkeypatch):
    def lost(*_):
        raise OperationalError("server closed the connection")

    monkeypatch.setattr("refundportal.health.connection", type("Lost", (), {"cursor": lost}))

    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200


@pytest.mark.django_db
def test_a_ready_portal_is_asked_again_with_one_query(rf, django_assert_num_queries):
    middleware = HealthMiddleware(lambda request: None)
    middleware(rf.get("/readyz"))

    with django_assert_num_queries(1):
        assert middleware(rf.get("/readyz")).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.django_db
def test_machines_may_look_after_it_under_any_name_and_without_encryption(client, settings, path):
    settings.SECURE_SSL_REDIRECT = True

    assert client.get(path, headers={"Host": "10.1.2.3:8000"}).status_code == 200


@pytest.mark.postgresql
@pytest.mark.django_db
def test_a_database_that_may_forget_commits_is_refused_by_the_check():
    assert check_durability(databases=["default"]) == []

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")

    assert [fault.id for fault in check_durability(databases=["default"])] == ["refundportal.E002"]


@pytest.mark.postgresql
@pytest.mark.django_db
def test_who_waits_for_a_row_is_told_after_three_seconds():
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("3s",)
