"""Signing: an owner signs what was read, and nothing else."""

from io import BytesIO

import pytest

from contracts.models import Amendment, Contract
from contracts.services import add_document, create_amendment
from contracts.tests.cast import draft_contract, stage_named
from refundportal.portal.tests.visiting import Visitor, queries_of, words
from refunds.tests.scene import LATER, Scene


@pytest.fixture
def alice(scene: Scene) -> Visitor:
    return Visitor(scene.cast.alice)


@pytest.fixture
def draft(scene: Scene) -> Contract:
    found = draft_contract(scene.cast, title="Second shop")
    document(scene, found, "contract", b"What we agree on.\n")
    return found


def document(scene: Scene, contract: Contract, kind: str, content: bytes):
    return add_document(
        principal=scene.cast.as_rita,
        contract_id=contract.pk,
        kind=kind,
        title="The paper",
        file=BytesIO(content),
        file_name="paper.txt",
        now=LATER,
    )


def put_forward(scene: Scene, **fields) -> Amendment:
    changes = {
        "change": [{"code": "S2", "title": "Warehouse, small", "amount": "400.00"}],
        "add": [{"code": "S3", "title": "Labels", "kind": "work", "amount": "150.00", "items": []}],
    }
    given = {"summary": "Less warehouse, but labels.", "changes": changes, "now": LATER}
    return create_amendment(
        principal=scene.cast.as_rita, contract_id=scene.contract.pk, **{**given, **fields}
    )


def read(visitor: Visitor, address: str) -> dict[str, str]:
    """What the form of a page that was read sends."""
    found = visitor.get(address).context
    paper = found.get("document") or (found.get("amendment") and found["amendment"].document)
    return {
        "document_sha256": paper.sha256 if paper else "",
        "terms_version": str(found.get("terms_version", "")),
    }


def again(contract: Contract) -> Contract:
    return Contract.objects.get(pk=contract.pk)


def test_alice_reads_all_that_she_signs(alice: Visitor, draft: Contract):
    address = f"/contracts/{draft.number}/sign/"

    page = alice.get(address)

    text = words(page)
    assert address in alice.get(f"/contracts/{draft.number}/").content.decode()
    assert "S1 Order desk" in text
    assert "1,000.00 EUR" in text.replace("\u00a0", " ")
    assert "You can apply for a refund for 3 days after the day of payment" in text
    assert f"SHA-256 {page.context['document'].sha256}" in text
    assert page.content.decode().count("button-primary") == 1


def test_alice_signs_with_one_button_and_what_she_read_is_kept(scene: Scene, alice: Visitor, draft: Contract):
    address = f"/contracts/{draft.number}/sign/"
    form = read(alice, address)

    answer = alice.post(address, form)

    signed = again(draft)
    assert answer.headers["Location"] == f"/contracts/{draft.number}/"
    assert (signed.state, signed.signed_by, signed.signed_at) == ("signed", scene.cast.alice, LATER)
    assert (signed.signed_sha256, signed.signed_terms_version) == (form["document_sha256"], 1)
    assert "You have signed Second shop." in words(alice.get(answer.headers["Location"]))
    assert alice.get(address).headers["Location"] == f"/contracts/{draft.number}/"


def test_a_document_that_changed_meanwhile_is_not_signed(
    scene: Scene, alice: Visitor, draft: Contract, clock
):
    address = f"/contracts/{draft.number}/sign/"
    form = read(alice, address)
    clock.shift(60)
    document(scene, draft, "contract", b"Something else.\n")

    answer = alice.post(address, form, follow=True)

    assert "The document has changed in the meantime." in words(answer)
    assert again(draft).state == "draft"


@pytest.mark.parametrize("version", ["2", "", "x", "²", "9" * 40, "-1"])
def test_terms_that_nobody_has_read_are_not_signed(alice: Visitor, draft: Contract, version):
    address = f"/contracts/{draft.number}/sign/"

    answer = alice.post(address, read(alice, address) | {"terms_version": version}, follow=True)

    assert "The refund terms have changed in the meantime." in words(answer)
    assert again(draft).state == "draft"


def test_those_who_do_not_own_see_no_button(scene: Scene, draft: Contract):
    text = words(Visitor(scene.cast.bea).get(f"/contracts/{draft.number}/"))

    assert "An owner of the client can sign it." in text
    assert "Read and sign" not in text


def test_a_signature_needs_the_token_of_its_form(alice: Visitor, draft: Contract):
    form = read(alice, f"/contracts/{draft.number}/sign/")
    alice.handler.enforce_csrf_checks = True

    assert alice.post(f"/contracts/{draft.number}/sign/", form).status_code == 403
    assert again(draft).state == "draft"


def test_alice_reads_what_an_amendment_changes_and_signs_it(scene: Scene, alice: Visitor):
    amendment = put_forward(scene)
    address = f"/contracts/{scene.contract.number}/amendments/1/"
    waiting = words(alice.get(f"/contracts/{scene.contract.number}/"))
    text = words(alice.get(address)).replace("\u00a0", " ")

    answer = alice.post(address, read(alice, address))

    amendment.refresh_from_db()
    assert "Amendment 1 waits for a signature." in waiting
    assert "S2 Warehouse, small 400.00 EUR until now “" in text
    assert "S3 Labels 150.00 EUR new · work" in text
    assert answer.headers["Location"] == f"/contracts/{scene.contract.number}/"
    assert (amendment.state, amendment.signed_by) == ("signed", scene.cast.alice)
    assert stage_named(scene.contract, "S2").amount_minor == 40000


def test_an_amendment_is_signed_with_the_document_that_was_read(scene: Scene, alice: Visitor):
    paper = document(scene, scene.contract, "amendment", b"The change.\n")
    amendment = put_forward(scene, document_id=paper.pk)
    address = f"/contracts/{scene.contract.number}/amendments/1/"

    answer = alice.post(address, {"document_sha256": "0" * 64}, follow=True)

    amendment.refresh_from_db()
    assert "The document has changed in the meantime." in words(answer)
    assert paper.sha256 in words(alice.get(address))
    assert amendment.state == "draft"


def test_an_amendment_that_no_longer_fits_says_so_and_has_no_button(scene: Scene, alice: Visitor):
    changes = {"change": [{"code": "S2", "amount": "400.00"}]}
    put_forward(scene, changes=changes)
    stage = stage_named(scene.contract, "S2")
    stage.covered_minor = 100
    stage.save()
    address = f"/contracts/{scene.contract.number}/amendments/1/"

    text, answer = words(alice.get(address)), alice.post(address, follow=True)

    assert "This amendment no longer fits the contract." in text
    assert "Sign the amendment" not in text
    assert "This amendment no longer fits the contract." in words(answer)


@pytest.mark.parametrize("at", ["2", "0", "9" * 30])
def test_there_is_no_amendment_that_was_not_put_forward(scene: Scene, alice: Visitor, at):
    put_forward(scene)

    assert alice.get(f"/contracts/{scene.contract.number}/amendments/{at}/").status_code == 404


def test_the_pages_ask_the_same_number_of_queries_for_few_and_many_stages(scene: Scene, alice: Visitor):
    stages = [{"code": f"W{n}", "title": "Work", "kind": "work", "amount": "10.00"} for n in range(14)]
    few = draft_contract(scene.cast, stages=stages[:1], meters=[])
    many = draft_contract(scene.cast, stages=stages, meters=[])

    found = [queries_of(alice, f"/contracts/{one.number}/sign/") for one in (few, many)]

    assert found == [8, 8]
