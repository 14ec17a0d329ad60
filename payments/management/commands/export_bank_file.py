"""Write a bank file: `manage.py export_bank_file MESSAGE_ID [--output FILE]`."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.principals import SYSTEM
from kernel.errors import DomainError
from payments.models import BankFile
from payments.services import export_bank_file


class Command(BaseCommand):
    help = (
        "Write a bank file (pain.001) that Finance made, the same bytes every time; without a name, list "
        "those that wait for the bank."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("message", nargs="?", help="the message id of the file")
        parser.add_argument("--output", help="where to write it (default: to the standard output)")

    def handle(self, *args: Any, message: str | None, output: str | None, **options: Any) -> None:
        if message is None:
            self._list()
            return
        file = BankFile.objects.filter(message_id=message).first()
        if file is None:
            raise CommandError(f"There is no bank file {message}.")
        try:
            content = export_bank_file(principal=SYSTEM, file_id=file.pk, now=timezone.now())
        except DomainError as refusal:
            raise CommandError(refusal.detail) from None
        if output is None:
            self.stdout.write(content.decode(), ending="")
            return
        try:
            Path(output).write_bytes(content)
        except OSError as error:
            raise CommandError(f"{output} cannot be written: {error.strerror}.") from None
        self.stderr.write(f"{output}: {file.payouts_count} transfers, SHA-256 {file.sha256}")

    def _list(self) -> None:
        for file in BankFile.objects.filter(confirmed_at=None, discarded_at=None).order_by("created_at"):
            self.stdout.write(f"{file.message_id} {file.payouts_count} {file.created_at:%Y-%m-%dT%H:%M:%SZ}")
