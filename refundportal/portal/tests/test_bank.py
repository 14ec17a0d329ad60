"""The bank account of a client: who sees and changes it, and that it is really they."""

import pytest
import time_machine
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.models import Session

from contracts.tests.cast import signed_contract
from payments.models import BankAccount, Rail
from payments.services import save_bank_account
from refundportal.portal.tests.visiting import Visitor, words
from refundportal.web.tests.signing_in import signed_in_just_now
from refunds.tests.scene import LATER, Scene, applied, approved, paid

BERLIN, VIENNA = "DE89370400440532013000", "AT611904300234573201"
PASSWORD = "paper-and-hairlines"


@pytest.fixture
def address(scene: Scene) -> str:
    return f"/clients/{scene.cast.client.pk}/bank/"


@pytest.fixture
def alice(scene: Scene) -> Visitor:
    """Alice, who has signed in with a code a moment ago."""
    return signed_in_just_now(Visitor(scene.cast.alice), scene.cast.alice)


def saved(scene: Scene, iban: str = BERLIN, now=LATER) -> BankAccount:
    return save_bank_account(
        principal=scene.cast.as_alice, client_id=scene.cast.client.pk, holder="Acme Ltd", iban=iban, now=now
    )


def typed(iban: str = BERLIN, holder: str = "Acme Ltd") -> dict[str, str]:
    return {"holder": holder, "iban": iban}


def test_an_owner_enters_the_account_and_sees_only_its_last_four_signs(alice, address):
    answer = alice.post(f"{address}change/", typed("de89 3704 0044 0532 0130 00"), follow=True)

    assert answer.redirect_chain == [(address, 302)]
    text = words(answer)
    assert "The account is kept." in text
    assert "•••• ending in 3000" in text
    assert "3704" not in answer.content.decode()


def test_a_changed_account_says_from_when_on_it_is_used(scene, alice, address):
    saved(scene)

    before = words(alice.get(f"{address}change/"))
    after = words(alice.post(f"{address}change/", typed(VIENNA), follow=True))

    assert "A changed account is used after 3 days." in before
    assert "nothing is sent there before Thursday, 4 June 2026, 11:00 (Berlin time)" in after


@pytest.mark.parametrize(
    ("iban", "said"),
    [
        ("DE88370400440532013000", "a sign is wrong, or two are swapped"),
        ("DE8937040044053201300", "too long or too short"),
        ("XX89370400440532013000", "no IBANs of this country"),
        ("mine", "begins with two letters"),
    ],
)
def test_a_slip_is_explained_and_what_was_typed_stays(alice, address, iban, said):
    answer = alice.post(f"{address}change/", typed(iban, "Acme <b>Ltd</b>"))

    assert answer.status_code == 200
    assert said in words(answer)
    assert "Acme &lt;b&gt;Ltd&lt;/b&gt;" in answer.content.decode()
    assert not BankAccount.objects.exists()


def test_the_sixth_account_of_a_day_is_refused_in_words(scene, alice, address):
    for number in range(5):
        saved(scene, [BERLIN, VIENNA][number % 2])

    answer = alice.post(f"{address}change/", typed(VIENNA))

    assert "changed several times today" in words(answer)


# Rights


def test_a_requester_sees_the_account_but_does_not_change_it(scene, address):
    saved(scene)
    cem = signed_in_just_now(Visitor(scene.cast.cem), scene.cast.cem)

    shown = words(cem.get(address))

    assert "•••• ending in 3000" in shown
    assert "Only an owner of the client can change it." in shown
    assert [cem.get(f"{address}change/").status_code, cem.post(f"{address}change/", typed()).status_code] == [
        403,
        403,
    ]


