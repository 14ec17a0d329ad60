"""Amendments: unpaid stages change after signature, and only by a signed agreement."""

from datetime import date
from io import BytesIO

import pytest

from contracts.models import AcceptanceItem, Contract, PrepaymentShare, Stage
from contracts.services import (
    add_document,
    create_amendment,
    sign_amendment,
    terminate_contract,
    withdraw_amendment,
)
from contracts.services.acts import ContractNotSigned
from contracts.services.signing import DocumentChanged
from contracts.tests.cast import NOW, delivered_stage, draft_contract, signed_contract, stage_named
from events.models import Event
from kernel.errors import InvalidInput, NotFoundOrHidden, NotPermitted, StaleState

pytestmark = pytest.mark.django_db

NEW_STAGE = {
    "code": "S3",
    "title": "Label printer",
    "kind": "work",
    "amount": "250.00",
    "items": [{"code": "AC-1", "statement": "A label is printed.", "weight": "1"}],
}


def put_forward(cast, contract, changes, *, who="as_rita", **more):
    return create_amendment(
        principal=getattr(cast, who),
        contract_id=contract.pk,
        summary="A change of plan.",
        changes=changes,
        now=NOW,
        **more,
    )


def amend(cast, contract, changes):
    amendment = put_forward(cast, contract, changes)
    return sign_amendment(principal=cast.as_alice, amendment_id=amendment.pk, now=NOW)


def pay(contract, code, minor):
    Stage.objects.filter(contract=contract, code=code).update(covered_minor=minor)


def paths(cast, contract, changes):
    with pytest.raises(InvalidInput) as caught:
        put_forward(cast, contract, changes)
    return [fault.path for fault in caught.value.faults]


def shares_of(contract, code):
    rows = PrepaymentShare.objects.filter(prepayment__contract=contract, prepayment__code=code)
    return dict(rows.values_list("work__code", "amount_minor"))


def test_nothing_changes_until_the_owner_signs(cast):
    contract = signed_contract(cast)
    amendment = put_forward(cast, contract, {"change": [{"code": "S2", "amount": "600.00"}]})
    assert stage_named(contract, "S2").amount_minor == 50000

    sign_amendment(principal=cast.as_alice, amendment_id=amendment.pk, now=NOW)

    contract.refresh_from_db()
    assert (stage_named(contract, "S2").amount_minor, contract.total_minor) == (60000, 190000)
    amendment.refresh_from_db()
    assert (amendment.state, amendment.signed_by) == ("signed", cast.alice)
    assert Event.objects.get(type="amendment.signed").data["total_minor"] == 190000


def test_stages_come_and_go_and_the_total_follows(cast):
    contract = signed_contract(cast)

    amend(
        cast,
        contract,
        {
            "change": [{"code": "S1", "title": "Order desk, smaller", "amount": "900.00"}],
            "add": [NEW_STAGE],
            "remove": ["S2"],
        },
    )

    contract.refresh_from_db()
    standing = contract.stages.filter(is_removed=False).values_list("code", "title", "amount_minor")
    assert list(standing) == [
        ("P1", "Prepayment", 30000),
        ("S1", "Order desk, smaller", 90000),
        ("S3", "Label printer", 25000),
    ]
    assert contract.total_minor == 145000
    assert AcceptanceItem.objects.get(stage__contract=contract, stage__code="S3").code == "AC-1"
    assert AcceptanceItem.objects.get(stage__contract=contract, stage__code="S2").is_removed


