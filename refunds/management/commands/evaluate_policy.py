"""Evaluate the refund policy over JSON lines, without touching the database."""

import os
import sys
from argparse import ArgumentParser
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from kernel.days import ZONE_NAMES
from refunds.policy.lines import evaluate_lines

_PROGRESS_STEP = 100_000


class Command(BaseCommand):
    help = (
        "Evaluate the refund policy: one JSON object of facts per line in, one answer or error per line out, "
        "in the same order. The exit status is 1 if any line had a fault."
    )
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", default="-", help="JSON lines; - or nothing: standard input")
        parser.add_argument(
            "--time-zone",
            default=None,
            help="IANA zone for terms that name none (default: the company's time zone)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        zone = options["time_zone"] or settings.COMPANY_TIME_ZONE
        if zone not in ZONE_NAMES:
            raise CommandError(f"--time-zone: “{zone}” is not the name of an IANA time zone.")
        with _opened(options["file"]) as lines:
            try:
                faultless = self._evaluate(lines, zone)
            except BrokenPipeError:
                _forget_output()
                sys.exit(1)
        if not faultless:
            sys.exit(1)

    def _evaluate(self, lines: BinaryIO, zone: str) -> bool:
        """Write one line for each line; tell whether all of them were without fault."""
        faultless = True
        for done, (text, is_sound) in enumerate(evaluate_lines(lines, default_time_zone=zone), start=1):
            self.stdout.write(text)
            faultless = faultless and is_sound
            if done % _PROGRESS_STEP == 0:
                self._show_progress(done)
        self.stdout.flush()
        return faultless

    def _show_progress(self, done: int) -> None:
        """Tell a person how far it is, where that does not get between the answers."""
        if self.stderr.isatty() and not self.stdout.isatty():
            self.stderr.write(f"{done:,} lines")


def _opened(name: str) -> AbstractContextManager[BinaryIO]:
    """Open the input, binary, so that bad UTF-8 is one line's fault and not the end."""
    if name == "-":
        return nullcontext(sys.stdin.buffer)
    try:
        return Path(name).open("rb")
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}.") from None


def _forget_output() -> None:
    """The reader has gone: let the interpreter's last flush go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
