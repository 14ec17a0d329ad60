"""Pages in states that are seldom seen: late, closed, in dispute, paid by credit, refused, with faults."""

from datetime import datetime, timedelta
from io import BytesIO
from urllib.parse import urlsplit

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.test import Client
from django.utils import timezone
from PIL import Image

from contracts.services import accept_delivery, object_to_delivery
from contracts.tests.cast import delivered_stage, signed_contract, stage_named
from kernel.money import Money
from payments.models import Payment
from payments.services import dispute_payment, record_payment, save_bank_account
from refundportal.portal.tests.keys import with_key
from refunds.models import RefundRequest
from refunds.services import Upload, post_message, save_draft, withdraw_request
from refunds.tests.scene import Scene, applied, approved, paid, proposed

TYPED = {"reason": "defects", "statement": "Orders get lost.", "extent": "all", "remedy": "refund"}


def picture() -> BytesIO:
    written = BytesIO()
    Image.new("RGB", (640, 400), "#0c5363").save(written, "PNG")
    written.seek(0)
    return written


def seldom_seen(scene: Scene, now: datetime) -> dict[str, str]:
    """Bring about each state once; gives the addresses to see them at, by name."""
    late = _another(scene, now, "Late", days=9)
    keep_draft(late, now)
    target = signed_contract(scene.cast, title="To be paid", now=now - timedelta(days=30))
    credit = approved(
        _another(scene, now, "Credit"),
        now=now,
        remedy="exchange",
        target_stage_id=stage_named(target, "S1").pk,
    )
    refused = applied(_another(scene, now, "Refused", days=9), now=now)
    gone = applied(_another(scene, now, "Withdrawn"), now=now)
    withdraw_request(principal=scene.cast.as_alice, request_id=gone.pk, now=now)
    talked = _talked_about(scene, now)
    in_dispute = _another(scene, now, "Dispute").payment
    dispute_payment(principal=scene.cast.as_finn, payment_id=in_dispute.pk, now=now)
    late_payment = f"/payments/{late.payment.number}/"
    return {
        "closed": late_payment,
        **{f"late-{step or 'apply'}": f"{late_payment}apply/{step}" for step in ("", "check/", "confirm/")},
        "pending": f"/payments/{_pending(scene, now).number}/",
        "disputed": f"/payments/{in_dispute.number}/",
        "credit": f"/requests/{credit.number}/",
        "paid-by-credit": f"/payments/{Payment.objects.get(method='credit').number}/",
        "refused": f"/requests/{refused.number}/",
        "refused-letter": f"/requests/{refused.number}/letter/",
        "withdrawn": f"/requests/{gone.number}/",
        "talked-about": f"/requests/{talked.number}/",
        "objected": f"/contracts/{_objected(scene, now).contract.number}/",
        "account-changed": _account_changed(scene, now),
        "missing": "/contracts/C-1999-0001/",
    }


def keep_draft(scene: Scene, now: datetime) -> None:
    """Alice has typed everything that an application needs, and did not send it."""
    save_draft(user=scene.cast.alice, payment_id=scene.payment.pk, content=TYPED, now=now)


def _another(scene: Scene, now: datetime, title: str, *, days: int = 0) -> Scene:
    """One more contract of the client, its stage S1 paid two hours and so many days ago."""
    contract = signed_contract(scene.cast, title=title, now=now - timedelta(days=30))
    at = now - timedelta(days=days, hours=2)
    return Scene(scene.cast, contract, paid(scene.cast, contract, at=at))


def _pending(scene: Scene, now: datetime) -> Payment:
    contract = signed_contract(scene.cast, title="On its way", now=now - timedelta(days=30))
    return record_payment(
        principal=scene.cast.as_finn,
        stage_id=stage_named(contract, "S1").pk,
        amount=Money.parse("100.00", "EUR"),
        method="bank",
        now=now,
    )


def _objected(scene: Scene, now: datetime) -> Scene:
    found = _another(scene, now, "Objected")
    delivered_stage(scene.cast, found.contract, "S1", at=now - timedelta(hours=20))
    object_to_delivery(
        principal=scene.cast.as_alice,
        stage_id=found.stage.pk,
        objections=[{"item": "AC-2", "text": "Nothing comes out."}],
        now=now,
    )
    return found


