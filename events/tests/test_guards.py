"""The database refuses by itself: every kind of guard is seen to refuse, and a lost one is found."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, models, transaction

from events import guards
from events.models import Delivery, Event, EventPosition, NumberSeries, Seal
from events.numbers import next_number
from events.tests.journal import an_event, ordered, run_sql, sealed
from kernel.states import edges

pytestmark = pytest.mark.django_db

LAMP = edges("off -> on broken\non -> off broken")
RULES = (
    *guards.starts_as("sample", "lamp", "off"),
    *guards.only_edges("sample", "lamp", LAMP),
    *guards.frozen("sample", "fixed"),
    *guards.frozen("sample", "once", once_set=True),
    *guards.refuse("sample", "DELETE", "a burning lamp isn't thrown away", "OLD.lamp = 'on'"),
    *guards.refuse_after_looking(
        "sample_log",
        "INSERT",
        "a line isn't about a lamp that is 'off'",
        "NEW.line = 'It burns.' AND EXISTS (SELECT 1 FROM sample s WHERE s.id = NEW.id AND s.lamp = 'off')",
    ),
    *guards.append_only("sample_log"),
)
ON_SQLITE = connection.vendor == "sqlite"


@pytest.fixture
def sample(monkeypatch):
    """Two guarded tables with a row each: a lamp that is off, and a log."""
    monkeypatch.setattr(guards, "_registered", dict(guards._registered))
    run_sql("CREATE TABLE sample (id integer PRIMARY KEY, lamp text, fixed text, once text)")
    run_sql("CREATE TABLE sample_log (id integer PRIMARY KEY, line text UNIQUE)")
    guards.register(RULES)
    guards.install()
    run_sql("INSERT INTO sample VALUES (1, 'off', 'a', NULL)")
    run_sql("INSERT INTO sample_log VALUES (1, 'first')")


def refused(statement, message):
    with pytest.raises(IntegrityError, match=message), transaction.atomic():
        run_sql(statement)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("INSERT INTO sample VALUES (2, 'on', 'a', NULL)", "lamp does not start there"),
        ("INSERT INTO sample VALUES (2, NULL, 'a', NULL)", "lamp does not start there"),
        ("UPDATE sample SET lamp = 'shining'", "lamp cannot move there"),
        ("UPDATE sample SET lamp = NULL", "lamp cannot move there"),
        ("UPDATE sample SET fixed = 'b'", "fixed is never changed"),
        ("UPDATE sample SET fixed = NULL", "fixed is never changed"),
        ("UPDATE sample_log SET line = 'other'", "sample_log are never changed"),
        ("UPDATE sample_log SET line = line", "sample_log are never changed"),
        ("DELETE FROM sample_log", "sample_log are never deleted"),
    ],
)
@pytest.mark.usefixtures("sample")
def test_a_guard_refuses(statement, message):
    refused(statement, message)


@pytest.mark.usefixtures("sample")
def test_a_state_moves_along_its_edges_only():
    run_sql("UPDATE sample SET lamp = 'on'")
    run_sql("UPDATE sample SET lamp = 'on'")
    run_sql("UPDATE sample SET lamp = 'broken'")

    refused("UPDATE sample SET lamp = 'off'", "lamp cannot move there")


@pytest.mark.usefixtures("sample")
def test_a_value_that_may_be_set_once_is_set_once():
    run_sql("UPDATE sample SET once = 'a'")
    run_sql("UPDATE sample SET once = 'a'")

    refused("UPDATE sample SET once = 'b'", "once is never changed")
    refused("UPDATE sample SET once = NULL", "once is never changed")


@pytest.mark.usefixtures("sample")
def test_a_condition_decides_and_its_message_may_hold_a_quote():
    run_sql("UPDATE sample SET lamp = 'on'")

    refused("DELETE FROM sample", "isn't thrown away")

    run_sql("UPDATE sample SET lamp = 'off'")
    run_sql("DELETE FROM sample")


@pytest.mark.usefixtures("sample")
def test_a_condition_may_look_at_other_rows():
    run_sql("INSERT INTO sample VALUES (5, 'off', 'a', NULL)")
    refused("INSERT INTO sample_log VALUES (5, 'It burns.')", "about a lamp that is 'off'")

    run_sql("UPDATE sample SET lamp = 'on' WHERE id = 5")
    run_sql("INSERT INTO sample_log VALUES (5, 'It burns.')")


@pytest.mark.usefixtures("sample")
def test_a_row_is_not_replaced_by_writing_it_anew():
    if ON_SQLITE:
        refused("INSERT OR REPLACE INTO sample_log VALUES (2, 'first')", "never deleted")
        refused("REPLACE INTO sample_log VALUES (1, 'other')", "never deleted")
    else:
        refused(
            "INSERT INTO sample_log VALUES (1, 'other') ON CONFLICT (id) DO UPDATE SET line = excluded.line",
            "never changed",
        )


@pytest.mark.postgresql
@pytest.mark.usefixtures("sample")
def test_a_table_is_not_emptied_at_once():
    refused("TRUNCATE sample_log", "sample_log are never deleted")
    refused("TRUNCATE sample_log CASCADE", "sample_log are never deleted")


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: Event.objects.update(type="payment.voided"), "events_event are never changed"),
        (lambda: Event.objects.all()._raw_delete("default"), "events_event are never deleted"),
        (lambda: Seal.objects.update(root="0" * 64), "events_seal are never changed"),
        (lambda: Seal.objects.all()._raw_delete("default"), "events_seal are never deleted"),
        (lambda: EventPosition.objects.update(number=7), "number is never changed"),
        (lambda: EventPosition.objects.update(number=None), "number is never changed"),
        (lambda: EventPosition.objects.all()._raw_delete("default"), "eventposition are never deleted"),
        (lambda: NumberSeries.objects.update(last=0), "a number is never given again"),
        (lambda: NumberSeries.objects.all()._raw_delete("default"), "numberseries are never deleted"),
        (
            lambda: Delivery.objects.create(event=an_event(), channel="email", state="delivered"),
            "does not start",
        ),
    ],
)
def test_the_journal_refuses_to_be_rewritten(act, message):
    sealed(1)
    next_number("RR", 2026)

    with pytest.raises(IntegrityError, match=message), transaction.atomic():
        act()


def test_every_declared_guard_stands_in_the_database():
    assert guards.missing_or_changed() == []
    assert len(guards.present()) == len(guards.registered()) - (
        sum(guard.operation == "TRUNCATE" for guard in guards.registered()) if ON_SQLITE else 0
    )


def drop(name):
    table, _ = guards.present()[name]
    run_sql(f"DROP TRIGGER {name}" + ("" if ON_SQLITE else f" ON {table}"))


def a_guard():
    return next(guard for guard in guards.registered() if guard.table == "events_event")


def check_database():
    call_command(
        "check", "--tag", "database", "--database", "default", stdout=io.StringIO(), stderr=io.StringIO()
    )


def test_the_system_check_names_a_dropped_guard():
    guard = a_guard()
    drop(guard.trigger)

    with pytest.raises(CommandError, match=f"events_event: {guard.name}"):
        check_database()


def test_the_system_check_names_a_guard_that_was_weakened():
    guard = a_guard()
    drop(guard.trigger)
    weak = guards.Guard(
        table=guard.table,
        name=guard.name,
        operation=guard.operation,
        message=guard.message,
        condition="1 = 0",
    )
    run_sql(guards.create_sql(weak, connection.vendor).replace("%", "%%"))

    with pytest.raises(CommandError, match=f"events_event: {guard.name}"):
        check_database()


def test_the_system_check_names_a_guard_that_nobody_declared(monkeypatch):
    guard = a_guard()
    monkeypatch.setattr(guards, "_registered", dict(guards._registered))
    del guards._registered[guard.trigger]

    with pytest.raises(CommandError, match=guard.trigger):
        check_database()

    guards.install()
    check_database()


@pytest.mark.postgresql
def test_the_system_check_names_a_guard_that_was_switched_off_and_installing_mends_it():
    guard = a_guard()
    run_sql(f"ALTER TABLE {guard.table} DISABLE TRIGGER {guard.trigger}")

    with pytest.raises(CommandError, match=f"events_event: {guard.name}"):
        check_database()

    guards.install()
    check_database()


@pytest.mark.postgresql
@pytest.mark.parametrize("name", sorted(guards.FUNCTIONS))
def test_the_system_check_names_a_function_that_refuses_no_longer_and_installing_mends_it(name):
    run_sql(
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
    )
    sealed(1)
    if name == guards.FUNCTION:
        Seal.objects.update(root="0" * 64)

    with pytest.raises(CommandError, match=f"function {name}"):
        check_database()

    guards.install()
    with pytest.raises(IntegrityError), transaction.atomic():
        Seal.objects.update(root="1" * 64)


def test_lifted_guards_come_back_even_after_a_failure():
    ordered(1)

    with pytest.raises(ZeroDivisionError), guards.lifted():
        EventPosition.objects.update(number=1 / 0)

    assert guards.missing_or_changed() == []


def test_lifting_deletion_leaves_the_rest_in_place():
    ordered(1)

    with guards.lifted(), pytest.raises(IntegrityError), transaction.atomic():
        Event.objects.update(type="payment.voided")


@pytest.mark.django_db(transaction=True)
def test_migrating_puts_back_a_guard_that_was_dropped():
    drop(a_guard().trigger)

    call_command("migrate", verbosity=0)

    assert guards.missing_or_changed() == []


@pytest.mark.django_db(transaction=True)
def test_guards_outlive_an_altered_table_on_sqlite_too():
    sealed(1)
    old = Seal._meta.get_field("root")
    new = models.CharField(max_length=65)
    new.set_attributes_from_name("root")

    with connection.schema_editor() as editor:
        editor.alter_field(Seal, old, new)
    lost = guards.missing_or_changed()
    call_command("migrate", verbosity=0)

    assert bool(lost) == ON_SQLITE
    assert guards.missing_or_changed() == []
    with pytest.raises(IntegrityError, match="never changed"):
        Seal.objects.update(root="0" * 64)
    with connection.schema_editor() as editor:
        editor.alter_field(Seal, new, old)
    guards.install()


@pytest.mark.django_db(transaction=True)
def test_guards_step_aside_for_migrations_only_when_there_are_some():
    guards.before_migrations(using="default", plan=[])
    assert guards.missing_or_changed() == []

    guards.before_migrations(using="default", plan=["a migration"])
    assert guards.present() == {}

    guards.after_migrations(using="default")
    assert guards.missing_or_changed() == []
