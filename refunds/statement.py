"""
The statement: paid, minus each kept part with its reason, minus earlier refunds, equals refund.

It is made of a stored answer alone; nothing is computed again but the differences between its figures.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.translation import gettext as _

from contracts.models import AcceptanceItem, Contract, Meter, Stage
from kernel.money import Money
from refunds.arithmetic import Explanation, explain_meters, explain_stage, money_of
from refunds.policy.codes import CLAUSE_OF_REASON, Reason
from refunds.wording import clause_words, money_words, outcome_words, reason_words

_UNDECIDED: Final = frozenset({"needs_review", "on_hold"})
_DECIDED_WITHOUT_MONEY: Final = frozenset({"no_refund", "inadmissible"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What people call the codes of a contract; a code without a name stands for itself."""

    stages: Mapping[str, str] = field(default_factory=dict)
    meters: Mapping[str, str] = field(default_factory=dict)
    items: Mapping[tuple[str, str], str] = field(default_factory=dict)  # by stage and item

    def stage(self, code: str) -> str:
        return f"{code} {self.stages[code]}" if code in self.stages else code

    def meter(self, code: str) -> str:
        return self.meters.get(code, code)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementLine:
    """One line; `amount` is negative where it is taken off. It opens to its clause, facts and arithmetic."""

    label: str
    note: str
    amount: Money
    clause: str
    clause_words: str
    facts: tuple[tuple[str, str], ...]
    arithmetic: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """The whole calculation, ready to be printed."""

    paid: Money
    lines: tuple[StatementLine, ...]
    total: Money
    total_label: str
    outcome: str
    outcome_words: str
    reasons: tuple[str, ...]
    clauses: tuple[tuple[str, str], ...]
    """The clauses behind the reasons, each once, with their words."""

    @property
    def is_decided(self) -> bool:
        return is_decided(self.outcome)

    @property
    def is_yes(self) -> bool:
        return self.outcome.startswith("refund_")


def names_in(contract: Contract) -> Names:
    """Gather the names of a contract's stages, items and meters. Three queries."""
    items = AcceptanceItem.objects.filter(stage__contract=contract)
    return names_of(Stage.objects.filter(contract=contract), items, meters_named(contract))


def meters_named(contract: Contract) -> dict[str, str]:
    """Give the titles of a contract's meters by code. One query."""
    return dict(Meter.objects.filter(contract=contract).values_list("code", "title"))


def names_of(stages: Iterable[Stage], items: Iterable[AcceptanceItem], meters: Mapping[str, str]) -> Names:
    """Put together the names of rows that have been read."""
    rows = {stage.pk: stage for stage in stages}
    return Names(
        stages={stage.code: stage.title for stage in rows.values()},
        meters=meters,
        items={(rows[item.stage_id].code, item.code): item.statement for item in items},
    )


def statement_of(answer: Mapping[str, Any], names: Names | None = None) -> Statement:
    """Make the statement of a stored answer (interchange form); amounts are taken as they stand there."""
    names = names or Names()
    found = {finding["rule"]: finding["detail"] for finding in answer["findings"]}
    currency = answer["currency"]
    paid = money_of(found["entitlement"]["amount"], currency)
    lines = tuple(_lines(answer, found, names))
    label, total = _total(answer, found)
    return Statement(
        paid=paid,
        lines=lines,
        total=total,
        total_label=label,
        outcome=answer["outcome"],
        outcome_words=outcome_words(answer["outcome"]),
        reasons=tuple(reason_words(code) for code in answer["reasons"]),
        clauses=tuple((clause, clause_words(clause)) for clause in _clauses(answer["reasons"])),
    )


def _clauses(reasons: Iterable[str]) -> Iterable[str]:
    """Name the clause of each reason, each clause once; reasons newer than these words are left out."""
    return dict.fromkeys(CLAUSE_OF_REASON[Reason(code)] for code in reasons if code in set(Reason))


