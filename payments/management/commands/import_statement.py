"""Import the bank's statements: `manage.py import_statement FILE [--dry-run]`."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.principals import SYSTEM
from kernel.errors import DomainError
from payments.gateways.camt import SIZE_MAX
from payments.services import import_statement
from payments.services.statements import StatementResult


class Command(BaseCommand):
    help = (
        "Import the statements (camt.053) of a file: all of them or none. Payouts that arrived or came back "
        "and payments that came are booked; what nobody knows waits for Finance."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="the file, or - for the standard input")
        parser.add_argument("--dry-run", action="store_true", help="try everything, store nothing")

    def handle(self, *args: Any, file: str, dry_run: bool, **options: Any) -> None:
        content = _read(file)
        try:
            results = import_statement(principal=SYSTEM, content=content, now=timezone.now(), dry_run=dry_run)
        except DomainError as error:
            for fault in error.faults:
                self.stderr.write(f"{fault.path or 'file'}: {fault.message}")
            raise CommandError(f"{error.detail} Nothing was stored.") from None
        for result in results:
            self.stdout.write(_words(result))
        if dry_run:
            self.stdout.write("Nothing was stored, since this was a dry run.")


def _read(file: str) -> bytes:
    """Read a file, but no more of it than is needed to see that it is too large."""
    try:
        if file == "-":
            return sys.stdin.buffer.read(SIZE_MAX + 1)
        with Path(file).open("rb") as opened:
            return opened.read(SIZE_MAX + 1)
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from None


def _words(result: StatementResult) -> str:
    name = result.statement.external_id
    if result.known:
        return f"{name}: was imported already, nothing is done."
    gap = (
        " It does not go on from the balance of the one before: is a statement missing?"
        if result.has_gap
        else ""
    )
    done = f"{result.captured} payments came, {result.settled} payouts arrived, {result.returned} came back"
    rest = f"{result.open} open, {result.disputed} contradict our books, {result.pending} not booked yet"
    return f"{name}: {result.statement.lines_count} lines: {done}, {rest}.{gap}"
