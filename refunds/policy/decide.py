"""Deciding: the rows of the policy in order. Pure and total: every valid input has exactly one answer."""

from fractions import Fraction
from typing import Final

from contracts.policy.window import is_in_time, window_of
from kernel.currencies import digits_of
from kernel.money import Money
from refunds.policy.amount import work_out
from refunds.policy.answer import Answer, Line
from refunds.policy.codes import ClientType, Outcome, PaymentStatus, Reason, Remedy
from refunds.policy.facts import Facts
from refunds.policy.figures import Deadline, Figures
from refunds.policy.findings import NOT_CAPTURED, find_all

Verdict = tuple[Outcome, tuple[Reason, ...]]

_GIVES_MONEY: Final = frozenset({Outcome.REFUND_IN_FULL, Outcome.REFUND_IN_PART})


def decide(facts: Facts) -> Answer:
    """
    Answer an application from its facts alone.

    :raises OutsideCalendar: a computed deadline or day of deemed acceptance leaves the years 0001 to 9999
        (facts that were read by `parse_facts` never do)
    """
    figures = figure_out(facts)
    outcome, reasons = choose(figures)
    currency, kept = facts.payment.amount.currency, figures.kept
    is_pending = reasons == (Reason.CONFORMITY_PENDING,)
    deadline = figures.deadline
    return Answer(
        deadline=None if deadline is None else deadline.instant,
        deadline_text=None if deadline is None else deadline.text,
        in_time=figures.in_time,
        outcome=outcome,
        reasons=reasons,
        refund=Money(figures.refund if outcome in _GIVES_MONEY else 0, currency),
        refund_at_most=Money(figures.refund, currency) if is_pending else None,
        entitlement=Money(figures.entitlement, currency),
        retained=Money(kept.retained, currency),
        conforming_value=Fraction(kept.work_over, kept.work_under * figures.scale),
        usage_value=Fraction(kept.usage.over, kept.usage.under * figures.scale),
        lines=tuple([Line(kind, name, Money(minor, currency)) for kind, name, minor in kept.lines]),
        findings=find_all(figures),
    )


def figure_out(facts: Facts) -> Figures:
    """Work out everything the rows look at, once."""
    digits = digits_of(facts.payment.amount.currency)
    deadline = _deadline_of(facts)
    kept = work_out(facts)
    amount, refunded, asked = facts.payment.amount.minor, facts.payment.refunded.minor, facts.request.amount
    remaining, entitlement = amount - refunded, amount - kept.retained
    requested = remaining if asked is None else asked.minor
    in_time = None if deadline is None else is_in_time(deadline.instant, facts.request.submitted_at)
    refund = min(requested, max(0, entitlement - refunded))
    return Figures(
        facts, digits, 10**digits, deadline, in_time, kept, remaining, requested, entitlement, refund
    )


def _deadline_of(facts: Facts) -> Deadline | None:
    """Take the stored deadline as it is; else compute it; else there is none."""
    stored, captured_at = facts.payment.deadline, facts.payment.captured_at
    if stored is not None:
        return Deadline(stored.instant, stored.text, True, None, None, ())
    if captured_at is None:
        return None
    window = window_of(facts.terms, captured_at)
    return Deadline(
        window.deadline, window.text, False, window.purchase_day, window.last_day, window.passed_over
    )


def choose(at: Figures) -> Verdict:
    """Find the row that decides: the first that applies. This is the one place where the policy branches."""
    payment, request, terms = at.facts.payment, at.facts.request, at.facts.terms
    is_consumer = at.facts.client_type is ClientType.CONSUMER
    if payment.status in NOT_CAPTURED:  # row 1
        return Outcome.INADMISSIBLE, (Reason.PAYMENT_NOT_CAPTURED,)
    if payment.status is PaymentStatus.CHARGED_BACK:  # row 2
        return Outcome.INADMISSIBLE, (Reason.PAYMENT_CHARGED_BACK,)
    if payment.status is PaymentStatus.DISPUTED:  # row 3
        return Outcome.ON_HOLD, (Reason.PAYMENT_DISPUTED,)
    if at.remaining <= 0:  # row 4
        return Outcome.INADMISSIBLE, (Reason.NOTHING_REFUNDABLE,)
    if request.another_open:  # row 5
        return Outcome.INADMISSIBLE, (Reason.REQUEST_ALREADY_OPEN,)
    if not 0 < at.asked <= at.remaining:  # row 6
        return Outcome.INADMISSIBLE, (Reason.AMOUNT_OUT_OF_RANGE,)
    if request.remedy is Remedy.EXCHANGE and not terms.exchange_allowed:  # row 7
        return Outcome.INADMISSIBLE, (Reason.EXCHANGE_NOT_OFFERED,)
    if not at.in_time and is_consumer and request.statutory_right is None:  # row 8
        return Outcome.NEEDS_REVIEW, (Reason.STATUTORY_RIGHT_CHECK,)
    if not at.in_time and request.statutory_right is not True:  # row 9
        return Outcome.NO_REFUND, (Reason.WINDOW_EXPIRED,)
    if at.kept.is_pending:  # row 10
        return Outcome.NEEDS_REVIEW, (Reason.CONFORMITY_PENDING,)
    if at.conforms:  # row 11
        accepted = all(stage.conformity.is_accepted for stage in at.kept.stages)
        return Outcome.NO_REFUND, (Reason.WORK_ACCEPTED if accepted else Reason.WORK_CONFORMS,)
    if at.entitlement == 0:  # row 12
        return Outcome.NO_REFUND, (Reason.VALUE_CONSUMED,)
    if at.entitlement - payment.refunded.minor <= 0:  # row 13
        return Outcome.NO_REFUND, (Reason.ENTITLEMENT_ALREADY_REFUNDED,)
    if at.refund == payment.amount.minor:  # row 14
        return Outcome.REFUND_IN_FULL, (Reason.FULL_REFUND,)
    return Outcome.REFUND_IN_PART, _reasons_for_part(at)  # row 15


def _reasons_for_part(at: Figures) -> tuple[Reason, ...]:
    """Row 15: whatever holds, by exact values, in the published order."""
    kept, refunded = at.kept, at.facts.payment.refunded.minor
    holding = (
        kept.work_over > 0,
        kept.usage.over > 0,
        refunded > 0,
        at.asked < at.entitlement - refunded,
    )
    return tuple([reason for reason, holds in zip(_REASONS_FOR_PART, holding, strict=True) if holds])


_REASONS_FOR_PART: Final = (
    Reason.CONFORMING_PART_RETAINED,
    Reason.USAGE_DEDUCTED,
    Reason.EARLIER_REFUND_DEDUCTED,
    Reason.AS_REQUESTED,
)
