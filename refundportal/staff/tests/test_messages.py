"""Messages of providers on the staff site: Finance looks after those that could not be worked off."""

import json

import pytest

from contracts.tests.cast import NOW
from payments.models import ProviderEvent
from refundportal.staff.tests.desk import Desk, count_events, list_of, words
from refunds.tests.scene import Scene


def message(**fields) -> ProviderEvent:
    body = {"data": {"object": {"id": "pi_1", "secret": "canary-9"}}}
    given = {
        "provider": "stripe", "external_id": "evt_1", "type": "payment_intent.succeeded",
        "body": json.dumps(body).encode(), "received_at": NOW, "next_attempt_at": NOW,
        "attempts": 8, "given_up_at": NOW, "last_error": "payment_above_stage: more than is owed",
    }  # fmt: skip
    return ProviderEvent.objects.create(**{**given, **fields})


def test_the_page_says_what_failed_and_nothing_of_the_body_but_what_it_is_about(scene: Scene):
    page = words(Desk(scene.cast.finn).open(message()))

    assert "left to Finance" in page
    assert "payment_above_stage" in page
    assert "pi_1" in page
    assert "canary-9" not in page


def test_those_that_are_left_to_finance_can_be_listed_alone(scene: Scene):
    message()
    message(external_id="evt_2", worked_at=NOW, given_up_at=None, outcome="captured")

    page = words(Desk(scene.cast.finn).get(f"{list_of('payments_providerevent')}?standing=given_up"))

    assert "evt_1" in page
    assert "evt_2" not in page


def test_finance_tries_again_or_sets_aside_and_says_why(scene: Scene):
    row, finn = message(), Desk(scene.cast.finn)

    assert finn.do(row, "again").status_code == 302
    row.refresh_from_db()
    assert (row.attempts, row.given_up_at) == (0, None)

    assert finn.do(row, "set-aside", note="").status_code == 422
    assert finn.do(row, "set-aside", note="A test of the shop.").status_code == 302
    row.refresh_from_db()
    assert (row.set_aside_by, row.outcome) == (scene.cast.finn, "set_aside")
    assert finn.do(row, "again").status_code == 409


@pytest.mark.parametrize("name", ["rita", "arno", "ada"])
def test_nobody_but_finance_looks_after_messages(scene: Scene, name: str):
    row, desk, events = message(), Desk(getattr(scene.cast, name)), count_events()

    assert desk.do(row, "again").status_code == 403
    assert desk.do(row, "set-aside", note="x").status_code == 403

    row.refresh_from_db()
    assert (row.attempts, row.worked_at, count_events()) == (8, None, events)
