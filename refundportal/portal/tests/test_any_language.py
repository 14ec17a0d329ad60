"""Ready for any language: no page, letter or e-mail says anything that could not be translated."""

import re
from collections.abc import Iterable
from datetime import timedelta
from io import BytesIO

import pytest
from django.core import mail
from django.test import Client as Browser
from pypdf import PdfReader

from contracts.tests.cast import NOW
from events.journal import sequence_events
from events.outbox import deliver_due
from payments.services import send_due_payouts, warn_closing_windows
from refundportal.portal.tests.furnished import addresses_of, furnish
from refundportal.portal.tests.visiting import Visitor
from refundportal.web.tests.pseudo import pseudo_language, words_of_page, words_of_text
from refunds.tests.scene import LATER, Scene

# What is data: names, titles and texts of this scene, and what calendars and clocks are called.
DATA = """
    Acme Alice Bea Cem Other Rita Arno Software Creator Django LTD EUR UTC Berlin Europe PDF JPEG PNG
    Order desk and warehouse Answered Asked Draft Prepayment Interface An order is printed taken Orders get
    lost saved found again Spec Stock counted
    Why So Less to do Which one Hosting API calls call month docs acme example english deutsch IBAN DE SHA
    Monday Tuesday Wednesday Thursday Friday Saturday Sunday
    January February March April May June July August September October November December
"""
KNOWN = {word.lower() for word in DATA.split()}


def unmarked(words: Iterable[str]) -> set[str]:
    """Leave out data: what the scene is made of, numbers and codes, and signs of one to three capitals."""
    data = re.compile(r"[A-Z]{1,3}|.*[0-9].*")
    return {word for word in words if word.lower() not in KNOWN and not data.fullmatch(word)}


@pytest.fixture
def furnished(delivered: Scene) -> list[str]:
    return addresses_of(delivered, furnish(delivered, LATER))


def test_no_page_holds_a_text_that_is_not_marked(delivered: Scene, furnished: list[str]):
    alice = Visitor(delivered.cast.alice)

    with pseudo_language():
        pages = {address: alice.get(address) for address in furnished}
        for address in ("/account/login/", "/account/login/code/", "/account/password/reset/"):
            pages[address] = Browser().get(address)
        pages["/x/"] = alice.get("/x/")

    found = {
        address: unmarked(words_of_page(page.content.decode()))
        for address, page in pages.items()
        if page.status_code != 302
    }
    assert {address: words for address, words in found.items() if words} == {}


def test_no_fault_of_a_form_is_said_in_a_text_that_is_not_marked(delivered: Scene, furnished: list[str]):
    alice = Visitor(delivered.cast.alice)
    client = f"/clients/{delivered.cast.client.pk}/"

    with pseudo_language():
        pages = [
            alice.apply(delivered, reason="", statement="", extent="part", amount="x"),
            alice.fill_in("/questions/ask/", {"subject": "", "body": "", "about": "?"}),
            alice.post(f"{client}people/", {"email": "x", "role": "?"}),
            alice.post(f"{client}people/", {"email": "alice@acme.example", "role": "viewer"}),
            alice.get("/policy/?paid=x&currency=EUR&days=-1&fulfilled=101&work=?"),
            alice.post(f"/contracts/{delivered.contract.number}/stages/S1/object/", {}),
        ]

    assert [unmarked(words_of_page(page.content.decode())) for page in pages] == [set()] * len(pages)


def test_no_e_mail_holds_a_text_that_is_not_marked(delivered: Scene, furnished: list[str]):
    with pseudo_language():
        send_due_payouts(now=LATER)
        warn_closing_windows(now=NOW + timedelta(days=2, hours=12))
        sequence_events()
        while deliver_due(now=LATER + timedelta(days=3)):
            pass

    assert len(mail.outbox) > 5
    found = {}
    for message in mail.outbox:
        said = message.subject + " \n " + re.sub(r"https?://\S+", "", str(message.body))
        html = words_of_page(str(message.alternatives[0][0]) if message.alternatives else "")
        if words := unmarked([*words_of_text(said), *html]):
            found[message.subject] = words
    assert found == {}


def test_no_letter_holds_a_text_that_is_not_marked(delivered: Scene, furnished: list[str]):
    alice = Visitor(delivered.cast.alice)
    (letter,) = {address for address in furnished if address.endswith("/letter/")}
    asked = letter.removesuffix("letter/")

    with pseudo_language():
        files = [alice.get(f"{asked}letter.pdf"), alice.get(f"{asked}received.pdf")]

    for file in files:
        text = " ".join(page.extract_text() for page in PdfReader(BytesIO(file.content)).pages)
        assert unmarked(words_of_text(text)) == set()