def test_an_unpaid_prepayment_is_parted_anew_when_its_amount_or_work_changes(cast):
    contract = signed_contract(cast)
    assert shares_of(contract, "P1") == {"S1": 20000, "S2": 10000}

    amend(cast, contract, {"change": [{"code": "P1", "amount": "150.00"}]})
    assert shares_of(contract, "P1") == {"S1": 10000, "S2": 5000}
    amend(cast, contract, {"add": [NEW_STAGE]})
    assert shares_of(contract, "P1") == {"S1": 10000, "S2": 5000}
    amend(cast, contract, {"remove": ["S2"]})
    assert shares_of(contract, "P1") == {"S1": 12000, "S3": 3000}
    amend(cast, contract, {"change": [{"code": "P1", "shares": {"S3": "150.00"}}]})
    assert shares_of(contract, "P1") == {"S3": 15000}


def test_a_new_prepayment_is_due_when_the_amendment_is_signed(cast):
    contract = signed_contract(cast)
    new = {"code": "P2", "title": "Second prepayment", "kind": "prepayment", "amount": "30.00"}

    amend(cast, contract, {"add": [{**new, "shares": {"S2": "30.00"}}]})

    assert stage_named(contract, "P2").due_on == date(2026, 6, 1)
    assert shares_of(contract, "P2") == {"S2": 3000}


@pytest.mark.parametrize("minor", [1, 50000])
def test_what_is_paid_even_in_part_stays_as_it_is(cast, minor):
    contract = signed_contract(cast)
    pay(contract, "S2", minor)

    assert paths(cast, contract, {"change": [{"code": "S2", "title": "x"}]}) == ["change[0].code"]
    assert paths(cast, contract, {"remove": ["S2"]}) == ["remove[0]"]


def test_what_is_paid_between_draft_and_signature_stays_as_it_is(cast):
    contract = signed_contract(cast)
    amendment = put_forward(cast, contract, {"remove": ["S2"]})
    pay(contract, "S2", 50000)

    with pytest.raises(InvalidInput):
        sign_amendment(principal=cast.as_alice, amendment_id=amendment.pk, now=NOW)

    assert not stage_named(contract, "S2").is_removed
    assert Contract.objects.get().total_minor == 180000


def test_work_that_has_been_prepaid_stays(cast):
    contract = signed_contract(cast)
    pay(contract, "P1", 30000)

    assert paths(cast, contract, {"remove": ["S2"]}) == ["remove[0]"]


def test_work_that_has_been_delivered_stays(cast):
    contract = signed_contract(cast)
    delivered_stage(cast, contract, "S2")

    assert paths(cast, contract, {"remove": ["S2"]}) == ["remove[0]"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [""]),
        ([], [""]),
        ({"change": []}, [""]),
        ({"discount": "1"}, ["discount"]),
        ({"change": [{"code": "S9", "amount": "1.00"}]}, ["change[0].code"]),
        ({"change": [{"code": "S1"}]}, ["change[0]"]),
        ({"change": [{"code": "S1", "amount": "1.001"}]}, ["change[0].amount"]),
        ({"change": [{"code": "S1", "kind": "prepayment"}]}, ["change[0].kind"]),
        ({"change": [{"code": "S1", "shares": {"S2": "1.00"}}]}, ["change[0].shares"]),
        ({"change": [{"code": "P1", "shares": {"S9": "300.00"}}]}, ["change[0].shares.S9"]),
        ({"change": [{"code": "P1", "shares": {"S1": "299.99"}}]}, ["change[0].shares"]),
        ({"remove": ["S9"]}, ["remove[0]"]),
        ({"remove": [1]}, ["remove[0]"]),
        ({"remove": ["S1", "S1"]}, ["remove[1]"]),
        ({"change": [{"code": "S1", "amount": "1.00"}], "remove": ["S1"]}, ["remove[0]"]),
        ({"add": [{**NEW_STAGE, "code": "S1"}]}, ["add[0].code"]),
        ({"add": [{**NEW_STAGE, "amount": "x"}]}, ["add[0].amount"]),
        ({"remove": ["P1", "S1", "S2"]}, [""]),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_path(cast, changes, expected):
    assert paths(cast, signed_contract(cast), changes) == expected


