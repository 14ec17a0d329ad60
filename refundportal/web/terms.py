"""Refund terms in sentences, with what is worse for the client than the published policy marked."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contracts.policy.terms import ConformityMode, DayRule, RefundTerms, Rounding, less_favourable_fields
from refunds.wording import zone_words


@dataclass(frozen=True, slots=True)
class Sentence:
    """One term in words; `deviates` if it is less favourable than the published policy."""

    words: str
    deviates: bool


def terms_in_words(terms: RefundTerms) -> tuple[Sentence, ...]:
    """Say every term, in the order in which they matter to a client."""
    deviating = frozenset(less_favourable_fields(terms))
    return tuple(
        Sentence(words, not deviating.isdisjoint(names)) for names, say in _SENTENCES for words in say(terms)
    )


def _window(terms: RefundTerms) -> Iterator[str]:
    days = terms.window_days
    if terms.day_rule is DayRule.ELAPSED:
        hours = days * 24
        yield ngettext(
            "You can apply for a refund within %(n)s hour, counted from the second of payment.",
            "You can apply for a refund within %(n)s hours, counted from the second of payment.",
            hours,
        ) % {"n": hours}
        return
    if days == 0:
        yield _("You can apply for a refund until the end of the day of payment.")
        return
    yield ngettext(
        "You can apply for a refund until the end of the day after the day of payment.",
        "You can apply for a refund for %(n)s days after the day of payment, until the end of the last one.",
        days,
    ) % {"n": days}


def _last_day(terms: RefundTerms) -> Iterator[str]:
    if not terms.roll_to_working_day:
        return
    if terms.holiday_calendar is None:
        yield _("If the last day is a Saturday or Sunday, you have until the end of the next working day.")
        return
    yield _(
        "If the last day is a Saturday, a Sunday or a public holiday (%(calendar)s), you have until the end "
        "of the next working day."
    ) % {"calendar": terms.holiday_calendar}


def _zone(terms: RefundTerms) -> Iterator[str]:
    yield _("Days are counted in %(zone)s.") % {"zone": zone_words(terms.time_zone)}


def _conformity(terms: RefundTerms) -> Iterator[str]:
    if terms.conformity_mode is ConformityMode.GATE:
        yield _("A stage is kept only if all of it does what was agreed; otherwise none of it is charged.")
    else:
        yield _("Of a stage that does what was agreed only in part, that part is kept.")


def _deemed(terms: RefundTerms) -> Iterator[str]:
    days = terms.deemed_acceptance_days
    if days is None:
        yield _("Work counts as accepted only when you accept it.")
        return
    yield _("Delivered work counts as accepted if you do not object within %(n)s days.") % {"n": days}


def _exchange(terms: RefundTerms) -> Iterator[str]:
    if terms.exchange_allowed:
        yield _("Instead of money you can choose a credit towards a stage that is still to be paid.")
    else:
        yield _("There is no exchange: a refund is paid in money.")


def _rounding(terms: RefundTerms) -> Iterator[str]:
    yield {
        Rounding.CLIENT: _("What cannot be paid exactly is rounded in your favour."),
        Rounding.COMPANY: _("What cannot be paid exactly is rounded in our favour."),
        Rounding.HALF_UP: _("What cannot be paid exactly is rounded to the nearest amount, halves up."),
        Rounding.HALF_EVEN: _(
            "What cannot be paid exactly is rounded to the nearest amount, halves to even."
        ),
    }[terms.rounding]


def _decision(terms: RefundTerms) -> Iterator[str]:
    yield ngettext(
        "We answer within %(n)s day. Being late never turns into a no.",
        "We answer within %(n)s days. Being late never turns into a no.",
        terms.decision_days,
    ) % {"n": terms.decision_days}


_SENTENCES: Final[tuple[tuple[frozenset[str], Callable[[RefundTerms], Iterator[str]]], ...]] = (
    (frozenset({"window_days", "day_rule"}), _window),
    (frozenset(), _last_day),
    (frozenset(), _zone),
    (frozenset({"conformity_mode"}), _conformity),
    (frozenset({"deemed_acceptance_days"}), _deemed),
    (frozenset({"exchange_allowed"}), _exchange),
    (frozenset({"rounding"}), _rounding),
    (frozenset({"decision_days"}), _decision),
)
