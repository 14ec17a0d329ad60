"""Differences on the staff site: Finance looks after them, nobody else does."""

import pytest

from contracts.tests.cast import NOW
from events.models import Event
from payments.models import Break, Reconciliation
from payments.services import reconcile
from refundportal.staff.tests.desk import Desk, count_events, list_of, words
from refunds.tests.scene import Scene


def difference(scene: Scene, kind: str = "different") -> Break:
    return Break.objects.create(
        kind=kind, amount_minor=10000, currency="EUR", found_at=NOW, payment_id=scene.payment.pk,
        detail={"theirs": {"amount": "99.99", "currency": "EUR"}, "state": "accepted", "answer": "settled"},
    )  # fmt: skip


def test_the_page_says_what_differs_and_that_nothing_is_sent_meanwhile(scene: Scene):
    page = words(Desk(scene.cast.rita).open(difference(scene)))

    assert "A difference of" in page
    assert "99.99" in page
    assert scene.payment.number in page
    assert "nothing is sent" in page


def test_finance_takes_a_difference_and_says_how_it_was_cleared(scene: Scene):
    row, finn = difference(scene), Desk(scene.cast.finn)

    assert finn.do(row, "take").status_code == 302
    assert finn.do(row, "resolve", resolution="").status_code == 422
    assert finn.do(row, "resolve", resolution="The bank kept a fee of one cent.").status_code == 302

    row.refresh_from_db()
    assert (row.owner, row.resolution) == (scene.cast.finn, "The bank kept a fee of one cent.")
    assert Event.objects.get(type="break.resolved").actor_id == scene.cast.finn.pk
    page = words(finn.open(row))
    assert "The bank kept a fee" in page
    assert "nothing is sent" not in page
    assert finn.do(row, "take").status_code == 409


@pytest.mark.parametrize("name", ["rita", "arno", "ada"])
def test_nobody_but_finance_clears_a_difference_or_compares_books(scene: Scene, name: str):
    row, run = difference(scene), reconcile(rail="sandbox", now=NOW)
    desk, events = Desk(getattr(scene.cast, name)), count_events()

    assert desk.do(row, "take").status_code == 403
    assert desk.do(row, "resolve", resolution="x").status_code == 403
    assert desk.do(run, "again").status_code == 403

    row.refresh_from_db()
    assert (row.owner, row.resolved_at, count_events()) == (None, None, events)
    assert Reconciliation.objects.count() == 1


def test_finance_compares_the_books_again(scene: Scene):
    run = reconcile(rail="sandbox", now=NOW)

    assert Desk(scene.cast.finn).do(run, "again").status_code == 302

    last = Reconciliation.objects.latest("started_at")
    assert (last.asked_by, last.error) == (scene.cast.finn, "")
    assert "the books agree" in words(Desk(scene.cast.ada).open(last))


def test_the_list_keeps_what_is_open_apart(scene: Scene):
    difference(scene)
    Break.objects.create(
        kind="ours_only", amount_minor=700, currency="EUR", found_at=NOW, resolved_at=NOW, resolution="Seen."
    )
    ada = Desk(scene.cast.ada)

    still_open = words(ada.get(list_of("payments_break") + "?standing=open"))
    cleared = words(ada.get(list_of("payments_break") + "?standing=cleared"))

    assert "100.00" in still_open
    assert "7.00" not in still_open
    assert "7.00" in cleared