def test_removing_all_work_leaves_nothing_to_prepay(cast):
    assert paths(cast, signed_contract(cast), {"remove": ["S1", "S2"]}) == [""]


def test_the_code_of_a_removed_stage_is_not_used_again(cast):
    contract = signed_contract(cast)
    amend(cast, contract, {"remove": ["S2"]})

    assert paths(cast, contract, {"add": [{**NEW_STAGE, "code": "S2"}]}) == ["add[0].code"]
    assert paths(cast, contract, {"change": [{"code": "S2", "amount": "1.00"}]}) == ["change[0].code"]


def test_an_amendment_is_signed_or_withdrawn_once(cast):
    contract = signed_contract(cast)
    signed = amend(cast, contract, {"add": [NEW_STAGE]})
    withdrawn = put_forward(cast, contract, {"remove": ["S2"]})
    withdraw_amendment(principal=cast.as_rita, amendment_id=withdrawn.pk, now=NOW)

    for amendment in (signed, withdrawn):
        with pytest.raises(StaleState):
            sign_amendment(principal=cast.as_alice, amendment_id=amendment.pk, now=NOW)
        with pytest.raises(StaleState):
            withdraw_amendment(principal=cast.as_rita, amendment_id=amendment.pk, now=NOW)

    assert [signed.number, withdrawn.number] == [1, 2]
    assert not stage_named(contract, "S2").is_removed


def test_an_owner_signs_exactly_the_document_that_was_read(cast):
    contract = signed_contract(cast)
    document = add_document(
        principal=cast.as_rita,
        contract_id=contract.pk,
        kind="amendment",
        title="First amendment",
        file=BytesIO(b"S2 goes."),
        file_name="amendment.txt",
        now=NOW,
    )
    amendment = put_forward(cast, contract, {"remove": ["S2"]}, document_id=document.pk)

    with pytest.raises(DocumentChanged):
        sign_amendment(principal=cast.as_alice, amendment_id=amendment.pk, now=NOW)
    sign_amendment(
        principal=cast.as_alice, amendment_id=amendment.pk, document_sha256=document.sha256, now=NOW
    )

    assert stage_named(contract, "S2").is_removed


def test_only_an_owner_or_those_who_do_contract_work_sign(cast):
    amendment = put_forward(cast, signed_contract(cast), {"add": [NEW_STAGE]})

    for who in ("as_bea", "as_cem", "as_finn"):
        with pytest.raises(NotPermitted):
            sign_amendment(principal=getattr(cast, who), amendment_id=amendment.pk, now=NOW)
    with pytest.raises(NotFoundOrHidden):
        sign_amendment(principal=cast.as_mallory, amendment_id=amendment.pk, now=NOW)
    with pytest.raises(NotFoundOrHidden):
        withdraw_amendment(principal=cast.as_mallory, amendment_id=amendment.pk, now=NOW)
    with pytest.raises(NotPermitted):
        withdraw_amendment(principal=cast.as_alice, amendment_id=amendment.pk, now=NOW)


def test_only_those_who_do_contract_work_put_amendments_forward(cast):
    contract = signed_contract(cast)

    with pytest.raises(NotPermitted):
        put_forward(cast, contract, {"add": [NEW_STAGE]}, who="as_alice")
    with pytest.raises(NotFoundOrHidden):
        put_forward(cast, contract, {"add": [NEW_STAGE]}, who="as_mallory")


def test_a_draft_and_an_ended_contract_are_not_amended(cast):
    with pytest.raises(ContractNotSigned):
        put_forward(cast, draft_contract(cast), {"add": [NEW_STAGE]})
    contract = signed_contract(cast)
    amendment = put_forward(cast, contract, {"add": [NEW_STAGE]})
    terminate_contract(principal=cast.as_rita, contract_id=contract.pk, reason="Over.", now=NOW)

    with pytest.raises(ContractNotSigned):
        sign_amendment(principal=cast.as_alice, amendment_id=amendment.pk, now=NOW)