def _talked_about(scene: Scene, now: datetime) -> RefundRequest:
    """An application whose answer is being checked, with messages of both sides and files."""
    request = proposed(_another(scene, now, "Talked about"), now=now)
    files = [Upload(picture(), "proof.png"), Upload(BytesIO(b"Look."), "a-long-name-" * 9 + ".txt")]
    said = (
        (scene.cast.as_alice, "Here is what I see.", files),
        (scene.cast.as_rita, "Thank you.", []),
    )
    for principal, body, attachments in said:
        post_message(
            principal=principal,
            request_id=request.pk,
            body=body,
            attachments=attachments,
            now=now,
        )
    return request


def _account_changed(scene: Scene, now: datetime) -> str:
    for iban in ("DE89370400440532013000", "AT611904300234573201"):
        save_bank_account(
            principal=scene.cast.as_alice,
            client_id=scene.cast.client.pk,
            holder="Acme Ltd",
            iban=iban,
            now=now,
        )
    return f"/clients/{scene.cast.client.pk}/bank/"


def forms_with_faults(scene: Scene) -> dict[str, tuple[str, str]]:
    """Every form that can be sent empty: where it stands, and the button that sends it; by name."""
    client, contract = f"/clients/{scene.cast.client.pk}/", f"/contracts/{scene.contract.number}/"
    return {
        "faults-apply": (f"/payments/{scene.payment.number}/apply/", "Continue"),
        "faults-object": (f"{contract}stages/S1/object/", "Send objections"),
        "faults-ask": ("/questions/ask/", "Send the question"),
        "faults-people": (f"{client}people/", "Send the invitation"),
        "faults-bank": (f"{client}bank/change/", "Keep this account"),
        "faults-password": ("/account/password/change/", "Change the password"),
        "faults-totp": ("/account/2fa/totp/activate/", "Switch on"),
    }


DOORSTEP = {
    "sign-in": "/account/login/",
    "code": "/account/login/code/",
    "reset": "/account/password/reset/",
    "reset-sent": "/account/password/reset/done/",
    "reset-done": "/account/password/reset/key/done/",
    "reset-old-link": "/account/password/reset/key/1-x/",
    "address-sent": "/account/confirm-email/",
    "address-old-link": "/account/confirm-email/x/",
    "account-closed": "/account/inactive/",
    "by-invitation": "/account/signup/",
    "invitation-over": "/join/x/",
    "policy": "/policy/",
    "missing": "/x/",
}
"""What everybody can see who is not signed in."""


def with_all_factors(scene: Scene) -> dict[str, str]:
    """Give Alice an app, spare codes and keys; gives the addresses of what she sees then, by name."""
    TOTP.activate(scene.cast.alice, "JBSWY3DPEHPK3PXP")
    RecoveryCodes.activate(scene.cast.alice)
    key = with_key(scene.cast.alice)
    with_key(scene.cast.alice, "A-key-with-a-long-name-" * 4)
    factors = "/account/2fa/"
    return {
        "factors": factors,
        "app-off": f"{factors}totp/deactivate/",
        "keys": f"{factors}webauthn/",
        "key-rename": f"{factors}webauthn/keys/{key.pk}/edit/",
        "key-remove": f"{factors}webauthn/keys/{key.pk}/remove/",
        "spare-codes": f"{factors}recovery-codes/",
        "spare-codes-new": f"{factors}recovery-codes/generate/",
        "show-who": "/account/reauthenticate/",
        "show-who-by-code": f"{factors}reauthenticate/",
        "show-who-by-key": f"{factors}webauthn/reauthenticate/",
    }


def lock_out(email: str, at: str) -> None:
    """Try wrong passwords at an address until the next try is refused, whatever it is."""
    guest = Client(headers={"host": urlsplit(at).netloc})
    for _ in range(5):
        guest.post("/account/login/", {"login": email, "password": "wrong"})


def change_facts(scene: Scene) -> None:
    """Alice's colleague accepts the work while Alice is about to apply: the figures are other ones now."""
    accept_delivery(principal=scene.cast.as_alice, stage_id=scene.stage.pk, now=timezone.now())
