"""Fill the embedded portal with a believable company; run again, it adds only what is missing."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts.principals import SYSTEM
from contracts.models import Contract, StageKind
from contracts.services import import_contracts
from events.journal import seal, sequence_events
from events.outbox import deliver_due
from payments.models import Payment, PaymentStatus
from refundportal.demo.bank import tell_statement
from refundportal.demo.payouts import tell_fates
from refundportal.demo.people import enter_people, enter_system, sign_in_text
from refundportal.demo.stories import STORIES
from refundportal.demo.teller import Teller

EXAMPLES = settings.BASE_DIR / "examples"


class Command(BaseCommand):
    help = "Fill the embedded portal with a believable company (again: only what is missing)."

    def handle(self, *_: Any, **__: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("demo refuses to run in production mode: its people and money are made up.")
        # What was written in the past of the story goes into the mail folder without being shown.
        settings.EMAIL_BACKEND = "refundportal.mail.FolderBackend"
        now = datetime.now(UTC)
        teller = Teller(people=enter_people(now), now=now)
        _import_examples(now)
        for reference, story in STORIES:
            if not _was_told(reference):
                with transaction.atomic():
                    story(teller)
        tell_fates(teller)
        tell_statement(teller)
        _keep_a_window_open(teller)
        _write_sign_in()
        while sequence_events() or deliver_due(now=datetime.now(UTC)):
            pass
        seal(now=datetime.now(UTC))
        self.stdout.write(f"Demonstration ready: {Contract.objects.count()} contracts.")


def _was_told(reference: str) -> bool:
    contracts = Contract.objects.filter(reference=reference)
    if contracts.filter(imported=False).exists():
        return True
    return Payment.objects.filter(contract__in=contracts).exists()


def _import_examples(now: datetime) -> None:
    for path in sorted(EXAMPLES.glob("*.json")):
        raw = json.loads(path.read_text())
        entries = raw if isinstance(raw, list) else raw.get("contracts", [raw])
        if not Contract.objects.filter(reference__in=[entry["reference"] for entry in entries]).exists():
            import_contracts(principal=SYSTEM, raw=raw, folder=EXAMPLES, now=now)


def _keep_a_window_open(tell: Teller) -> None:
    """After some days every window has closed: then the next stage has just been paid."""
    payments = Payment.objects.filter(client=tell.people.joinery, status=PaymentStatus.CAPTURED)
    if payments.filter(deadline__gt=tell.now + timedelta(hours=12)).exists():
        return
    for contract in tell.people.joinery.contracts.filter(state="signed").order_by("-id"):
        unpaid = contract.stages.filter(covered_minor=0, is_removed=False, kind=StageKind.WORK).first()
        if unpaid is not None:
            tell.pay(contract, unpaid.code, 0.05)
            return


def _write_sign_in() -> None:
    """Keep what `make run` prints; the system's secret is known only when it is made."""
    path: Path = settings.VAR_DIR / "sign-in.txt"
    made = enter_system()
    if made is None:
        return
    client, secret = made
    text = sign_in_text(f"client_id {client.oauth_client_id}  client_secret {secret}")
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
