"""The only way to an object is through the one who asks: foreign and missing look the same."""

from io import BytesIO

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.principals import SYSTEM, Principal
from contracts.drafts import parse_contract
from contracts.selectors import (
    client_of,
    clients_of,
    contract_of,
    contracts_of,
    delivery_of,
    document_of,
    documents_of,
    lock_contract_of,
    role_of,
    stage_of,
    stages_of,
)
from contracts.services import add_document, create_amendment, create_contract
from contracts.services.amendments import amendment_of
from contracts.services.contracts import ReferenceTaken
from contracts.tests.cast import NOW, delivered_stage, draft_contract, signed_contract, stage_named
from kernel.errors import InvalidInput, NotFoundOrHidden, NotPermitted
from kernel.ids import new_id

pytestmark = pytest.mark.django_db


@pytest.fixture
def keys(cast):
    """By access function, the id of an object of Alice's client."""
    contract = signed_contract(cast)
    document = add_document(
        principal=cast.as_rita,
        contract_id=contract.pk,
        kind="other",
        title="Notes",
        file=BytesIO(b"x"),
        file_name="x.txt",
        now=NOW,
    )
    amendment = create_amendment(
        principal=cast.as_rita,
        contract_id=contract.pk,
        summary="S2 goes.",
        changes={"remove": ["S2"]},
        now=NOW,
    )
    return {
        client_of: cast.client.pk,
        contract_of: contract.pk,
        lock_contract_of: contract.pk,
        stage_of: stage_named(contract, "S1").pk,
        delivery_of: delivered_stage(cast, contract).pk,
        document_of: document.pk,
        amendment_of: amendment.pk,
    }


@pytest.mark.parametrize("who", ["as_alice", "as_bea", "as_erp", "as_rita", "as_ada"])
def test_who_may_see_an_object_finds_it(cast, keys, who):
    for find, key in keys.items():
        assert find(getattr(cast, who), key).pk == key


def test_foreign_and_missing_objects_look_the_same(cast, keys):
    cast.erp.grants.all().delete()
    for principal in (cast.as_mallory, cast.as_erp):
        for find, key in keys.items():
            with pytest.raises(NotFoundOrHidden) as foreign:
                find(principal, key)
            with pytest.raises(NotFoundOrHidden) as missing:
                find(principal, new_id())
            assert (foreign.value.detail, foreign.value.data) == (missing.value.detail, missing.value.data)


def test_lists_hold_only_what_belongs_to_the_one_who_asks(cast, keys):
    for rows_of in (contracts_of, stages_of, documents_of):
        assert rows_of(cast.as_bea).exists()
        assert not rows_of(cast.as_mallory).exists()
    assert list(clients_of(cast.as_mallory)) == [cast.other_client]


def test_a_role_is_read_anew_each_time(cast):
    assert role_of(cast.bea, cast.client) == "viewer"
    cast.client.memberships.filter(user=cast.bea).delete()

    assert role_of(cast.bea, cast.client.pk) is None
    assert role_of(None, cast.client) is None
    assert not contracts_of(cast.as_bea).exists()


def raw(cast, stages, **more):
    return {
        "client": str(cast.client.pk),
        "title": "Many stages",
        "currency": "EUR",
        "stages": [
            {
                "code": f"S{number}",
                "title": "Work",
                "kind": "work",
                "amount": "1.00",
                "items": [{"code": "A", "statement": "It works.", "weight": "1"}],
            }
            for number in range(stages)
        ],
        **more,
    }


def test_a_contract_is_stored_in_as_many_statements_whatever_its_length(cast):
    counts = []
    for stages in (2, 60):
        draft = parse_contract(raw(cast, stages), default_time_zone="Europe/Berlin")
        with CaptureQueriesContext(connection) as queries:
            create_contract(principal=cast.as_erp, draft=draft, now=NOW)
        counts.append(len(queries))

    assert counts[0] == counts[1] <= 14


def test_a_contract_for_a_foreign_client_is_refused_and_nothing_is_stored(cast):
    body = {**raw(cast, 1), "client": str(cast.other_client.pk)}
    draft = parse_contract(body, default_time_zone="Europe/Berlin")

    with pytest.raises(NotFoundOrHidden):
        create_contract(principal=cast.as_erp, draft=draft, now=NOW)

    assert not contracts_of(SYSTEM).exists()


@pytest.mark.parametrize("who", ["as_alice", "as_mallory", "as_finn", "as_ada"])
def test_only_those_who_do_contract_work_make_contracts(cast, who):
    draft = parse_contract(raw(cast, 1), default_time_zone="Europe/Berlin")

    with pytest.raises(NotPermitted):
        create_contract(principal=getattr(cast, who), draft=draft, now=NOW)


def test_a_reference_names_one_contract(cast):
    draft_contract(cast, reference="ORDER-7")

    with pytest.raises(ReferenceTaken):
        draft_contract(cast, reference="ORDER-7")
    assert draft_contract(cast).reference == draft_contract(cast).reference == ""


def test_numbers_follow_the_companys_year(cast):
    new_year_in_berlin = NOW.replace(month=12, day=31, hour=23, minute=30)

    assert draft_contract(cast, now=new_year_in_berlin).number == "C-2027-0001"


def test_a_draft_names_its_client(cast):
    draft = parse_contract(raw(cast, 1), default_time_zone="Europe/Berlin")
    from dataclasses import replace

    with pytest.raises(InvalidInput):
        create_contract(principal=Principal(), draft=replace(draft, client_id=None), now=NOW)
