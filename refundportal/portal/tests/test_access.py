"""Who may open what: every address of the portal, tried by everybody."""

import re
from io import BytesIO

import pytest
from django.test import Client
from django.urls import reverse
from PIL import Image

from contracts.services import create_amendment, invite_member
from contracts.tests.cast import draft_contract, signed_contract
from refundportal.portal.tests.visiting import Visitor, all_requests, words
from refundportal.portal.urls import urlpatterns
from refunds.models import Attachment, RefundRequest
from refunds.services import add_attachment, ask_question
from refunds.tests.scene import LATER, Scene, approved, evidence, make_scene, paid

OPEN = {"policy", "styleguide"}
BY_LINK = {"join"}
"""Who has the link of an invitation opens it; tested among the people."""
OWN = {"home", "account", "contracts", "requests", "questions", "ask"}
"""Pages that show visitors their own."""
READ = {
    "contract",
    "contract-document",
    "payment",
    "request",
    "received",
    "received-pdf",
    "letter",
    "letter-pdf",
    "question",
    "attachment",
    "attachment-preview",
}
"""Pages that every member of the client may read."""
ACTS = {"accept", "object", "apply", "apply-check", "apply-confirm", "apply-discard", "withdraw", "bank"}
"""Pages of owners and requesters."""
OWNERS = {"bank-change", "people", "member", "member-remove", "invitation-withdraw", "sign", "amendment"}
"""Pages of owners alone."""
SENT_ONLY = {"remove-file"}
"""What is tested where it belongs: it answers everybody the same and touches only one's own draft."""
EVERY_NAME = OPEN | BY_LINK | OWN | READ | ACTS | OWNERS | SENT_ONLY


def png() -> bytes:
    written = BytesIO()
    Image.new("RGB", (4, 4), "red").save(written, "PNG")
    return written.getvalue()


def sent(scene: Scene, request: RefundRequest, content: bytes, name: str) -> Attachment:
    return add_attachment(
        principal=scene.cast.as_alice, request_id=request.pk, file=BytesIO(content), file_name=name, now=LATER
    )


@pytest.fixture
def addresses(db, clock) -> tuple[Scene, dict[str, str]]:
    """A delivered stage, an answered application with a file, and the address of everything."""
    scene = make_scene(is_delivered=True)
    document = evidence(scene)
    second = signed_contract(scene.cast, title="Second")
    request = approved(Scene(scene.cast, second, paid(scene.cast, second, "P1")))
    file, picture = sent(scene, request, b"Look.", "proof.txt"), sent(scene, request, png(), "proof.png")
    question = ask_question(
        principal=scene.cast.as_alice, client_id=scene.cast.client.pk, subject="Why?", body="So?", now=LATER
    )
    contract, payment = f"/contracts/{scene.contract.number}/", f"/payments/{scene.payment.number}/"
    create_amendment(
        principal=scene.cast.as_rita,
        contract_id=scene.contract.pk,
        summary="Less to do.",
        changes={"change": [{"code": "S2", "amount": "400.00"}]},
        now=LATER,
    )
    client = f"/clients/{scene.cast.client.pk}/"
    invited = invite_member(
        principal=scene.cast.as_alice, client_id=scene.cast.client.pk, email="eva@acme.example",
        role="viewer", now=LATER,
    )  # fmt: skip
    asked = f"/requests/{request.number}/"
    return scene, {
        "contract": contract,
        "contract-document": f"{contract}documents/{document.pk}/",
        "sign": f"/contracts/{draft_contract(scene.cast).number}/sign/",
        "amendment": f"{contract}amendments/1/",
        "accept": f"{contract}stages/S1/accept/",
        "object": f"{contract}stages/S1/object/",
        "payment": payment,
        "apply": f"{payment}apply/",
        "apply-check": f"{payment}apply/check/",
        "apply-confirm": f"{payment}apply/confirm/",
        "apply-discard": f"{payment}apply/discard/",
        "request": asked,
        "received": f"{asked}received/",
        "received-pdf": f"{asked}received.pdf",
        "letter": f"{asked}letter/",
        "letter-pdf": f"{asked}letter.pdf",
        "withdraw": f"{asked}withdraw/",
        "bank": f"{client}bank/",
        "bank-change": f"{client}bank/change/",
        "people": f"{client}people/",
        "member": f"{client}people/{scene.cast.bea.pk}/",
        "member-remove": f"{client}people/{scene.cast.bea.pk}/remove/",
        "invitation-withdraw": f"{client}invitations/{invited.pk}/withdraw/",
        "question": f"/questions/{question.pk}/",
        "attachment": f"/files/{file.pk}/",
        "attachment-preview": f"/files/{picture.pk}/preview/",
    }


def test_every_address_of_the_portal_is_in_this_matrix():
    assert {pattern.name for pattern in urlpatterns} == EVERY_NAME


def test_nobody_reads_without_signing_in(addresses):
    _, found = addresses
    stranger = Client()

    answers = {
        address: stranger.get(address)
        for address in [
            *found.values(),
            "/",
            "/you/",
            "/contracts/",
            "/requests/",
            "/questions/",
            "/questions/ask/",
        ]
    }

    assert {answer.status_code for answer in answers.values()} == {302}
    assert all(answer.headers["Location"].startswith("/account/login/") for answer in answers.values())


