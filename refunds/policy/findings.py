"""
What each rule found. Every finding is in every answer, whichever row of the policy decided.

A finding's detail is worked out when it is read: it follows from the same figures, and most callers
(a portfolio, a replay) never look at it.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from refunds.policy import details
from refunds.policy.codes import CLAUSE_OF_RULE, PaymentStatus, Remedy, Rule
from refunds.policy.figures import Figures

NOT_CAPTURED: Final = frozenset(
    {PaymentStatus.PENDING, PaymentStatus.AUTHORISED, PaymentStatus.FAILED, PaymentStatus.VOIDED}
)
# Members of an enum are looked up slowly, and these in every evaluation.
_CHARGED_BACK: Final = PaymentStatus.CHARGED_BACK
_DISPUTED: Final = PaymentStatus.DISPUTED
_EXCHANGE: Final = Remedy.EXCHANGE


class Check(NamedTuple):
    """A rule, the clause it carries out, how its finding begins in JSON, and how its detail is written."""

    rule: Rule
    clause: str
    beginnings: Mapping[bool | None, str]
    explain: Callable[[Figures], str]


class Finding(NamedTuple):
    """What one rule found: whether it holds (None: it does not arise), and the figures it looked at."""

    check: Check
    holds: bool | None
    figures: Figures

    @property
    def rule(self) -> Rule:
        """What was looked at."""
        return self.check.rule

    @property
    def clause(self) -> str:
        """The clause of the published policy."""
        return self.check.clause

    @property
    def detail(self) -> dict[str, Any]:
        """Facts and arithmetic as JSON: amounts in major units, exact numbers as text."""
        found: dict[str, Any] = json.loads(self.check.explain(self.figures))
        return found

    @property
    def text(self) -> str:
        """The finding as JSON text."""
        return f"{self.check.beginnings[self.holds]}{self.check.explain(self.figures)}}}"


def _beginnings(rule: Rule) -> dict[bool | None, str]:
    return {
        holds: f'{{"rule": "{rule}", "clause": "{CLAUSE_OF_RULE[rule]}", "holds": {word}, "detail": '
        for holds, word in details.TRUTH.items()
    }


_CHECKS: Final[tuple[Check, ...]] = tuple(
    Check(rule, CLAUSE_OF_RULE[rule], _beginnings(rule), explain)
    for rule, explain in (
        (Rule.PAYMENT_CAPTURED, details.payment),
        (Rule.PAYMENT_NOT_CHARGED_BACK, details.nothing_more),
        (Rule.PAYMENT_NOT_DISPUTED, details.nothing_more),
        (Rule.SOMETHING_REFUNDABLE, details.remaining),
        (Rule.NO_OTHER_REQUEST, details.nothing_more),
        (Rule.AMOUNT_IN_RANGE, details.requested),
        (Rule.EXCHANGE_OFFERED, details.remedy),
        (Rule.WINDOW, details.window),
        (Rule.STATUTORY_RIGHT, details.statutory_right),
        (Rule.CONFORMITY_ASSESSED, details.pending),
        (Rule.CONFORMITY, details.conformity),
        (Rule.USAGE, details.usage),
        (Rule.ENTITLEMENT, details.entitlement),
        (Rule.EARLIER_REFUNDS, details.earlier_refunds),
        (Rule.REFUND, details.refund),
    )
)


def _holding(at: Figures) -> tuple[bool | None, ...]:
    """Whether each of the checks holds, in their order; None where it does not arise."""
    status, request = at.facts.payment.status, at.facts.request
    return (
        status not in NOT_CAPTURED,
        status is not _CHARGED_BACK,
        status is not _DISPUTED,
        at.remaining > 0,
        not request.another_open,
        0 < at.asked <= at.remaining,
        at.facts.terms.exchange_allowed if request.remedy is _EXCHANGE else None,
        at.in_time,
        request.statutory_right,
        not at.kept.is_pending,
        at.conforms,
        at.kept.usage.over > 0,
        at.entitlement > 0,
        at.left > 0,
        at.refund > 0,
    )


def find_all(at: Figures) -> tuple[Finding, ...]:
    """Ask every rule, in the order in which the policy tries them."""
    return tuple([Finding(check, holds, at) for check, holds in zip(_CHECKS, _holding(at), strict=True)])
