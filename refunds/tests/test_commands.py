"""Commands: replay of all decisions, and what could be refunded now."""

import json
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command

from contracts.services import accept_delivery
from contracts.tests.cast import NOW, delivered_stage, stage_named
from events.guards import lifted
from refunds import services, tasks
from refunds.models import Decision
from refunds.progress import Progress
from refunds.tests.scene import LATER, Scene, applied, approve, in_review, make_scene, paid
from refunds.tests.test_conversation import add_file
from refunds.tests.test_established import assessed
from refunds.tests.test_facts import calls, use
from refunds.tests.test_reviewing import asked

pytestmark = pytest.mark.django_db


def run(name: str) -> str:
    out = StringIO()
    call_command(name, stdout=out, stderr=StringIO())
    return out.getvalue()


@pytest.fixture
def decided(delivered):
    """One decision in part, with usage."""
    use(delivered, calls("1000"))
    request = in_review(delivered)
    assessed(delivered, request, {"AC-1": "1", "AC-2": "1/3"})
    services.propose_answer(principal=delivered.cast.as_rita, request_id=request.pk, now=LATER)
    return approve(delivered, request)


def test_stored_decisions_give_themselves_again(delivered, decided):
    other = Scene(delivered.cast, delivered.contract, paid(delivered.cast, delivered.contract, "S2"))
    applied(other, now=other.payment.deadline)

    assert run("replay_decisions") == "2 decisions checked, 0 differing\n"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda row: row.answer.update(refund="0.01"), "another answer: refund"),
        (lambda row: row.answer.update(reasons=["full_refund"]), "another answer: reasons"),
        (lambda row: row.facts["usage"][0].update(quantity="999"), "another answer"),
        (lambda row: row.facts.update(client_type="cat"), "cannot be evaluated"),
        (lambda row: setattr(row, "refund_minor", row.refund_minor - 1), "its row says something else"),
    ],
)
def test_a_decision_that_was_changed_is_found(decided, change, told):
    row = Decision.objects.get()
    change(row)
    with lifted(operations=("UPDATE",)):
        row.save()

    with pytest.raises(CommandError) as failure:
        call_command("replay_decisions", stdout=(out := StringIO()), stderr=StringIO())

    assert failure.value.returncode == 1
    assert told in out.getvalue()
    assert out.getvalue().endswith("1 decisions checked, 1 differing\n")


def test_a_decision_is_an_interchange_object_of_its_own(decided):
    row = Decision.objects.get()

    assert json.loads(json.dumps(row.facts)) == row.facts
    assert row.answer["policy_version"] == row.policy_version == "1"


@time_machine.travel(LATER, tick=False)
def test_the_portfolio_adds_up_open_windows_by_contract(scene):
    paid(scene.cast, scene.contract, "S2")
    delivered_stage(scene.cast, scene.contract, "S2", at=NOW)
    accept_delivery(principal=scene.cast.as_alice, stage_id=stage_named(scene.contract, "S2").pk, now=LATER)

    lines = run("portfolio").splitlines()

    number = scene.contract.number
    assert lines == [
        f"{number}: 2 open, EUR paid 1500.00, refundable now 1000.00, at most 1000.00",
        "total: EUR paid 1500.00, refundable now 1000.00, at most 1000.00",
        f"2 open windows as of {LATER.isoformat()}",
    ]


def test_the_portfolio_leaves_closed_windows_out(scene):
    with time_machine.travel(scene.payment.deadline, tick=False):
        assert run("portfolio").startswith("0 open windows")


def test_what_still_has_to_be_examined_counts_at_most(delivered):
    with time_machine.travel(LATER, tick=False):
        assert "refundable now 0.00, at most 1000.00" in run("portfolio")


def test_progress_is_shown_on_a_terminal_alone():
    class Terminal(StringIO):
        def isatty(self):
            return True

        def write(self, text, ending=""):
            return super().write(text)

    shown, hidden = Terminal(), StringIO()
    for stream in (shown, hidden):
        with Progress(stream, total=lambda: 3, what="rows") as progress:
            progress.step()

    assert "1 of 3 rows" in shown.getvalue()
    assert hidden.getvalue() == ""


def test_the_tasks_do_what_is_due_and_nothing_else(scene):
    asked(scene)
    add_file(scene)

    with time_machine.travel(NOW + timedelta(days=6)):
        assert (tasks.remind_information(), tasks.expire_drafts()) == (1, 0)
    with time_machine.travel(NOW + timedelta(days=31)):
        assert (tasks.remind_information(), tasks.expire_drafts()) == (0, 1)


def test_one_row_that_fails_does_not_hold_up_the_others(scene, monkeypatch):
    first = asked(scene)
    monkeypatch.setattr(services, "due_reminders", lambda now, most: [scene.payment.pk, first.pk])

    with time_machine.travel(NOW + timedelta(days=6)):
        assert tasks.remind_information() == 1


def test_nothing_is_left_to_replay_where_nothing_was_decided(db):
    make_scene()

    assert run("replay_decisions") == "0 decisions checked, 0 differing\n"
