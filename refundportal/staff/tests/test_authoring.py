"""Writing a contract on one sheet: what it comes to, what is wrong with it, and what is kept."""

from typing import Any

import pytest

from contracts.models import Contract, PrepaymentShare
from contracts.policy.terms import as_json, parse_terms
from contracts.selectors import policy_terms
from contracts.services import create_client
from contracts.tests.cast import NOW, draft_contract
from refundportal.staff.sheets import as_contract, sheet_of, typed_in, with_row
from refundportal.staff.tests.desk import Desk, count_events, page_of, words
from refunds.tests.scene import Scene

NEW = "/admin/contracts/contract/new/"


def terms_fields(**other: Any) -> dict[str, Any]:
    """The fields of the terms as a browser sends them: what is not ticked or empty is left out."""
    raw = {**as_json(parse_terms({}, "Europe/Berlin")), **other}
    return {
        f"terms-{name}": "on" if value is True else value
        for name, value in raw.items()
        if value not in (None, False)
    }


def typed(**other: Any) -> dict[str, Any]:
    """The sheet of a contract without a fault."""
    return {
        "client": "office@acme.example",
        "title": "Fleet",
        "currency": "EUR",
        "total": "1500.00",
        "payment_days": "30",
        "stages[0].code": "P1",
        "stages[0].title": "Prepayment",
        "stages[0].kind": "prepayment",
        "stages[0].amount": "500.00",
        "stages[0].shares": "S1 400.00; S2 100.00",
        "stages[1].code": "S1",
        "stages[1].title": "Vans",
        "stages[1].kind": "work",
        "stages[1].amount": "700.00",
        "stages[1].items[0].code": "AC-1",
        "stages[1].items[0].statement": "A van is booked.",
        "stages[1].items[0].weight": "2.5",
        "stages[4].code": "S2",
        "stages[4].title": "Trucks",
        "stages[4].kind": "work",
        "stages[4].amount": "300.00",
        "meters[0].code": "km",
        "meters[0].title": "Kilometres",
        "meters[0].kind": "metered",
        "meters[0].unit": "km",
        "meters[0].price": "0.125",
        **terms_fields(),
        **other,
    }


def send(scene: Scene, do: str, address: str = NEW, name: str = "rita", **other: Any) -> Any:
    return Desk(getattr(scene.cast, name)).post(address, {"do": do, **typed(**other)})


def written() -> Contract:
    return Contract.objects.get(title="Fleet")


def test_a_contract_is_written_on_one_sheet_and_kept_with_all_its_parts(scene: Scene):
    answer = send(scene, "store")

    contract = written()
    assert (answer.status_code, answer.headers["Location"]) == (302, page_of(contract))
    assert (contract.state, contract.client, contract.total_minor) == ("draft", scene.cast.client, 150000)
    assert [(one.code, one.amount_minor) for one in contract.stages.all()] == [
        ("P1", 50000),
        ("S1", 70000),
        ("S2", 30000),
    ]
    shares = PrepaymentShare.objects.filter(prepayment__contract=contract)
    assert sorted(shares.values_list("work__code", "amount_minor")) == [("S1", 40000), ("S2", 10000)]
    assert contract.stages.get(code="S1").items.get().weight_micro == 2_500_000
    assert contract.meters.get().price_nano == 125_000_000
    assert count_events("contract.created") == 2


@pytest.mark.parametrize(
    ("total", "said"),
    [
        ("1500.00", "Sum of the stages 1,500.00 EUR Total agreed 1,500.00 EUR it is the sum"),
        ("1600.00", "Total agreed 1,600.00 EUR 100.00 EUR are missing"),
        ("1400.00", "Total agreed 1,400.00 EUR 100.00 EUR too much"),
    ],
)
def test_the_sum_is_held_against_the_total_while_it_is_written(scene: Scene, total: str, said: str):
    page = send(scene, "check", total=total)

    assert page.status_code == 200
    assert said in words(page)
    assert not Contract.objects.filter(title="Fleet").exists()


@pytest.mark.parametrize(
    ("currency", "amounts", "said"),
    [
        ("JPY", ("500", "700", "300"), "1,500 JPY"),
        ("KWD", ("500.125", "700.000", "300.000"), "1,500.125 KWD"),
    ],
)
def test_the_sum_has_the_decimals_of_its_currency(scene: Scene, currency: str, amounts: Any, said: str):
    fields = {f"stages[{place}].amount": text for place, text in zip((0, 1, 4), amounts, strict=True)}

    page = send(scene, "check", currency=currency, total="", **{"stages[0].shares": ""}, **fields)

    assert f"Sum of the stages {said}" in words(page)
    assert "Nothing is missing." in words(page)


def test_the_terms_are_shown_in_words_with_what_is_less_than_the_policy_marked(scene: Scene):
    said = words(send(scene, "check", **terms_fields(window_days=1)))

    assert "until the end of the day after the day of payment. less than the published policy" in said


def test_every_fault_stands_beside_its_field_and_nothing_typed_is_lost(scene: Scene):
    wrong = {
        "client": "Nobody",
        "stages[1].amount": "7,00",
        "stages[1].items[0].weight": "heavy",
        "stages[0].shares": "S1 1.00",
        "meters[0].code": "",
        "terms-time_zone": "Europe/Atlantis",
    }

    page = send(scene, "store", **wrong)

    said = words(page)
    assert page.status_code == 422
    for place in (
        "Client: is missing",
        "Stage 2, Amount:",
        "Stage 2, Item 1, Weight:",
        "Meter 1, Code: is missing",
    ):
        assert place in said
    assert "Time zone:" in said
    for text in ("7,00", "heavy", "S1 1.00", "Europe/Atlantis", "Kilometres"):
        assert f'value="{text}"' in page.content.decode()
    assert not Contract.objects.filter(title="Fleet").exists()


