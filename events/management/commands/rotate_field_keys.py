"""Encrypt secrets at rest anew with the newest key."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from events.vault import UnreadableSecret, reseal_all


class Command(BaseCommand):
    help = (
        "Encrypts every secret at rest anew with the first key of FIELD_KEYS. "
        "After it has run, the older keys may be taken out. It may be stopped and run again."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            count = reseal_all()
        except UnreadableSecret as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{count} secrets are encrypted with the newest key.")
