"""The policy: what it says, and what it says to given facts."""

from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.scopes import POLICY_EVALUATE
from contracts.policy.facts import TimedUsage
from contracts.policy.terms import RefundTerms, as_json
from kernel.errors import DomainError
from refundportal.api.access import PUBLIC
from refundportal.api.interchange import AnswerBody, FactsBody, TermsFacts
from refundportal.api.schema import documented
from refundportal.api.views import ApiView, shown
from refunds.policy import POLICY_VERSION
from refunds.policy.codes import CLAUSE_OF_REASON
from refunds.policy.decide import decide
from refunds.policy.facts import Facts
from refunds.policy.interchange import answer_json, parse_facts
from refunds.wording import CLAUSES, OUTCOMES, clause_words, outcome_words, reason_words

DENOMINATOR_BITS_MAX: Final = 100_000


class ClauseBody(serializers.Serializer[Any]):
    id = serializers.CharField()
    words = serializers.CharField()


class ReasonBody(serializers.Serializer[Any]):
    code = serializers.CharField()
    clause = serializers.CharField()
    words = serializers.CharField()


class OutcomeBody(serializers.Serializer[Any]):
    code = serializers.CharField()
    words = serializers.CharField()


class PolicyBody(serializers.Serializer[Any]):
    """The published policy, in the language of `Accept-Language`."""

    version = serializers.CharField()
    clauses = ClauseBody(many=True)
    default_terms = TermsFacts()
    outcomes = OutcomeBody(many=True)
    reasons = ReasonBody(many=True)


class PolicyView(ApiView):
    """The published policy, for everybody."""

    scopes = {"GET": PUBLIC}

    @documented(answer=PolicyBody, summary="Read the published policy")
    def get(self, request: Request) -> Response:
        return shown(
            {
                "version": POLICY_VERSION,
                "clauses": [{"id": clause, "words": clause_words(clause)} for clause in CLAUSES],
                "default_terms": as_json(RefundTerms(time_zone=settings.COMPANY_TIME_ZONE)),
                "outcomes": [{"code": code, "words": outcome_words(code)} for code in OUTCOMES],
                "reasons": [
                    {"code": reason.value, "clause": clause, "words": reason_words(reason)}
                    for reason, clause in CLAUSE_OF_REASON.items()
                ],
            }
        )


class TooManyDenominators(DomainError):
    """Exact arithmetic over so many different fractions would keep a web process busy for minutes."""

    code = "facts_too_fine"
    kind = "refused"
    title = "These facts hold too many different fractions for a web request; use the command line."


def refuse_endless_sums(facts: Facts) -> None:
    """
    Bound the work of one request: an exact sum grows with every denominator that is not there yet.

    The bound is in bits of all different denominators together (weights, shares, lengths of periods).
    Decimal figures never come near it.

    :raises TooManyDenominators: more than `DENOMINATOR_BITS_MAX` bits
    """
    denominators = {
        figure.denominator
        for stage in facts.work
        for item in stage.items
        for figure in (item.weight, item.fulfilled)
        if figure is not None
    }
    lengths = {(row.end - row.start) for row in facts.usage if isinstance(row, TimedUsage)}
    microseconds = {length // timedelta(microseconds=1) for length in lengths}
    bits = sum(number.bit_length() for number in denominators | microseconds)
    if bits > DENOMINATOR_BITS_MAX:
        raise TooManyDenominators(bits=bits, most=DENOMINATOR_BITS_MAX)


class EvaluateView(ApiView):
    """One evaluation of given facts; nothing is stored."""

    scopes = {"POST": POLICY_EVALUATE}

    @documented(body=FactsBody, answer=AnswerBody, summary="Evaluate given facts")
    def post(self, request: Request) -> Response:
        facts = parse_facts(request.data, default_time_zone=settings.COMPANY_TIME_ZONE)
        refuse_endless_sums(facts)
        return Response(answer_json(facts.id, decide(facts)))
