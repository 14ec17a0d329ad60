"""What is promised about events is what happens: types, subjects and fields."""

import ast
import json
import re
from pathlib import Path

import pytest
from django.conf import settings
from jsonschema import Draft202012Validator

from events.management.commands.event_catalogue import MARK, catalogue
from events.models import Delivery, Event
from events.schemas import TYPES
from events.tests.journal import an_event
from events.tests.receivers import LOOPBACK, receiver
from events.tests.webhooks import an_endpoint, everybody_sees_a_client, wait_for
from events.webhooks import audience
from events.webhooks.postman import postman
from refundportal.beat import Beat
from refundportal.bell import Rope
from tests.test_architecture import ROOMS, product_files, tree_of
from tests.test_demo import demo  # noqa: F401 - a fixture

TYPE = re.compile(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*")
TELLING = re.compile(r"record_event|_?tell(_[a-z]+)?")


def faults_of(event):
    known = TYPES.get(event.type)
    if known is None:
        return [f"{event.type} is not in the table"]
    faults = [
        f"{error.json_path}: {error.message}" for error in validator(event.type).iter_errors(event.data)
    ]
    if event.subject_type != known.subject:
        faults.append(f"is about a {event.subject_type}")
    return [f"{event.type} {fault}" for fault in faults]


def validator(name):
    return Draft202012Validator(TYPES[name].schema)


@pytest.mark.django_db(transaction=True)
def test_every_event_of_the_demonstration_is_as_the_documentation_says(demo):  # noqa: F811
    demo()

    events = list(Event.objects.all())
    assert {fault for event in events for fault in faults_of(event)} == set()
    assert len({event.type for event in events}) >= 40


@pytest.mark.django_db(transaction=True)
def test_with_no_bell_at_all_the_beat_brings_every_event_to_its_receiver(settings, monkeypatch):
    settings.WEBHOOK_NETWORKS = LOOPBACK
    monkeypatch.setattr(audience._register, "find", everybody_sees_a_client)
    beat = Beat({"events.tasks.sequence_events": 1, "events.tasks.deliver_webhooks": 1}, Rope())
    with receiver() as erp:
        an_endpoint(erp.url, ["payment.captured"])
        beat.start()
        events = [an_event() for _ in range(5)]
        wait_for(lambda: len(erp.calls) >= 5)
        beat.stop()
        assert postman.rest(20)

    assert sorted(headers["webhook-id"] for headers, _ in erp.calls) == sorted(str(one.pk) for one in events)
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}


def patterns(call):
    """The types that a call tells, as regular expressions."""
    named = [keyword.value for keyword in call.keywords if keyword.arg == "type"]
    for value in [node for given in [*call.args[:1], *named] for node in ast.walk(given)]:
        if isinstance(value, ast.Constant) and isinstance(value.value, str) and TYPE.fullmatch(value.value):
            yield re.escape(value.value)
        elif isinstance(value, ast.JoinedStr):
            parts = [
                re.escape(str(part.value)) if isinstance(part, ast.Constant) else "[a-z_]+"
                for part in value.values
            ]
            yield "".join(parts)


def told_in_the_code():
    found = set()
    for path in product_files(*ROOMS):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Call):
                name = (
                    node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                )
                if TELLING.fullmatch(name):
                    found |= set(patterns(node))
    return found


def test_every_type_that_the_code_tells_is_in_the_table_and_no_other():
    told = told_in_the_code() | {"webhook_endpoint.tested"}

    assert len(told) > 50
    assert {one for one in told if not any(re.fullmatch(one, name) for name in TYPES)} == set()
    assert {name for name in TYPES if not any(re.fullmatch(one, name) for one in told)} == set()


def test_the_catalogue_in_the_documentation_is_the_table():
    """If this fails: `manage.py event_catalogue docs/events.md`."""
    text = Path(settings.BASE_DIR, "docs", "events.md").read_text(encoding="utf-8")

    assert text.partition(MARK)[2] == catalogue()


def test_the_entry_in_the_documentation_is_one_that_could_be():
    text = Path(settings.BASE_DIR, "docs", "events.md").read_text(encoding="utf-8")
    entry = json.loads(re.findall(r"```json\n(.+?)```", text, re.DOTALL)[0])

    assert faults_of(Event(type=entry["type"], subject_type=entry["subject_type"], data=entry["data"])) == []


GOOD = {"number": "C-2026-0001", "version": 2, "deviates_from_policy": False}


@pytest.mark.parametrize(
    "change",
    [
        {"number": "Alice's contract"},
        {"version": "2"},
        {"version": -1},
        {"deviates_from_policy": None},
        {"note": "prose"},
        {"number": None},
    ],
)
def test_the_schemas_refuse_what_was_not_promised(change):
    assert not list(validator("terms.published").iter_errors(GOOD))

    assert list(validator("terms.published").iter_errors({**GOOD, **change}))


def test_a_promised_field_that_is_missing_is_a_fault():
    for name in GOOD:
        rest = {key: value for key, value in GOOD.items() if key != name}
        assert list(validator("terms.published").iter_errors(rest))


@pytest.mark.parametrize("name", TYPES)
def test_every_schema_is_a_schema(name):
    Draft202012Validator.check_schema(TYPES[name].schema)
