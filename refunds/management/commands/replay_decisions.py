"""Evaluate all stored decisions again; exit 1 if any differs."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from refunds.models import Decision
from refunds.progress import Progress
from refunds.replay import replay_decisions
from refunds.services import keep_replay


class Command(BaseCommand):
    help = "Evaluates every decision again from its stored facts and compares. Exits with 1 if any differs."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        started, checked, differing = timezone.now(), 0, 0
        with Progress(self.stderr, total=Decision.objects.count, what="decisions") as progress:
            for replayed in replay_decisions():
                checked += 1
                if replayed.fault:
                    differing += 1
                    self.stdout.write(f"DIFFERS: {replayed.number}: {replayed.fault}")
                progress.step()
        keep_replay(checked=checked, differing=differing, started=started, now=timezone.now())
        self.stdout.write(f"{checked} decisions checked, {differing} differing")
        if differing:
            raise CommandError("Some decisions are not what their facts give.", returncode=1)
