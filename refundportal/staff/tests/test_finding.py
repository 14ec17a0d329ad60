"""Finding: the palette, and the filters that each person keeps."""

from typing import Any

import pytest

from accounts.models import SavedFilter
from accounts.saved_filters import KEPT_MAX
from payments.models import Payment
from refundportal.staff.tests.desk import Desk, list_of, queries_of, words
from refunds.tests.scene import Scene, applied

QUEUE = list_of("refunds_refundrequest")


def keep(desk: Desk, name: str = "Late ones", query: str = "standing=overdue&p=abc", **other: Any) -> Any:
    fields = {"page": "refunds_refundrequest", "name": name, "query": query, **other}
    return desk.post("/admin/filters/", fields)


def test_a_choice_is_kept_under_a_name_and_stands_beside_its_list(scene: Scene):
    desk = Desk(scene.cast.rita)
    assert "Keep this choice as" not in words(desk.get(QUEUE))
    assert "Keep this choice as" in words(desk.get(QUEUE + "?standing=overdue"))

    answer = keep(desk)

    assert answer.headers["Location"] == QUEUE + "?standing=overdue"
    assert '<a href="?standing=overdue">Late ones</a>' in desk.get(QUEUE).content.decode()
    assert "Late ones" not in words(desk.get(list_of("payments_payment")))
    here = words(desk.get(QUEUE + "?standing=overdue"))
    assert "Forget" in here
    assert "Keep this choice as" not in here


def test_filters_are_each_persons_own(scene: Scene):
    rita, arno = Desk(scene.cast.rita), Desk(scene.cast.arno)
    keep(rita)
    kept = SavedFilter.objects.get()

    keep(arno, remove=str(kept.pk))

    assert SavedFilter.objects.get() == kept
    assert "Late ones" not in words(arno.get(QUEUE))
    keep(rita, remove=str(kept.pk))
    assert not SavedFilter.objects.exists()


def test_the_same_name_again_takes_the_place_of_the_first_and_room_is_bounded(scene: Scene):
    desk = Desk(scene.cast.rita)
    for number in range(KEPT_MAX):
        keep(desk, f"Filter {number}")
    keep(desk, "Filter 0", "standing=mine")
    keep(desk, "One more")

    assert SavedFilter.objects.count() == KEPT_MAX
    assert SavedFilter.objects.get(name="Filter 0").query == "standing=mine"


@pytest.mark.parametrize(
    "fields",
    [
        {"name": " "},
        {"name": "x" * 61},
        {"name": "a\x00b"},
        {"query": "p=abc"},
        {"query": "q=" + "x" * 1000},
        {"page": "nowhere"},
        {"page": "refunds_refundrequest", "remove": "1"},
    ],
)
def test_what_cannot_be_kept_is_not(scene: Scene, fields: dict[str, str]):
    answer = keep(Desk(scene.cast.rita), **fields)

    assert answer.status_code in (302, 404)
    assert not SavedFilter.objects.exists()


def found(desk: Desk, term: str) -> str:
    return words(desk.get("/admin/search/", {"extended": "1", "s": term}))


def test_the_palette_finds_pages_and_records_by_how_their_names_begin(scene: Scene):
    request = applied(scene)
    Payment.objects.filter(pk=scene.payment.pk).update(provider_reference="pi_3Nx")
    desk = Desk(scene.cast.rita)

    assert "Laboratory • Policy" in found(desk, "labor")
    assert f"{request.number} • Application · Acme" in found(desk, request.number.lower())
    assert f"{scene.payment.number} • Payment · Acme" in found(desk, "pi_3")
    assert f"{scene.contract.number} Order desk" in found(desk, scene.contract.number)
    assert "Acme • Client · office@acme.example" in found(desk, "office@ac")
    assert "No results" in found(desk, "zzz")


def test_the_palette_asks_as_often_whatever_there_is(scene: Scene):
    applied(scene)

    assert queries_of(Desk(scene.cast.rita), "/admin/search/?extended=1&s=A") <= 10


def test_the_palette_finds_nothing_for_whoever_is_in_no_group(scene: Scene):
    scene.cast.rita.groups.clear()

    assert Desk(scene.cast.rita).get("/admin/search/?extended=1&s=Acme").status_code == 403


@pytest.mark.parametrize(
    "address",
    [
        "/admin/search/?extended=1&s=P%00",
        "/admin/contracts/contract/new/?client=a%00",
        "/admin/contracts/contract/?q=a%00",
        "/admin/payments/payment/?arrived=a%00",
        "/admin/payments/payment/?method__exact=%00",
        "/admin/refunds/refundrequest/?outcome=%00",
        "/admin/contracts/contract/?currency=%00",
    ],
)
def test_a_sign_that_no_text_has_is_no_fault_of_ours(scene: Scene, address):
    assert Desk(scene.cast.rita).get(address).status_code < 500


def test_a_sheet_with_a_sign_that_no_text_has_is_no_fault_of_ours(scene: Scene):
    typed = {"client": "a\0", "title": "b\0", "stages[0].title": "c\0", "terms-rounding": "\0", "do": "store"}

    assert Desk(scene.cast.rita).post("/admin/contracts/contract/new/", typed).status_code == 422
    known = {**typed, "client": scene.cast.client.name}
    assert Desk(scene.cast.rita).post("/admin/contracts/contract/new/", known).status_code == 422


def test_an_application_is_found_by_every_number_name_and_address_it_is_known_by(scene: Scene):
    request = applied(scene)
    desk = Desk(scene.cast.rita)
    known_by = (
        request.number.lower(),
        scene.payment.number,
        scene.contract.number[:-1],
        "acme office@",
        "alice@acme",
        '"Acme"',
    )

    shown = {text: request.number in words(desk.get(QUEUE, {"q": text})) for text in known_by}

    assert shown == dict.fromkeys(known_by, True)
    assert "Nothing is here." in words(desk.get(QUEUE, {"q": "acme mallory"}))


def test_a_chosen_filter_is_named_beside_the_closed_ones(scene: Scene):
    desk = Desk(scene.cast.rita)

    assert "Filters Standing: overdue" in words(desk.get(QUEUE + "?standing=overdue"))
    assert "Filters Standing: overdue" not in words(desk.get(QUEUE))


def test_neither_the_sidebar_nor_the_palette_leads_where_a_person_may_not_go(scene: Scene):
    rita, finn = Desk(scene.cast.rita), Desk(scene.cast.finn)
    books = "/admin/ledger/"

    for desk, is_open in ((rita, False), (finn, True)):
        assert (f'href="{books}"' in desk.get(QUEUE).content.decode()) is is_open
        assert (books in desk.get("/admin/search/?extended=1&s=books").content.decode()) is is_open
