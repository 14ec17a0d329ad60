"""Hold our payouts against the books of the providers."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from payments.models import Break, Rail
from payments.services import reconcile
from payments.services.bank_reconciliation import compare_with_bank, hold_bank_files
from payments.services.reconciliation import comparable_rails


class Command(BaseCommand):
    help = (
        "Hold our payouts against the provider's book of each rail, both ways; exit with 1 if a difference "
        "is open or a book could not be read. With --after-restore nothing is sent on a rail until its book "
        "was read."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--rail", help="this rail only (default: all on which a machine sends)")
        parser.add_argument(
            "--after-restore",
            action="store_true",
            help="this database was restored from a backup: hold sending until the book was read",
        )

    def handle(self, *, rail: str | None, after_restore: bool, **_: Any) -> None:
        known = comparable_rails()
        if rail is not None and rail not in known:
            raise CommandError(
                f"--rail {rail}: must be one of {', '.join(known) or 'none: no machine sends'}."
            )
        unread = [name for name in known if rail in (None, name) and not self._one(name, after_restore)]
        if unread:
            raise CommandError(f"Not read to the end: {', '.join(unread)}.")
        if count := Break.objects.filter(resolved_at=None).count():
            raise CommandError(f"{count} open difference{'s'[: count > 1]}: Finance clears them.")

    def _one(self, rail: str, after_restore: bool) -> bool:
        if rail == Rail.BANK_FILE.value:
            return self._bank(after_restore)
        done = reconcile(rail=rail, now=timezone.now(), after_restore=after_restore)
        lines = f"{done.lines_read} line{'s'[: done.lines_read != 1]} read"
        self.stdout.write(f"{rail}: {lines}{', then: ' + done.error if done.error else ''}")
        return not done.error

    def _bank(self, after_restore: bool) -> bool:
        """The bank's book is the statements that were imported; after a restore all since then have to be."""
        if after_restore:
            hold_bank_files(now=timezone.now())
            self.stdout.write("bank_file: no file is made before all statements up to this day are imported")
        compare_with_bank(now=timezone.now())
        return True
