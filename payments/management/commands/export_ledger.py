"""Write the movements of a period as CSV, for the accountants."""

import csv
from argparse import ArgumentParser
from datetime import UTC, date, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.principals import SYSTEM
from kernel.days import OutsideCalendar, first_instant_of_day, zone_of
from payments.books import ENTRY_HEAD, entries, entry_row


class _Out:
    """What the csv module writes to: the standard output of the command."""

    def __init__(self, out: Any) -> None:
        self._out = out

    def write(self, text: str) -> None:
        self._out.write(text, ending="")


class Command(BaseCommand):
    help = "Writes every movement of the ledger in a period as CSV; docs/ledger.md describes the columns."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("first", type=date.fromisoformat, help="first day, of the company's zone")
        parser.add_argument("last", type=date.fromisoformat, help="last day; it is included")

    def handle(self, *args: Any, first: date, last: date, **options: Any) -> None:
        if last < first:
            raise CommandError("The last day lies before the first.")
        zone = zone_of(settings.COMPANY_TIME_ZONE)
        try:
            since = first_instant_of_day(first, zone)
            until = first_instant_of_day(last + timedelta(days=1), zone)
        except (OverflowError, OutsideCalendar):
            raise CommandError("There is no such period.") from None
        writer = csv.writer(_Out(self.stdout))
        writer.writerow(ENTRY_HEAD)
        many = 0
        for entry in entries(SYSTEM, since=since, until=until):
            writer.writerow(entry_row(entry))
            many += 1
        self.stderr.write(f"{many} movements from {since.astimezone(UTC).isoformat()} on")