def test_the_policy_is_open_to_everybody(db):
    assert Client().get("/policy/").status_code == 200


def test_the_style_guide_is_there_in_development_alone(db, settings):
    assert Client().get("/styleguide/").status_code == 404

    settings.DEBUG = True

    assert "Every piece in every state" in words(Client().get("/styleguide/"))


@pytest.mark.parametrize("name", sorted(READ | ACTS | OWNERS))
def test_what_is_foreign_looks_like_what_is_missing(addresses, name):
    scene, found = addresses
    mallory = Visitor(scene.cast.mallory)
    missing = found[name].replace("2026-000001", "2026-999999").replace("C-2026-000", "C-2026-999")
    missing = missing.replace(str(scene.cast.client.pk), "00000000-0000-0000-0000-000000000000")
    if name in ("attachment", "attachment-preview", "contract-document", "question"):
        key = re.search(r"[0-9a-f-]{36}", found[name])[0]
        missing = found[name].replace(key, "019e0000-0000-7000-8000-000000000000")

    foreign, absent = mallory.get(found[name]), mallory.get(missing)

    assert (foreign.status_code, absent.status_code) == (404, 404)
    assert foreign.content == absent.content


@pytest.mark.parametrize("name", sorted(ACTS | OWNERS))
def test_what_is_foreign_takes_no_act(addresses, name):
    scene, found = addresses

    assert Visitor(scene.cast.mallory).post(found[name]).status_code == 404


@pytest.mark.parametrize("name", sorted(READ))
def test_a_viewer_reads_everything(addresses, name):
    scene, found = addresses

    assert Visitor(scene.cast.bea).get(found[name]).status_code == 200


@pytest.mark.parametrize("name", sorted(ACTS | OWNERS))
def test_a_viewer_is_told_clearly_that_she_only_reads(addresses, name):
    scene, found = addresses
    bea = Visitor(scene.cast.bea)

    read, sent = bea.get(found[name]), bea.post(found[name])

    assert (read.status_code, sent.status_code) == (403, 403)
    assert "Your role lets you read." in words(read)


@pytest.mark.parametrize("name", sorted(READ | ACTS - {"apply-discard", "withdraw"}))
def test_a_requester_reads_and_acts(addresses, name):
    scene, found = addresses

    assert Visitor(scene.cast.cem).get(found[name]).status_code in (200, 302)


@pytest.mark.parametrize("name", sorted(OWNERS))
def test_what_is_for_owners_is_for_no_requester(addresses, name):
    scene, found = addresses
    cem = Visitor(scene.cast.cem)

    assert (cem.get(found[name]).status_code, cem.post(found[name]).status_code) == (403, 403)


@pytest.mark.parametrize("name", sorted(ACTS | OWNERS))
def test_staff_act_in_their_own_pages_alone(addresses, name):
    scene, found = addresses

    assert Visitor(scene.cast.rita).post(found[name]).status_code == 403


def test_staff_without_a_client_are_led_to_their_own_pages(addresses):
    scene, _ = addresses

    assert Visitor(scene.cast.rita).get("/").headers["Location"] == reverse("admin:index")


def test_a_client_sees_only_their_own_lists(addresses):
    scene, _ = addresses
    mallory = Visitor(scene.cast.mallory)

    shown = [words(mallory.get(address)) for address in ("/", "/contracts/", "/requests/", "/questions/")]

    assert all(
        scene.contract.title not in text and "RR-2026" not in text and "Why?" not in text for text in shown
    )


@pytest.mark.parametrize("name", sorted(READ))
def test_private_pages_are_kept_out_of_every_cache(addresses, name):
    scene, found = addresses

    answer = Visitor(scene.cast.alice).get(found[name])

    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("name", ["contract-document", "attachment", "received-pdf", "letter-pdf"])
def test_files_leave_as_attachments_in_a_sandbox(addresses, name):
    scene, found = addresses

    answer = Visitor(scene.cast.alice).get(found[name])

    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


@pytest.mark.parametrize(
    "address", ["/contracts/%00/", "/contracts/C-2026-0001%00/", "/contracts/C-2026-0001/stages/%00/accept/"]
)
def test_an_address_that_no_page_gives_is_not_found(scene: Scene, address):
    assert Visitor(scene.cast.alice).get(address).status_code == 404


@pytest.mark.parametrize("token", ["", "x", "\0", "00000000-0000-0000-0000-000000000000"])
def test_a_made_up_token_sends_nothing(scene: Scene, token):
    alice = Visitor(scene.cast.alice)
    alice.apply(scene)

    alice.confirm(scene, form={"token": token, "fingerprint": "\0"})

    assert all_requests() == []


@pytest.mark.parametrize("cursor", ["x", "AAAA", "é", "YQ" * 20])
def test_a_cursor_that_was_never_given_is_not_found(scene: Scene, cursor):
    assert Visitor(scene.cast.alice).get("/contracts/", {"at": cursor}).status_code == 404