@pytest.mark.parametrize("name", ["bea", "rita", "arno", "finn", "ada"])
def test_viewers_and_staff_neither_see_nor_change_it_here(scene, address, name):
    user = getattr(scene.cast, name)
    visitor = signed_in_just_now(Visitor(user), user)

    answers = [
        visitor.get(address),
        visitor.get(f"{address}change/"),
        visitor.post(f"{address}change/", typed()),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert not BankAccount.objects.exists()


@pytest.mark.parametrize("page", ["", "change/"])
def test_for_mallory_it_looks_like_a_client_that_does_not_exist(scene, address, page):
    mallory = signed_in_just_now(Visitor(scene.cast.mallory), scene.cast.mallory)
    missing = "/clients/00000000-0000-7000-8000-000000000000/bank/"

    foreign, absent = mallory.get(address + page), mallory.get(missing + page)

    assert (foreign.status_code, absent.status_code) == (404, 404)
    assert foreign.content == absent.content
    assert mallory.post(address + page, typed()).status_code == 404
    assert not BankAccount.objects.exists()


# Who it really is


def with_password(scene: Scene) -> Visitor:
    scene.cast.alice.password = make_password(PASSWORD)
    scene.cast.alice.save()
    return Visitor(scene.cast.alice)


def test_being_signed_in_is_not_enough_to_change_the_account(scene, address):
    alice = with_password(scene)
    signed_in_just_now(alice, scene.cast.alice, how="other")

    answer = alice.get(f"{address}change/")

    assert (
        answer.headers["Location"] == f"/account/reauthenticate/?next={address.replace('/', '%2F')}change%2F"
    )
    assert alice.get(address).status_code == 200


def test_the_password_leads_back_to_the_form_with_what_was_typed(scene, address):
    alice = with_password(scene)
    led = alice.post(f"{address}change/", typed(VIENNA, "Acme Ltd")).headers["Location"]
    assert led.startswith("/account/reauthenticate/")

    wrong = alice.post(led, {"password": "guessed"})
    back = alice.post(led, {"password": PASSWORD, "next": f"{address}change/"}, follow=True)

    assert wrong.status_code == 200
    assert VIENNA in back.content.decode()
    assert not BankAccount.objects.exists()
    assert alice.post(f"{address}change/", typed(VIENNA)).headers["Location"] == address
    assert BankAccount.objects.get().iban_last4 == "3201"


def test_what_was_typed_waits_sealed(scene, address):
    alice = with_password(scene)
    alice.post(f"{address}change/", typed(VIENNA))

    kept = str(Session.objects.get(pk=alice.session.session_key).get_decoded())

    assert "bank_account_typed" in kept
    assert VIENNA not in kept


def test_having_shown_who_one_is_ends_after_a_quarter_of_an_hour(scene, address, clock):
    alice = signed_in_just_now(with_password(scene), scene.cast.alice, how="password")
    fresh = alice.get(f"{address}change/").status_code

    clock.shift(901)

    assert (fresh, alice.get(f"{address}change/").status_code) == (200, 302)


def test_who_signs_in_by_code_alone_signs_in_once_more(scene, address, clock: time_machine.Traveller):
    alice = signed_in_just_now(Visitor(scene.cast.alice), scene.cast.alice)
    clock.shift(901)

    answer = alice.post(f"{address}change/", typed())
    assert "Please sign in once more" in words(answer)
    left = alice.post("/account/logout/", {"next": f"/account/login/?next={address}change/"})

    assert left.headers["Location"] == f"/account/login/?next={address}change/"
    assert not BankAccount.objects.exists()


# The application


@pytest.fixture
def by_bank(scene: Scene) -> Scene:
    """Alice paid for one more contract by a transfer that goes back by one."""
    contract = signed_contract(scene.cast, title="By transfer")
    return Scene(scene.cast, contract, paid(scene.cast, contract, rail=Rail.MANUAL))


def test_an_application_asks_for_the_account_where_money_goes_by_bank(by_bank, alice, address):
    number = applied(by_bank).number

    asked = alice.get(f"/requests/{number}/")
    saved(by_bank)
    told = alice.get(f"/requests/{number}/")

    assert f'href="{address}change/"' in asked.content.decode()
    assert "•••• 3000" in words(told)


def test_an_application_asks_for_no_account_where_money_goes_back_the_way_it_came(scene, alice, address):
    assert address not in alice.get(f"/requests/{applied(scene).number}/").content.decode()


def test_an_application_says_that_money_waits_for_a_changed_account(by_bank, alice):
    saved(by_bank)
    number = approved(by_bank).number
    saved(by_bank, VIENNA)

    text = words(alice.get(f"/requests/{number}/"))

    assert "nothing is sent there before Thursday, 4 June 2026, 11:00 (Berlin time)" in text
