"""One of everything that a client can see, and where it stands."""

from datetime import datetime, timedelta
from typing import Any

from contracts.services import create_amendment, invite_member
from contracts.services.invitations import invitation_token
from contracts.tests.cast import draft_contract, signed_contract
from refunds.services import ask_question, request_information, save_draft
from refunds.tests.scene import Scene, approved, in_review, paid


def furnish(scene: Scene, now: datetime) -> dict[str, Any]:
    """An answered application, one that waits for Alice, a question, a draft and an amendment to sign."""
    cast = scene.cast
    create_amendment(
        principal=cast.as_rita,
        contract_id=scene.contract.pk,
        summary="Less to do.",
        changes={"change": [{"code": "S2", "amount": "400.00"}]},
        now=now,
    )
    question = ask_question(
        principal=cast.as_alice, client_id=cast.client.pk, subject="Why?", body="So?", now=now
    )
    first = signed_contract(cast, title="Answered", now=now - timedelta(days=20))
    second = signed_contract(cast, title="Asked", terms={"rounding": "company"}, now=now - timedelta(days=20))
    answered = approved(Scene(cast, first, paid(cast, first, at=now - timedelta(hours=3))), now=now)
    asked = in_review(Scene(cast, second, paid(cast, second, at=now - timedelta(hours=2))), now=now)
    request_information(principal=cast.as_rita, request_id=asked.pk, question="Which one?", now=now)
    draft = draft_contract(cast, title="Draft")
    typed = {"reason": "defects", "statement": "Orders get lost.", "extent": "all", "remedy": "refund"}
    save_draft(user=cast.alice, payment_id=scene.payment.pk, content=typed, now=now)
    invitation = invite_member(
        principal=cast.as_mallory,
        client_id=cast.other_client.pk,
        email=cast.alice.email,
        role="viewer",
        now=now,
    )
    join = f"/join/{invitation_token(invitation.pk)}/"
    return {"join": join, "answered": answered, "asked": asked, "question": question, "draft": draft}


def addresses_of(scene: Scene, requests: dict[str, Any]) -> list[str]:
    contract, payment = f"/contracts/{scene.contract.number}/", f"/payments/{scene.payment.number}/"
    client = f"/clients/{scene.cast.client.pk}/"
    asked, answered = f"/requests/{requests['asked'].number}/", f"/requests/{requests['answered'].number}/"
    return [
        *("/", "/policy/", "/you/", "/contracts/", "/requests/"),
        *(contract, f"{contract}stages/S1/accept/", f"{contract}stages/S1/object/"),
        *(payment, f"{payment}apply/", f"{payment}apply/check/", f"{payment}apply/confirm/"),
        *(asked, f"{asked}withdraw/", f"{asked}received/", answered, f"{answered}letter/"),
        *("/questions/", "/questions/ask/", f"/questions/{requests['question'].pk}/"),
        *(
            f"{client}people/",
            f"{client}people/{scene.cast.bea.pk}/",
            f"{client}people/{scene.cast.bea.pk}/remove/",
        ),
        *(f"/contracts/{requests['draft'].number}/sign/", f"{contract}amendments/1/", requests["join"]),
        *(f"{client}bank/", f"{client}bank/change/", "/policy/?paid=1000&currency=EUR&days=0&work=none"),
        *("/account/password/change/", "/account/2fa/", "/account/2fa/totp/activate/"),
        *("/account/2fa/webauthn/add/", "/account/sessions/", "/account/logout/"),
    ]


def pages_of(scene: Scene) -> list[str]:
    """The pages that show a contract, its payment of S1, and what was asked about it."""
    payment = scene.payment
    requests = [f"/requests/{number}/" for number in payment.requests.values_list("number", flat=True)]
    letters = [f"{address}received/" for address in requests]
    apply = [] if requests else [f"/payments/{payment.number}/apply/"]
    return [
        f"/contracts/{scene.contract.number}/",
        f"/payments/{payment.number}/",
        *apply,
        *requests,
        *letters,
    ]
