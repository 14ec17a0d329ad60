"""The worker that sends payouts and looks after those in doubt."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import close_old_connections
from django.utils import timezone

from payments.services import look_after_payouts, send_due_payouts


class Command(BaseCommand):
    help = "Send payouts that are ready and look after those in doubt; for ever, or once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="one round, then end")
        parser.add_argument("--every", type=int, default=1, metavar="S", help="seconds between rounds (1)")
        parser.add_argument("--batch", type=int, default=100, help="payouts in a round, at most (100)")

    def handle(self, *, once: bool, every: int, batch: int, **_: Any) -> None:
        while True:
            looked = look_after_payouts(now=timezone.now(), batch_max=batch)
            tried = send_due_payouts(now=timezone.now(), batch_max=batch)
            if once or tried or looked:
                self.stdout.write(f"{tried} sent, {looked} looked after")
            if once:
                return
            close_old_connections()
            time.sleep(every)
