"""Write the newest seal where nobody of the database can change it."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from events.anchors import export_anchor


class Command(BaseCommand):
    help = (
        "Prints the newest seal of the journal as one line; keep it elsewhere, daily. "
        "`verify_journal --anchor FILE` finds a journal whose end was cut off since."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--file", type=Path, metavar="FILE", help="add the line to this file")
        parser.add_argument(
            "--email", action="append", default=[], metavar="ADDRESS", help="send the line there"
        )

    def handle(self, *args: Any, file: Path | None = None, email: list[str], **options: Any) -> None:
        try:
            line = export_anchor(file=file, addresses=email)
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}.") from error
        if line is None:
            raise CommandError("The journal has no seal yet.")
        self.stdout.write(line)
