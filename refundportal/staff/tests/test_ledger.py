"""The books on the staff site: sums that agree with the files, and files without formulas."""

import csv
import io
import re
from html import unescape

import pytest

from payments.tests.scenes import settle
from refundportal.staff.tests.desk import Desk, queries_of, words
from refunds.tests.scene import LATER, Scene, approved

JUNE = "first=2026-06-01&last=2026-06-30"
ACCOUNT = "/admin/ledger/account/refunds_payable:EUR/"


@pytest.fixture
def booked(scene: Scene) -> Scene:
    approved(scene)
    settle(LATER)
    return scene


def table(answer):
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_the_page_shows_each_account_before_and_after(booked: Scene):
    said = words(Desk(booked.cast.finn).get(f"/admin/ledger/?{JUNE}"))

    assert "cash:sandbox:EUR 0.00 EUR 1,000.00 EUR 1,000.00 EUR 0.00 EUR" in said
    assert "2026-06-01 refunds_payable:EUR 1,000.00 EUR 1,000.00 EUR 0.00 EUR" in said


def test_the_files_agree_with_the_page(booked: Scene):
    desk = Desk(booked.cast.ada)

    entries = table(desk.get(f"/admin/ledger/entries/csv/?{JUNE}"))
    days = table(desk.get(f"/admin/ledger/days/csv/?{JUNE}"))

    assert [row["cause"] for row in entries] == ["capture", "reserve", "payout"]
    assert {row["account"]: row["closing"] for row in days} == {
        "cash:sandbox:EUR": "0.00", "received:EUR": "0.00", "refunds_payable:EUR": "0.00",
    }  # fmt: skip
    cells = [cell for row in (*entries, *days) for cell in row.values()]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@"))]


def test_a_period_that_is_none_is_said(booked: Scene):
    desk = Desk(booked.cast.finn)

    assert desk.get("/admin/ledger/?first=2026-06-02&last=2026-06-01").status_code == 422
    assert desk.get("/admin/ledger/entries/csv/?first=x&last=").status_code == 404
    assert desk.get(f"/admin/ledger/secrets/csv/?{JUNE}").status_code == 404


def test_a_reviewer_has_no_books(booked: Scene):
    for address in ("/admin/ledger/", f"{ACCOUNT}?{JUNE}", f"/admin/ledger/entries/csv/?{JUNE}"):
        assert Desk(booked.cast.rita).get(address).status_code == 403
    assert "/admin/ledger/" not in Desk(booked.cast.rita).get("/admin/").content.decode()
    assert "/admin/ledger/" in Desk(booked.cast.finn).get("/admin/").content.decode()


def test_the_line_of_an_account_leads_to_its_movements_with_their_balances(booked: Scene):
    desk = Desk(booked.cast.finn)

    assert f'href="{ACCOUNT}?{JUNE}"' in desk.get(f"/admin/ledger/?{JUNE}").content.decode().replace(
        "&amp;", "&"
    )
    said = words(desk.get(f"{ACCOUNT}?{JUNE}"))

    number = booked.payment.number
    assert "Before 0.00 EUR Mon" in said
    assert f"a refund or a credit was approved {number} received:EUR 1,000.00 EUR −1,000.00 EUR" in said
    assert f"the money left {number} cash:sandbox:EUR 1,000.00 EUR 0.00 EUR" in said


def test_an_account_goes_on_page_by_page_at_the_same_cost(booked: Scene, monkeypatch):
    monkeypatch.setattr("payments.account_book.PAGE_ROWS", 1)
    desk = Desk(booked.cast.ada)
    first = desk.get(f"{ACCOUNT}?{JUNE}")
    (further,) = re.findall(r'href="([^"]*)" rel="next"', first.content.decode())

    second = desk.get(ACCOUNT + unescape(further))

    assert "Carried from the page before −1,000.00 EUR" in words(second)
    assert 'rel="prev"' in second.content.decode()
    assert 'rel="next"' not in second.content.decode()
    assert queries_of(desk, f"{ACCOUNT}?{JUNE}") + 2 == queries_of(desk, ACCOUNT + unescape(further)) <= 15


@pytest.mark.parametrize("number", ["x", "-1", "0", "9" * 18, "9" * 40, "²", "1%20"])
def test_a_page_of_an_account_begins_with_one_of_its_movements_or_is_none(booked: Scene, number: str):
    desk = Desk(booked.cast.finn)

    assert desk.get(f"{ACCOUNT}?{JUNE}&from={number}").status_code == 404
    assert desk.get(f"/admin/ledger/account/{number}/?{JUNE}").status_code == 404


def test_an_account_in_a_period_that_is_none_is_shown_for_this_month_and_said(booked: Scene):
    answer = Desk(booked.cast.finn).get(f"{ACCOUNT}?first=2026-06-02&last=2026-06-01&from=1")

    assert answer.status_code == 422
