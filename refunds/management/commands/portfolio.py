"""Say what could be refunded now: per contract and in total."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from kernel.money import Money
from refunds.progress import Progress
from refunds.selectors.portfolio import OpenWindow, count_open_windows, open_windows


@dataclass(slots=True)
class Sums:
    """Amounts by currency: what was paid, what would be refunded now, and at most."""

    windows: int = 0
    paid: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    refund: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    at_most: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, window: OpenWindow) -> None:
        currency = window.payment.currency
        self.windows += 1
        self.paid[currency] += window.payment.amount_minor
        self.refund[currency] += window.answer.refund.minor
        self.at_most[currency] += window.at_most.minor

    def lines(self) -> Iterator[str]:
        for currency in sorted(self.paid):
            paid, refund, at_most = (
                Money(by[currency], currency).text for by in (self.paid, self.refund, self.at_most)
            )
            yield f"{currency} paid {paid}, refundable now {refund}, at most {at_most}"


class Command(BaseCommand):
    help = "Evaluates every open window by the policy: what could be refunded now, per contract and in total."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        total = Sums()
        with Progress(self.stderr, total=lambda: count_open_windows(now), what="windows") as progress:
            for contract, windows in groupby(open_windows(now), key=lambda window: window.payment.contract):
                own = self._sum(windows, total, progress)
                for line in own.lines():
                    self.stdout.write(f"{contract.number}: {own.windows} open, {line}")
        for line in total.lines():
            self.stdout.write(f"total: {line}")
        self.stdout.write(f"{total.windows} open windows as of {now.isoformat(timespec='seconds')}")

    def _sum(self, windows: Iterable[OpenWindow], total: Sums, progress: Progress) -> Sums:
        own = Sums()
        for window in windows:
            own.add(window)
            total.add(window)
            progress.step()
        return own
