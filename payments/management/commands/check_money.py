"""Check that everything that must be true about money is true."""

import json
import time
from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from payments import checks


class Command(BaseCommand):
    help = "Check every invariant of the money; print each violation; exit with 1 if there is any."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--safety", action="store_true", help="only what must hold before money is sent")
        parser.add_argument(
            "--cost",
            choices=[cost.name.lower() for cost in checks.Cost],
            default="deep",
            help="light: what is open; whole: all money; deep (default): journal, usage and replay as well",
        )
        parser.add_argument("--times", action="store_true", help="say how long each invariant took")
        parser.add_argument(
            "--json", dest="as_json", action="store_true", help="one JSON object per violation"
        )

    def handle(self, *, safety: bool, as_json: bool, cost: str, times: bool, **_: Any) -> None:
        now = timezone.now()
        found: Counter[str] = Counter()
        chosen = checks.registered(safety_only=safety, cost=checks.Cost[cost.upper()])
        for check in chosen:
            began = time.monotonic()
            for violation in checks.violations_of(check, now):
                found[check.id] += 1
                self.stdout.write(_line(violation) if as_json else str(violation))
            if times:
                self.stderr.write(f"{time.monotonic() - began:8.3f} s  {check.id} {check.title}")
        asked = sorted({check.id for check in chosen})
        summary = f"{len(asked)} invariants checked ({asked[0]} to {asked[-1]}), {found.total()} violations"
        self.stderr.write(summary)
        if found:
            raise SystemExit(1)


def _line(violation: checks.Violation) -> str:
    return json.dumps(
        {
            "id": violation.id,
            "title": violation.title,
            "subject": violation.subject,
            "detail": violation.detail,
        }
    )
