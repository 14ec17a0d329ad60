"""Replay: the stored facts of every decision give that decision again, to the last digit and code."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings

from kernel.money import Money
from refunds.models import Decision
from refunds.policy.interchange import evaluate_json, same_answer

CHUNK_ROWS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """One decision, evaluated again; `fault` is empty where nothing differs."""

    number: str
    fault: str


def replay_decisions() -> Iterator[Replayed]:
    """Evaluate the stored facts of all decisions again, the oldest first; memory stays flat."""
    rows = Decision.objects.select_related("request").order_by("id")
    for decision in rows.iterator(chunk_size=CHUNK_ROWS):
        yield Replayed(number=f"{decision.request.number}/{decision.number}", fault=fault_of(decision))


def fault_of(decision: Decision) -> str:
    """Say what differs between a decision and the replay of its facts; empty if nothing does."""
    again = evaluate_json(decision.facts, default_time_zone=settings.COMPANY_TIME_ZONE)
    if "error" in again:
        return f"its facts cannot be evaluated: {again['error']['errors'][0]['path']}"
    if not same_answer(decision.answer, again):
        fields = [
            name for name in again if decision.answer.get(name) != again[name] and name != "data_versions"
        ]
        return f"its facts give another answer: {', '.join(fields)}"
    if not _columns_agree(decision):
        return "its row says something else than its answer"
    return ""


def _columns_agree(decision: Decision) -> bool:
    """The columns that the database keeps rules about repeat what the answer says."""
    refund = Money.parse(decision.answer["refund"], decision.answer["currency"])
    told = (decision.answer["outcome"], refund.minor, refund.currency)
    return told == (decision.outcome, decision.refund_minor, decision.currency)
