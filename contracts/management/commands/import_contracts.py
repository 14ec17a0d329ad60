"""Import contracts from a file of JSON: `manage.py import_contracts FILE [--dry-run]`."""

import json
import sys
from pathlib import Path
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.principals import SYSTEM
from contracts.services import import_contracts
from kernel.errors import DomainError
from kernel.reading import DoubleKeys


class Command(BaseCommand):
    help = (
        "Store the contracts of a JSON file: one contract, a list of them, or an object with a list "
        "“contracts”. All of them or none; every fault is named with its path."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="the file, or - for the standard input")
        parser.add_argument("--dry-run", action="store_true", help="try everything, store nothing")

    def handle(self, *args: Any, file: str, dry_run: bool, **options: Any) -> None:
        raw = _read(file)
        folder = None if file == "-" else Path(file).resolve().parent
        try:
            report = import_contracts(
                principal=SYSTEM, raw=raw, folder=folder, now=timezone.now(), dry_run=dry_run
            )
        except DomainError as error:
            for fault in error.faults:
                self.stderr.write(f"{fault.path or 'file'}: {fault.message}")
            raise CommandError(f"{error.detail} Nothing was stored.") from None
        counts = (
            f"{len(report.numbers)} contracts, {report.clients} new clients, "
            f"{report.people} new people, {report.documents} documents"
        )
        if dry_run:
            self.stdout.write(f"No fault was found: {counts}. Nothing was stored, since this was a dry run.")
        else:
            self.stdout.write(f"Stored {counts}: {', '.join(report.numbers)}.")


def _read(file: str) -> Any:
    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from None
    try:
        text = content.decode("utf-8-sig")
        return json.loads(text, object_pairs_hook=DoubleKeys, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise CommandError(f"{file} is not written in UTF-8: byte {error.start}.") from None
    except RecursionError:
        raise CommandError(f"{file} is nested too deeply.") from None
    except ValueError as error:
        raise CommandError(f"{file} is not JSON: {error}.") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
