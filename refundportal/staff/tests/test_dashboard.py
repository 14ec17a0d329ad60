"""The first page: every figure counts the list that it leads to, and its cost does not grow."""

import re
from datetime import date, timedelta
from html import unescape

import pytest

from contracts.tests.cast import NOW
from refundportal.staff.answers import read_period
from refundportal.staff.charts import days_words, months_between
from refundportal.staff.tests.desk import Desk, queries_of, words
from refunds.services import count_on
from refunds.tests.scene import LATER, Scene, applied, approved, paid, proposed

LINK = re.compile(r'<a [^>]*href="(/admin/[a-z]+/[a-z]+/\?[^"]*)"[^>]*>(.*?)</a>', re.S)


def figures_in(html: str) -> list[tuple[str, int]]:
    """Every address of a list on a page, with the number that leads to it."""
    found = []
    for address, inside in LINK.findall(html):
        number = re.match(r"\s*([0-9]+)", re.sub(r"(?s)<svg.*?</svg>|<[^>]+>", "", inside))
        if number:
            found.append((unescape(address), int(number.group(1))))
    return found


def rows_of(desk: Desk, address: str) -> int:
    """How many rows a list shows."""
    return len(desk.get(address).context["cl"].result_list)


@pytest.fixture
def busy(scene: Scene) -> Scene:
    """A day with something of everything: a refund, a refusal, applications of two ages, open windows."""

    def another(code: str, amount: str, days_ago: int) -> Scene:
        at = NOW - timedelta(days=days_ago)
        return Scene(scene.cast, scene.contract, paid(scene.cast, scene.contract, code, amount, at=at))

    approved(scene)
    proposed(another("P1", "20.00", 0))
    applied(another("P1", "30.00", 9))  # after the window: refused at once
    applied(another("S2", "50.00", 5), now=LATER - timedelta(days=4))
    another("S2", "40.00", 0)
    another("S2", "45.00", 2)  # closes within a day
    count_on(now=LATER + timedelta(hours=1), batch_max=100)
    return scene


def test_every_figure_counts_the_list_that_it_leads_to(busy: Scene):
    desk = Desk(busy.cast.rita)
    page = desk.get("/admin/")

    figures = figures_in(page.content.decode())

    assert [(address, number) for address, number in figures if rows_of(desk, address) != number] == []
    counted = dict(figures)
    assert counted["/admin/refunds/refundrequest/?standing=second"] == 1
    assert counted["/admin/refunds/refundrequest/?age=3-6&worth=below-1000"] == 1
    assert counted["/admin/refunds/refundrequest/?currency=EUR"] == 2
    assert counted["/admin/payments/payment/?window=open&currency=EUR"] == 4
    assert sum("answered=" in address for address in counted) == 4
    assert len(figures) >= 18


def test_money_at_risk_is_shown_as_of_its_instant(busy: Scene, clock):
    clock.move_to(LATER + timedelta(hours=2))

    said = words(Desk(busy.cast.finn).get("/admin/"))

    # Windows: 40 and 45 (S1 is given back already, P1 has its application). Applications: 20 and 50.
    assert "EUR 4 85.00 EUR 2 70.00 EUR 155.00 EUR" in said
    assert "As of Monday, 1 June 2026, 12:00 (Berlin time)" in said


def test_a_figure_that_is_decided_stands_alone_in_the_queue(scene: Scene):
    proposed(scene)

    said = words(Desk(scene.cast.rita).get("/admin/"))

    assert "1,000.00 EUR Open for" in said


def test_a_figure_that_is_not_decided_says_so_in_the_queue(delivered: Scene):
    applied(delivered)

    assert "1,000.00 EUR Refund at most Open for" in words(Desk(delivered.cast.rita).get("/admin/"))


def test_before_the_first_count_the_page_says_so(scene: Scene):
    assert "It is being counted for the first time." in words(Desk(scene.cast.rita).get("/admin/"))


def test_the_charts_say_in_a_table_what_they_draw(busy: Scene):
    said = words(Desk(busy.cast.ada).get("/admin/"))

    assert "2 answers in twelve months." in said
    assert "P4 application 1 0 0 0 P5 window 0 0 1 0" in said
    assert "June 2026 2 under a minute under a minute" in said
    assert "not as agreed 0 0 0 0 0 0 0 0 0 0 0 1" in said


def test_the_page_costs_the_same_with_more_of_everything(busy: Scene, django_assert_max_num_queries):
    desk = Desk(busy.cast.rita)
    before = queries_of(desk, "/admin/")

    for _ in range(3):
        applied(Scene(busy.cast, busy.contract, paid(busy.cast, busy.contract, "P1", "1.00")))
    count_on(now=LATER + timedelta(hours=3), batch_max=100)

    with django_assert_max_num_queries(15):
        desk.get("/admin/")
    assert queries_of(desk, "/admin/") == before


@pytest.mark.parametrize(
    "text",
    ["", "2026-05-01", "2026-05-31..2026-05-01", "x..y", "0001-01-01..9999-12-31", "2026-05-01..2026-13-01"],
)
def test_what_is_no_period_shows_nothing(scene: Scene, text: str):
    assert read_period(text) is None
    desk = Desk(scene.cast.rita)
    assert desk.get("/admin/refunds/refundrequest/", {"answered": text}).status_code == 200


def test_the_list_takes_only_what_reports_ask_for(busy: Scene):
    desk = Desk(busy.cast.rita)

    assert rows_of(desk, "/admin/refunds/refundrequest/?standing=all&payment__stage__code=S1") == 1
    secret = desk.get("/admin/refunds/refundrequest/?client__user__password__startswith=m")
    assert secret.status_code in (302, 400)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (59, "under a minute"),
        (60, "1 hour"),
        (86_399, "24 hours"),
        (86_400, "1 day"),
        (129_600, "1.5 days"),
        (864_000, "10 days"),
    ],
)
def test_times_are_said_in_hours_and_days(seconds: int, said: str):
    assert days_words(seconds) == said


def test_months_go_over_the_end_of_a_year():
    assert months_between(date(2025, 11, 3), date(2026, 1, 31)) == [
        date(2025, 11, 1),
        date(2025, 12, 1),
        date(2026, 1, 1),
    ]
