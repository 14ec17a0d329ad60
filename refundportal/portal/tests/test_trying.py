"""Trying the policy on made-up figures: the engine answers, and nothing is kept."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

FIGURES = {
    "paid": "1,000.00", "currency": "EUR", "days": "2",
    "work": "delivered", "fulfilled": "60", "used": "50.00",
}  # fmt: skip


def tried(client, **changed):
    return client.get(reverse("policy"), {**FIGURES, **changed})


def total_of(response):
    return response.context["tried"].statement.total.text


@pytest.mark.parametrize(
    ("changed", "total", "outcome"),
    [
        ({}, "380.00", "refund_in_part"),
        ({"work": "none"}, "950.00", "refund_in_part"),
        ({"work": "none", "used": ""}, "1000.00", "refund_in_full"),
        ({"work": "accepted"}, "0.00", "no_refund"),
        ({"days": "4"}, "0.00", "no_refund"),
        ({"currency": "JPY", "paid": "1000", "used": "50"}, "380", "refund_in_part"),
        ({"currency": "KWD", "paid": "1.005", "used": "", "work": "none"}, "1.005", "refund_in_full"),
    ],
)
def test_the_engine_answers_made_up_figures(client, changed, total, outcome):
    response = tried(client, **changed)

    assert response.context["tried"].statement.outcome == outcome
    assert total_of(response) == total


def test_the_page_begins_with_figures_and_without_an_answer(client):
    response = client.get(reverse("policy"))

    assert response.context["tried"] is None
    assert 'value="1,000.00"' in response.content.decode()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("paid", ""),
        ("paid", "0"),
        ("paid", "-5"),
        ("paid", "1e9"),
        ("paid", "10.005"),
        ("paid", "NaN"),
        ("paid", "\u0661\u0662"),
        ("paid", "1000000000.01"),
        ("paid", "\x00"),
        ("currency", "XXX"),
        ("days", "-1"),
        ("days", "61"),
        ("days", "x"),
        ("work", "half"),
        ("fulfilled", "101"),
        ("used", "much"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field_and_stays_typed(client, field, value):
    response = tried(client, **{field: value})

    assert response.status_code == 200
    assert response.context["tried"] is None
    assert list(response.context["form"].errors) == [field]


def test_a_consumer_who_is_late_learns_that_people_look_into_it(client):
    assert tried(client, days="10", is_consumer="on").context["tried"].statement.outcome == "needs_review"


def test_trying_asks_the_database_nothing(client, db):
    with CaptureQueriesContext(connection) as queries:
        tried(client)

    assert len(queries) == 0
