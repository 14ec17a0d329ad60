"""The books on the staff site: sums that agree with the files, and files without formulas."""

import csv
import io

import pytest

from payments.tests.scenes import settle
from refundportal.staff.tests.desk import Desk, words
from refunds.tests.scene import LATER, Scene, approved

JUNE = "first=2026-06-01&last=2026-06-30"


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
    for address in ("/admin/ledger/", f"/admin/ledger/entries/csv/?{JUNE}"):
        assert Desk(booked.cast.rita).get(address).status_code == 403
    assert "/admin/ledger/" not in Desk(booked.cast.rita).get("/admin/").content.decode()
    assert "/admin/ledger/" in Desk(booked.cast.finn).get("/admin/").content.decode()
