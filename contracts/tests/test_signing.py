"""Signing: what is signed, by whom, and what becomes due."""

from datetime import date, timedelta
from io import BytesIO

import pytest

from contracts.models import Contract, Stage
from contracts.services import add_document, publish_terms, revise_contract, sign_contract
from contracts.services.signing import DocumentChanged, TermsChanged
from contracts.tests.cast import NOW, Cast, draft_contract, stage_named
from events.models import Event
from kernel.errors import NotFoundOrHidden, NotPermitted, StaleState

pytestmark = pytest.mark.django_db


def add_contract_document(cast: Cast, contract: Contract, text: str = "We promise."):
    return add_document(
        principal=cast.as_rita,
        contract_id=contract.pk,
        kind="contract",
        title="Contract",
        file=BytesIO(text.encode()),
        file_name="contract.txt",
        now=NOW,
    )


def test_an_owner_signs_and_the_prepayment_becomes_due_on_that_local_day(cast):
    contract = draft_contract(cast)
    late_evening = NOW.replace(hour=22, minute=30)

    sign_contract(principal=cast.as_alice, contract_id=contract.pk, now=late_evening)

    contract.refresh_from_db()
    assert (contract.state, contract.signed_at, contract.signed_by) == ("signed", late_evening, cast.alice)
    assert contract.signed_terms_version == 1
    assert stage_named(contract, "P1").due_on == date(2026, 6, 2)
    assert stage_named(contract, "S1").due_on is None
    event = Event.objects.get(type="contract.signed")
    assert (event.actor_id, event.data["by_client"]) == (cast.alice.pk, True)


def test_a_signature_given_on_paper_is_recorded_by_a_reviewer(cast):
    contract = draft_contract(cast)

    sign_contract(principal=cast.as_rita, contract_id=contract.pk, now=NOW)

    assert Event.objects.get(type="contract.signed").data["by_client"] is False


@pytest.mark.parametrize("who", ["as_bea", "as_cem", "as_finn", "as_ada"])
def test_others_may_see_a_contract_but_not_sign_it(cast, who):
    contract = draft_contract(cast)

    with pytest.raises(NotPermitted):
        sign_contract(principal=getattr(cast, who), contract_id=contract.pk, now=NOW)

    assert Contract.objects.get().state == "draft"


def test_for_mallory_there_is_no_such_contract(cast):
    contract = draft_contract(cast)

    with pytest.raises(NotFoundOrHidden):
        sign_contract(principal=cast.as_mallory, contract_id=contract.pk, now=NOW)


def test_a_contract_is_signed_once(cast):
    contract = draft_contract(cast)
    sign_contract(principal=cast.as_alice, contract_id=contract.pk, now=NOW)

    with pytest.raises(StaleState):
        sign_contract(principal=cast.as_alice, contract_id=contract.pk, now=NOW + timedelta(hours=1))

    assert Event.objects.filter(type="contract.signed").count() == 1


def test_an_owner_signs_exactly_the_document_that_was_read(cast):
    contract = draft_contract(cast)
    read = add_contract_document(cast, contract)
    newest = add_contract_document(cast, contract, "We promise less.")

    for digest in ("", read.sha256):
        with pytest.raises(DocumentChanged):
            sign_contract(principal=cast.as_alice, contract_id=contract.pk, document_sha256=digest, now=NOW)
    sign_contract(
        principal=cast.as_alice, contract_id=contract.pk, document_sha256=newest.sha256.upper(), now=NOW
    )

    assert Contract.objects.get().signed_sha256 == newest.sha256


def test_an_owner_signs_exactly_the_terms_that_were_read(cast):
    contract = draft_contract(cast)
    publish_terms(principal=cast.as_rita, contract_id=contract.pk, terms={"window_days": 1}, now=NOW)

    with pytest.raises(TermsChanged):
        sign_contract(principal=cast.as_alice, contract_id=contract.pk, terms_version=1, now=NOW)
    sign_contract(principal=cast.as_alice, contract_id=contract.pk, terms_version=2, now=NOW)

    assert Contract.objects.get().signed_terms_version == 2


def test_a_draft_can_be_written_anew_until_it_is_signed(cast):
    from contracts.drafts import parse_contract

    contract = draft_contract(cast)
    stages = [{"code": "W", "title": "All of it", "kind": "work", "amount": "10.00"}]
    raw = {"client": str(cast.client.pk), "title": "Smaller", "currency": "USD", "stages": stages}
    draft = parse_contract(
        {**raw, "terms": {"time_zone": "America/New_York"}}, default_time_zone="Europe/Berlin"
    )

    revise_contract(principal=cast.as_rita, contract_id=contract.pk, draft=draft, now=NOW)

    contract.refresh_from_db()
    assert (contract.title, contract.currency, contract.total_minor) == ("Smaller", "USD", 1000)
    assert list(Stage.objects.values_list("code", flat=True)) == ["W"]
    assert list(contract.terms_versions.order_by("version").values_list("version", "time_zone")) == [
        (1, "Europe/Berlin"),
        (2, "America/New_York"),
    ]
    sign_contract(principal=cast.as_alice, contract_id=contract.pk, now=NOW)
    with pytest.raises(StaleState):
        revise_contract(principal=cast.as_rita, contract_id=contract.pk, draft=draft, now=NOW)