def test_a_client_is_found_by_name_and_alike_ones_are_named(scene: Scene):
    assert "Acme (business), office@acme.example" in words(send(scene, "check", client="acme"))
    assert "Which client? Acme, office@acme.example" in words(send(scene, "check", client="cm"))
    assert "There is no such client." in words(send(scene, "check", client="zzz"))


def test_rows_are_added_without_a_script_and_empty_ones_are_left_out(scene: Scene):
    page = send(scene, "add:stages").content.decode()
    assert 'name="stages[3].items[0].code"' in page
    assert 'name="meters[1].code"' in send(scene, "add:meters").content.decode()
    assert 'name="stages[1].items[1].code"' in send(scene, "add:stages[1].items").content.decode()

    assert send(scene, "store", **{"stages[7].code": "S9", "stages[7].kind": "work"}).status_code == 302
    assert written().stages.count() == 3


def test_a_draft_is_written_anew_and_a_signed_contract_is_not(scene: Scene):
    draft = draft_contract(scene.cast, title="Fleet", now=scene.payment.created_at)
    desk = Desk(scene.cast.rita)
    address = f"/admin/contracts/contract/{draft.pk}/write/"
    assert address in desk.open(draft).content.decode()
    assert 'value="Order desk"' in desk.get(address).content.decode()

    answer = send(scene, "store", address, **terms_fields(window_days=5))

    draft.refresh_from_db()
    assert answer.status_code == 302
    assert (draft.total_minor, draft.stages.count()) == (150000, 3)
    assert policy_terms(draft.terms_versions.get(version=2)).window_days == 5
    signed = send(scene, "store", f"/admin/contracts/contract/{scene.contract.pk}/write/")
    assert signed.status_code == 403
    assert "Only a draft can be written anew" in words(signed)


@pytest.mark.parametrize("name", ["finn", "ada"])
def test_whoever_writes_no_contracts_sees_why_and_a_forged_sheet_keeps_nothing(scene: Scene, name: str):
    before = count_events()
    draft = draft_contract(scene.cast, now=scene.payment.created_at)
    after_draft = count_events()

    for address in (NEW, f"/admin/contracts/contract/{draft.pk}/write/"):
        answer = send(scene, "store", address, name)
        assert answer.status_code == 403
        assert "Only a Reviewer or an Approver may do this." in words(answer)

    assert (count_events() - after_draft, after_draft - before) == (0, 1)


def test_a_draft_comes_back_from_its_sheet_as_it_was(scene: Scene):
    draft = draft_contract(scene.cast, now=scene.payment.created_at)

    raw = as_contract(sheet_of(draft), client=str(draft.client_id), terms={})

    assert [one["code"] for one in raw["stages"]] == ["P1", "S1", "S2"]
    assert raw["stages"][1]["items"][0] == {
        "code": "AC-1",
        "statement": "An order is saved.",
        "weight": "5",
        "reference": "Spec 2.1",
    }
    assert raw["meters"][0]["price"] == "0.0125"
    assert raw["total"] == "1800.00"


@pytest.mark.parametrize(
    "name",
    [
        "stages[0].evil",
        "stages.title",
        "title[0]",
        "stages[0].items[0].items[0].code",
        "x",
        "meters[9999].code",
    ],
)
def test_names_that_are_not_of_the_sheet_are_left_alone(name: str):
    assert typed_in({name: "x"}) == {"stages": [], "meters": []}


def test_a_row_is_added_to_no_list_that_there_is_not():
    sheet = typed_in({"title": "x"})

    assert with_row(sheet, "stages[3].items") == {"title": "x", "stages": [], "meters": []}


def test_existing_clients_are_offered_and_one_of_those_alike_is_taken_by_a_button(scene: Scene):
    other = create_client(
        principal=scene.cast.as_rita, kind="business", name="Acme", email="second@acme.example", now=NOW
    )
    blank = Desk(scene.cast.rita).get(NEW).content.decode()

    asked = send(scene, "check", client="Acme").content.decode()
    chosen = send(scene, f"client:{other.pk}", client="Acme")

    assert '<option value="second@acme.example">Acme</option>' in blank
    assert f'value="client:{other.pk}"' in asked
    assert 'value="second@acme.example"' in chosen.content.decode()
    assert "Which client?" not in words(chosen)


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ("", "P1 prepays in proportion: S1 350.00 EUR, S2 150.00 EUR."),
        (
            "S1 400.00; S2 100.00",
            "P1 prepays S1 400.00 EUR, S2 100.00 EUR; together 500.00 EUR of 500.00 EUR.",
        ),
        ("S1 400.00", "P1 prepays S1 400.00 EUR; together 400.00 EUR of 500.00 EUR. 100.00 EUR are missing"),
        ("S1 600.00", "together 600.00 EUR of 500.00 EUR. 100.00 EUR too much"),
    ],
)
def test_what_a_prepayment_prepays_is_said_in_words(scene: Scene, shares: str, said: str):
    assert said in words(send(scene, "check", **{"stages[0].shares": shares}))


def test_shares_that_cannot_be_read_are_left_to_their_fault(scene: Scene):
    said = words(send(scene, "check", **{"stages[0].shares": "all of it, please"}))

    assert "prepays" not in said.partition("What it comes to")[2].partition("Refund terms")[0]
    assert "Stage 1, Prepays: must be an object of stage codes and amounts" in said