def columns_of(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Give the columns of a request by which lists find and count it: they repeat what its answer says."""
    found = {finding["rule"]: finding["detail"] for finding in answer["findings"]}
    return {
        "outcome": answer["outcome"],
        "main_reason": answer["reasons"][0],
        "expected_minor": _total(answer, found)[1].minor,
    }


def _total(answer: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[str, Money]:
    """Name the figure at the foot, and give it."""
    currency, outcome = answer["currency"], answer["outcome"]
    if "refund_at_most" in answer:
        return foot_words(outcome, is_at_most=True), money_of(answer["refund_at_most"], currency)
    amount = found["refund"]["due"] if outcome in _UNDECIDED else answer["refund"]
    return foot_words(outcome, is_at_most=False), money_of(amount, currency)


def foot_words(outcome: str, *, is_at_most: bool) -> str:
    """Say what the figure at the foot is."""
    if is_at_most:
        return _("Refund at most")
    return _("Refund, if nothing else stands against it") if outcome in _UNDECIDED else _("Refund")


def is_decided(outcome: str) -> bool:
    """Whether an answer with this outcome leaves nothing open."""
    return outcome not in _UNDECIDED


def _lines(answer: Mapping[str, Any], found: Mapping[str, Any], names: Names) -> Iterator[StatementLine]:
    currency, zone = answer["currency"], found["window"]["time_zone"]
    for line in answer["lines"]:
        if line["kind"] == "conforming_work":
            yield _work_line(line, found["conformity"], names, currency, zone)
        else:
            yield _usage_line(line, found["usage"], names, currency, zone)
    yield from _refunded_lines(answer, found)
    yield from _rest_lines(answer, found)


def _work_line(
    line: Mapping[str, Any], detail: Mapping[str, Any], names: Names, currency: str, zone: str
) -> StatementLine:
    code = line["stage"]
    stage = next(stage for stage in detail["stages"] if stage["stage"] == code)
    items = {item: words for (of, item), words in names.items.items() if of == code}
    explained = explain_stage(stage, items, line["amount"], currency, zone)
    return _line(names.stage(code), explained, "P2", -money_of(line["amount"], currency))


def _usage_line(
    line: Mapping[str, Any], detail: Mapping[str, Any], names: Names, currency: str, zone: str
) -> StatementLine:
    code = line["meter"]
    meters = [meter for meter in detail["meters"] if meter["meter"] == code]
    explained = explain_meters(meters, names.stages, line["amount"], currency, zone)
    return _line(names.meter(code), explained, "P3", -money_of(line["amount"], currency))


def _refunded_lines(answer: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[StatementLine]:
    """What was given back before; and, if that was more than what is due, that it is not claimed back."""
    currency = answer["currency"]
    refunded = money_of(found["earlier_refunds"]["refunded"], currency)
    entitlement = money_of(answer["entitlement"], currency)
    if refunded:
        note = _("paid out, credited, or on its way to you")
        yield _line(_("Given back before"), Explanation(note), "P6", -refunded)
    if refunded > entitlement:
        yield _line(_("Not claimed back"), Explanation(_("you keep it")), "P6", refunded - entitlement)


def _rest_lines(answer: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[StatementLine]:
    """What would remain, but was not asked for; and what something else stands against."""
    currency = answer["currency"]
    left = money_of(found["earlier_refunds"]["left"], currency)
    due = money_of(found["refund"]["due"], currency)
    if due < left and answer["outcome"] != "inadmissible":
        note = _("you asked for %(amount)s") % {"amount": money_words(found["refund"]["asked"], currency)}
        yield _line(_("Not asked for"), Explanation(note), "P4", due - left)
        left = due
    barred = left - _total(answer, found)[1]
    if answer["outcome"] in _DECIDED_WITHOUT_MONEY and barred:
        reason = answer["reasons"][0]
        clause = next(iter(_clauses([reason])), "P6")
        yield _line(outcome_words(answer["outcome"]), Explanation(reason_words(reason)), clause, -barred)


def _line(label: str, explained: Explanation, clause: str, amount: Money) -> StatementLine:
    return StatementLine(
        label=label,
        note=explained.note,
        amount=amount,
        clause=clause,
        clause_words=clause_words(clause),
        facts=explained.facts,
        arithmetic=explained.arithmetic,
    )
