"""Ready for any language: no staff page says anything that could not be translated."""

import io
import re

import pytest
from django.http import HttpResponse

from refundportal.staff.tests.desk import Desk
from refundportal.staff.tests.furnished import IMPORT, NEW, furnish
from refundportal.web.tests.pseudo import pseudo_language, words_of_page
from refunds.tests.scene import LATER, Scene, in_review

# What is data: names and texts of the scene, what calendars and clocks are called, and keys of a keyboard.
DATA = """
    Acme Alice Bea Cem Rita Arno Finn Other Ltd EUR Berlin Jörg Müller Söhne IBAN Ctrl esc NOTPROVIDED
    Fleet Hosting hosting Hello Prepayment Spec Warehouse Why So
    Monday Tuesday Wednesday Thursday Friday Saturday Sunday
    January February March April May June July August September October November December
"""
KNOWN = set(DATA.split())
SAID = (
    "Software Creator Django LTD",
    "Tested on the machine of the client.",
    "The printer is the one of the specification.",
    "It stops after three orders.",
    "Tested by hand.",
    "Orders get lost.",
    "Order desk and warehouse",
    "Order desk",
    "An order is saved.",
    "An order is printed.",
    "An order is found again.",
    "Stock is counted.",
    "No window at all",
    "API calls",
    "call",
    "month",
)
DRAWN = re.compile(r"<span[^>]*material-symbols-outlined[^>]*>[^<]*</span>")
"""Icons of the frame: their names are letters to a machine and a drawing to people."""
CODE = re.compile(r"[A-Z]{1,3}|.*[0-9].*|[a-z]+_[a-z_]+")
NAMED = re.compile(r"[\w.-]+@[\w.-]+|\b[a-z_]+(?::[a-zA-Z_]+)+\b|contracts\[0\][\w.\[\]]*")
"""Addresses, accounts of the ledger, and places in an imported file."""


def unmarked(page: HttpResponse) -> set[str]:
    """Give the words of a page that could not be said in another language."""
    html = NAMED.sub("", DRAWN.sub("", page.content.decode()))
    for text in SAID:
        html = re.sub(rf"(?<=[>\s;“]){re.escape(text)}(?=[<\s,”.])", "", html)
    return {word for word in words_of_page(html) if word not in KNOWN and not CODE.fullmatch(word)}


def test_no_page_holds_a_text_that_is_not_marked(delivered: Scene):
    pages = furnish(delivered, LATER)
    desks = {name: Desk(getattr(delivered.cast, name)) for name in ("rita", "arno", "finn")}

    with pseudo_language():
        shown = {name: desks[person].get(address) for name, (person, address) in pages.items()}

    assert {name: page.status_code for name, page in shown.items() if page.status_code != 200} == {}
    found = {name: sorted(unmarked(page)) for name, page in shown.items()}
    assert {name: words for name, words in found.items() if words} == {}


@pytest.mark.parametrize("ending", ["json", "csv"])
def test_no_fault_of_an_import_is_said_in_a_text_that_is_not_marked(delivered: Scene, ending: str):
    content = {
        "json": b'[{"reference": "A", "title": 1, "currency": "EUR", "stages": [{"code": "S1"}]}]',
        "csv": b"reference,currency,stage_code,stage_amount\nA,EUR,S1,1.234\n",
    }
    file = io.BytesIO(content[ending])
    file.name = f"t.{ending}"

    with pseudo_language():
        page = Desk(delivered.cast.rita).post(IMPORT, {"file": file, "is_trial": "yes"})

    assert page.status_code == 422
    assert unmarked(page) <= {"client", "title", "kind"}  # the columns of a table, as they stand in its head


def test_no_fault_of_a_form_is_said_in_a_text_that_is_not_marked(delivered: Scene):
    case, rita = in_review(delivered), Desk(delivered.cast.rita)

    with pseudo_language():
        pages = [
            rita.post(NEW, {"do": "store", "stages[0].title": "Fleet", "stages[0].amount": "lots"}),
            rita.do(case, "assess"),
            rita.do(case, "request_information"),
            rita.do(case, "exclude_usage"),
            rita.do(case, "approve"),
            rita.post("/admin/refunds/trial/new/", {}),
        ]

    assert [page.status_code for page in pages] == [422] * len(pages)
    assert [sorted(unmarked(page)) for page in pages] == [[]] * len(pages)
