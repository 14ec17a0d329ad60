"""Check the journal; exit 1 if anything is wrong."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from events.verification import Anchor, parse_anchors, verify_journal
from kernel.errors import InvalidInput


class Command(BaseCommand):
    help = "Checks that the journal is complete, in order and sealed. Exits with 1 if anything is wrong."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--anchor", type=Path, metavar="FILE", help="seals kept outside by `seal_anchor`")

    def handle(self, *args: Any, anchor: Path | None = None, **options: Any) -> None:
        report = verify_journal(now=timezone.now(), anchors=_anchors_in(anchor) if anchor else ())
        for fault in report.faults:
            self.stderr.write(f"FAULT: {fault}")
        self.stdout.write(
            f"{report.positions} events in order, {report.seals} seals, {report.anchors} anchors, "
            f"{report.fault_count} faults"
        )
        if report.fault_count:
            raise CommandError("The journal is not as it was written.", returncode=1)


def _anchors_in(file: Path) -> list[Anchor]:
    try:
        with file.open(encoding="utf-8") as lines:
            anchors = list(parse_anchors(lines))
    except (OSError, UnicodeDecodeError, InvalidInput) as error:
        raise CommandError(f"{file}: {error}") from error
    if not anchors:
        raise CommandError(f"{file} holds no anchored seal.")
    return anchors
