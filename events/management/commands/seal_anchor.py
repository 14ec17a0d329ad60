"""Write the newest seal where nobody of the database can change it."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.mail import EmailMessage
from django.core.management.base import BaseCommand, CommandError

from events.selectors import newest_seal
from events.verification import anchor_line


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
        seal = newest_seal()
        if seal is None:
            raise CommandError("The journal has no seal yet.")
        line = anchor_line(seal)
        if file is not None:
            _append(file, line)
        if email:
            EmailMessage(subject=f"Journal sealed up to {seal.last}", body=line + "\n", to=email).send()
        self.stdout.write(line)


def _append(file: Path, line: str) -> None:
    try:
        with file.open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}.") from error
