"""Snapshots: figures over everything, counted so much at a time and kept with the instant they are of."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from payments.models import Payment
from refunds.models import Snapshot
from refunds.policy.decide import decide
from refunds.policy.interchange import InvalidFacts, answer_json
from refunds.selectors.facts import gather_facts
from refunds.selectors.snapshots import answer_figures, open_request_figures, windows_to_count
from refunds.statement import columns_of

log = structlog.get_logger(__name__)

EVERY: Final = timedelta(minutes=10)
GIVEN_UP_AFTER: Final = timedelta(hours=6)
KEPT: Final = timedelta(days=35)


def count_on(*, now: datetime, batch_max: int) -> int:
    """
    Go on with the snapshot being counted, or begin one if the last is old; give how many were evaluated.

    At most `batch_max` windows are evaluated, outside of any transaction; what was counted is written down
    only if nobody else went on behind the same place.
    """
    snapshot = _unfinished(now)
    if snapshot is None:
        return 0
    piece = list(windows_to_count(snapshot.as_of, snapshot.after)[:batch_max])
    figures = {**snapshot.figures}
    figures["windows"] = add_windows(figures.get("windows", {}), piece, snapshot.as_of)
    changes: dict[str, Any] = {"figures": figures}
    if piece:
        changes["after"] = piece[-1].pk
    if len(piece) < batch_max:
        figures |= {"requests": open_request_figures(), "answers": answer_figures(snapshot.as_of)}
        changes["ended_at"] = now
    here = Snapshot.objects.filter(pk=snapshot.pk, after=snapshot.after, ended_at=None)
    if here.update(**changes) and "ended_at" in changes:
        Snapshot.objects.filter(as_of__lt=snapshot.as_of - KEPT).delete()
    return len(piece)


def _unfinished(now: datetime) -> Snapshot | None:
    """Give the snapshot to go on with; one that lies open for too long is left and a new one begun."""
    last = Snapshot.objects.order_by("-as_of").first()
    if last is not None and last.ended_at is None and last.as_of > now - GIVEN_UP_AFTER:
        return last
    if last is not None and last.as_of > now - EVERY:
        return None
    return Snapshot.objects.create(as_of=now)


def add_windows(
    sums: dict[str, dict[str, int]], piece: Iterable[Payment], as_of: datetime
) -> dict[str, dict[str, int]]:
    """
    Add open windows to sums by currency: how many, what was paid, and what would be given back as things are.

    `refund` is the figure at the foot of the answer that an application at `as_of` would get: at most that
    much where work still has to be examined, nothing where an application is open already. A payment whose
    facts contradict each other is counted as faulty.
    """
    added = {currency: {**one} for currency, one in sums.items()}
    for payment in piece:
        sum_of = added.setdefault(payment.currency, {"count": 0, "paid": 0, "refund": 0, "faulty": 0})
        sum_of["count"] += 1
        sum_of["paid"] += payment.amount_minor
        try:
            facts = gather_facts(payment, submitted_at=as_of, decided_at=as_of)
        except InvalidFacts:
            log.exception("window_not_counted", payment_id=str(payment.pk))
            sum_of["faulty"] += 1
            continue
        sum_of["refund"] += columns_of(answer_json(facts.id, decide(facts)))["expected_minor"]
    return added
