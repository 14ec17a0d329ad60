"""Interchange: facts in and answers out as JSON, the same for the command line, REST and what is stored."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, Final

import holidays
import tzdata  # type: ignore[import-untyped]

from contracts.policy.facts import ItemFacts, MeteredUsage, StageFacts, UsageFacts
from contracts.policy.terms import as_json
from kernel.currencies import digits_of
from kernel.errors import Fault
from kernel.exact import decimal_text, ratio_text, scaled_text
from refunds.policy import POLICY_VERSION
from refunds.policy.answer import Answer, Line
from refunds.policy.codes import LineKind
from refunds.policy.decide import decide
from refunds.policy.details import TRUTH, text_or_null
from refunds.policy.facts import Facts
from refunds.policy.reading import InvalidFacts, id_of, parse_facts

__all__ = [
    "DATA_VERSIONS",
    "InvalidFacts",
    "answer_json",
    "answer_text",
    "error_json",
    "evaluate_json",
    "facts_json",
    "fingerprint",
    "id_of",
    "parse_facts",
    "same_answer",
]

DATA_VERSIONS: Final[Mapping[str, str]] = {"tzdata": tzdata.IANA_VERSION, "holidays": holidays.__version__}
"""The zone and holiday data that computed deadlines rest on."""

_DATA_VERSIONS_TEXT: Final = json.dumps(dict(DATA_VERSIONS))
_SUBJECTS: Final = {LineKind.CONFORMING_WORK: "stage", LineKind.USAGE: "meter"}
_MAY_GROW: Final = frozenset({"findings", "data_versions"})


def evaluate_json(raw: object, *, default_time_zone: str) -> dict[str, Any]:
    """Evaluate one JSON object: the answer, or an error that names every fault."""
    try:
        facts = parse_facts(raw, default_time_zone=default_time_zone)
    except InvalidFacts as invalid:
        return error_json(invalid.data["id"], invalid.faults)
    return answer_json(facts.id, decide(facts))


def error_json(facts_id: str | None, faults: tuple[Fault, ...]) -> dict[str, Any]:
    """Write the faults of facts that cannot be evaluated."""
    errors = [{"path": fault.path, "message": fault.message} for fault in faults]
    return {"id": facts_id, "error": {"code": InvalidFacts.code, "errors": errors}}


def answer_json(facts_id: str, answer: Answer) -> dict[str, Any]:
    """Give an answer completely, as it is exchanged and stored."""
    written: dict[str, Any] = json.loads(answer_text(facts_id, answer))
    return written


def answer_text(facts_id: str, answer: Answer) -> str:
    """Write an answer completely, as JSON text in ASCII."""
    currency = answer.refund.currency
    digits = digits_of(currency)
    at_most = answer.refund_at_most
    reasons = ", ".join([quoted(reason) for reason in answer.reasons])
    limit = "" if at_most is None else f'"refund_at_most": "{scaled_text(at_most.minor, digits)}", '
    return (
        f'{{"id": {quoted(facts_id)}, "policy_version": "{POLICY_VERSION}", '
        f'"deadline": {text_or_null(answer.deadline_text)}, "in_time": {TRUTH[answer.in_time]}, '
        f'"outcome": "{answer.outcome}", "reasons": [{reasons}], '
        f'"refund": "{scaled_text(answer.refund.minor, digits)}", {limit}"currency": "{currency}", '
        f'"entitlement": "{scaled_text(answer.entitlement.minor, digits)}", '
        f'"retained": "{scaled_text(answer.retained.minor, digits)}", '
        f'"conforming_value": "{ratio_text(*answer.conforming_value.as_integer_ratio())}", '
        f'"usage_value": "{ratio_text(*answer.usage_value.as_integer_ratio())}", '
        f'"lines": [{", ".join([_line_text(line, digits) for line in answer.lines])}], '
        f'"findings": [{", ".join([finding.text for finding in answer.findings])}], '
        f'"data_versions": {_DATA_VERSIONS_TEXT}}}'
    )


def _line_text(line: Line, digits: int) -> str:
    kind, name, amount = line
    return (
        f'{{"kind": "{kind}", "{_SUBJECTS[kind]}": {quoted(name)}, '
        f'"amount": "{scaled_text(amount.minor, digits)}"}}'
    )


def facts_json(facts: Facts) -> dict[str, Any]:
    """Write facts completely and canonically; read again they are the same facts."""
    payment, request = facts.payment, facts.request
    return {
        "id": facts.id,
        "terms": as_json(facts.terms),
        "client_type": str(facts.client_type),
        "payment": {
            "amount": payment.amount.text,
            "currency": payment.amount.currency,
            "status": str(payment.status),
            "captured_at": _instant(payment.captured_at),
            "deadline": None if payment.deadline is None else payment.deadline.text,
            "refunded": payment.refunded.text,
        },
        "request": {
            "submitted_at": _instant(request.submitted_at),
            "amount": None if request.amount is None else request.amount.text,
            "remedy": str(request.remedy),
            "another_open": request.another_open,
            "statutory_right": request.statutory_right,
        },
        "decided_at": _instant(facts.decided_at),
        "work": [_stage_json(stage) for stage in facts.work],
        "usage": [_usage_json(record) for record in facts.usage],
    }


def _stage_json(stage: StageFacts) -> dict[str, Any]:
    return {
        "stage": stage.stage,
        "amount": stage.amount.text,
        "delivered_at": _instant(stage.delivered_at),
        "accepted_at": _instant(stage.accepted_at),
        "objected_at": _instant(stage.objected_at),
        "hidden_defect": stage.hidden_defect,
        "items": [_item_json(item) for item in stage.items],
    }


def _item_json(item: ItemFacts) -> dict[str, Any]:
    return {"code": item.code, "weight": decimal_text(item.weight), "fulfilled": _number(item.fulfilled)}


def _usage_json(record: UsageFacts) -> dict[str, Any]:
    common = {"meter": record.meter, "stage": record.stage}
    if isinstance(record, MeteredUsage):
        return {
            "kind": "metered",
            **common,
            "quantity": decimal_text(record.quantity),
            "unit_price": decimal_text(record.unit_price),
            "occurred_at": _instant(record.occurred_at),
            "recorded_at": _instant(record.recorded_at),
        }
    return {
        "kind": "time",
        **common,
        "price": decimal_text(record.price),
        "start": _instant(record.start),
        "end": _instant(record.end),
        "recorded_at": _instant(record.recorded_at),
    }


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _number(number: Fraction | None) -> str | None:
    return None if number is None else decimal_text(number)


def same_answer(stored: Mapping[str, Any], again: Mapping[str, Any]) -> bool:
    """
    Tell whether two written answers are the same to the last digit and code.

    Data versions and the wording and detail of findings may differ; findings may have been added since.
    """
    return _exact(stored) == _exact(again) and _verdicts(stored).items() <= _verdicts(again).items()


def _exact(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in _MAY_GROW}


def _verdicts(answer: Mapping[str, Any]) -> dict[str, tuple[str, bool | None]]:
    return {finding["rule"]: (finding["clause"], finding["holds"]) for finding in answer.get("findings", ())}


def fingerprint(facts: Facts, answer: Answer) -> str:
    """
    Give a quote's fingerprint: SHA-256 (hex) over the facts and the outcome.

    The id and the instants of application and decision are left out, so that time passing alone changes it
    only when the outcome changes.
    """
    written = facts_json(facts)
    del written["id"], written["decided_at"], written["request"]["submitted_at"]
    written["outcome"] = str(answer.outcome)
    text = json.dumps(written, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()
