"""The policy: what it says, and what it says to given facts."""

from typing import Any

from django.conf import settings
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.scopes import POLICY_EVALUATE
from contracts.policy.terms import RefundTerms, as_json
from refundportal.api.access import PUBLIC
from refundportal.api.interchange import AnswerBody, FactsBody, TermsFacts
from refundportal.api.schema import documented
from refundportal.api.views import ApiView, shown
from refunds.policy import POLICY_VERSION
from refunds.policy.codes import CLAUSE_OF_REASON
from refunds.policy.decide import decide
from refunds.policy.interchange import answer_json, parse_facts
from refunds.wording import CLAUSES, OUTCOMES, clause_words, outcome_words, reason_words


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


class EvaluateView(ApiView):
    """One evaluation of given facts; nothing is stored."""

    scopes = {"POST": POLICY_EVALUATE}

    @documented(body=FactsBody, answer=AnswerBody, summary="Evaluate given facts")
    def post(self, request: Request) -> Response:
        facts = parse_facts(request.data, default_time_zone=settings.COMPANY_TIME_ZONE)
        return Response(answer_json(facts.id, decide(facts)))
