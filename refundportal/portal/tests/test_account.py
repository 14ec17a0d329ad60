"""The account page: name, language, reminders, and where one is signed in."""

import pytest
from django.test import Client as Browser

from accounts.models import User
from refundportal.portal.tests.visiting import Visitor, words
from refunds.tests.scene import Scene

PASSWORD = "correct horse battery"


def test_alice_changes_her_name_her_language_and_her_reminders(scene: Scene):
    alice = Visitor(scene.cast.alice)

    alice.post("/you/", {"name": "Alice B.", "language": "de"})

    found = User.objects.get(pk=scene.cast.alice.pk)
    assert (found.name, found.language, found.wants_reminders) == ("Alice B.", "de", False)


def test_pages_follow_the_language_of_the_person_not_of_the_browser(scene: Scene):
    alice = Visitor(scene.cast.alice)
    address = f"/payments/{scene.payment.number}/"
    assert "1,000.00" in words(alice.get(address, headers={"Accept-Language": "de"}))

    alice.post("/you/", {"name": "Alice", "language": "de"})

    page = alice.get(address)
    assert "1.000,00" in words(page)
    assert "Juni 2026" in words(page)
    assert page.headers["Content-Language"] == "de"
    assert '<html lang="de">' in page.content.decode()


@pytest.mark.parametrize("language", ["", "xx", "en\x00"])
def test_a_language_that_does_not_exist_is_not_kept(scene: Scene, language):
    answer = Visitor(scene.cast.alice).post("/you/", {"name": "Alice", "language": language})

    assert answer.status_code == 200
    assert User.objects.get(pk=scene.cast.alice.pk).language == "en"


def test_alice_sees_where_she_is_signed_in_and_ends_the_others(scene: Scene):
    scene.cast.alice.set_password(PASSWORD)
    scene.cast.alice.save()
    here, there = Browser(), Browser(headers={"User-Agent": "A browser far away"})
    for browser in (here, there):
        browser.post("/account/login/", {"login": scene.cast.alice.email, "password": PASSWORD})
        assert browser.get("/you/").status_code == 200
    assert "A browser far away" in words(here.get("/account/sessions/"))

    here.post("/account/sessions/")

    assert there.get("/you/").status_code == 302
    assert here.get("/you/").status_code == 200
    assert "You are signed in nowhere else." in words(here.get("/account/sessions/"))
