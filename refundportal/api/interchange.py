"""How one evaluation looks in JSON (the description only: the policy reads and writes it itself)."""

from typing import Any

from rest_framework import serializers

from contracts.policy.terms import ConformityMode, DayRule, Rounding
from refunds.policy.codes import ClientType, LineKind, Outcome, PaymentStatus, Reason, Remedy, Rule

CODE = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$"
DECIMAL = r"^-?[0-9]{1,18}(\.[0-9]{1,18})?$"
_RATIO = r"^-?[0-9]{1,18}(\.[0-9]{1,18}|/[0-9]{1,18})?$"
_OPTIONAL: dict[str, Any] = {"required": False}
_NULLABLE: dict[str, Any] = {"required": False, "allow_null": True}
_INSTANT = "RFC 3339 with offset."


def _decimal(**options: Any) -> serializers.CharField:
    return serializers.RegexField(DECIMAL, help_text="A decimal text.", **options)


def _instant(**options: Any) -> serializers.DateTimeField:
    return serializers.DateTimeField(help_text=_INSTANT, **options)


class TermsFacts(serializers.Serializer[Any]):
    """Refund terms; what is left out takes the published policy's default."""

    window_days = serializers.IntegerField(min_value=0, max_value=365, **_OPTIONAL)
    day_rule = serializers.ChoiceField([rule.value for rule in DayRule], **_OPTIONAL)
    time_zone = serializers.CharField(**_OPTIONAL)
    roll_to_working_day = serializers.BooleanField(**_OPTIONAL)
    holiday_calendar = serializers.CharField(**_NULLABLE)
    conformity_mode = serializers.ChoiceField([mode.value for mode in ConformityMode], **_OPTIONAL)
    deemed_acceptance_days = serializers.IntegerField(min_value=1, max_value=3650, **_NULLABLE)
    rounding = serializers.ChoiceField([rounding.value for rounding in Rounding], **_OPTIONAL)
    exchange_allowed = serializers.BooleanField(**_OPTIONAL)
    decision_days = serializers.IntegerField(min_value=1, max_value=90, **_OPTIONAL)


class EvaluatedPayment(serializers.Serializer[Any]):
    """The payment as the evaluation sees it."""

    amount = _decimal()
    currency = serializers.CharField()
    status = serializers.ChoiceField([status.value for status in PaymentStatus])
    captured_at = _instant(**_NULLABLE)
    deadline = _instant(**_NULLABLE)
    refunded = _decimal(**_NULLABLE)


class EvaluatedRequest(serializers.Serializer[Any]):
    """The application as the evaluation sees it."""

    submitted_at = _instant()
    amount = _decimal(**_NULLABLE)
    remedy = serializers.ChoiceField([remedy.value for remedy in Remedy], **_NULLABLE)
    another_open = serializers.BooleanField(**_NULLABLE)
    statutory_right = serializers.BooleanField(**_NULLABLE)


class EvaluatedItem(serializers.Serializer[Any]):
    """One acceptance item."""

    code = serializers.CharField()
    weight = serializers.RegexField(_RATIO, help_text="A decimal text or n/d, above 0.")
    fulfilled = serializers.RegexField(
        _RATIO, help_text="A decimal text or n/d from 0 to 1; null: not tested.", **_NULLABLE
    )


class EvaluatedStage(serializers.Serializer[Any]):
    """One stage that the payment pays."""

    stage = serializers.CharField()
    amount = _decimal()
    delivered_at = _instant(**_NULLABLE)
    accepted_at = _instant(**_NULLABLE)
    objected_at = _instant(**_NULLABLE)
    hidden_defect = serializers.BooleanField(**_NULLABLE)
    items = EvaluatedItem(many=True, **_NULLABLE)


class EvaluatedUsage(serializers.Serializer[Any]):
    """One use: metered (quantity, unit_price, occurred_at) or of time (price, start, end)."""

    kind = serializers.ChoiceField(["metered", "time"])
    meter = serializers.CharField()
    quantity = _decimal(**_OPTIONAL)
    unit_price = _decimal(**_OPTIONAL)
    occurred_at = _instant(**_OPTIONAL)
    price = _decimal(**_OPTIONAL)
    start = _instant(**_OPTIONAL)
    end = _instant(**_OPTIONAL)
    stage = serializers.CharField(**_NULLABLE)
    recorded_at = _instant()


class FactsBody(serializers.Serializer[Any]):
    """The facts of one evaluation, complete."""

    id = serializers.CharField()
    terms = TermsFacts(**_NULLABLE)
    client_type = serializers.ChoiceField([kind.value for kind in ClientType])
    payment = EvaluatedPayment()
    request = EvaluatedRequest()
    decided_at = _instant()
    work = EvaluatedStage(many=True, **_NULLABLE)
    usage = EvaluatedUsage(many=True, **_NULLABLE)


class LineBody(serializers.Serializer[Any]):
    """One part that is kept: of a stage or of a meter."""

    kind = serializers.ChoiceField([kind.value for kind in LineKind])
    stage = serializers.CharField(**_OPTIONAL)
    meter = serializers.CharField(**_OPTIONAL)
    amount = _decimal()


class FindingBody(serializers.Serializer[Any]):
    """What one rule found."""

    rule = serializers.ChoiceField([rule.value for rule in Rule])
    clause = serializers.CharField()
    holds = serializers.BooleanField(allow_null=True)
    detail = serializers.DictField()


class AnswerBody(serializers.Serializer[Any]):
    """The one answer of the policy, with every line of its calculation."""

    id = serializers.CharField()
    policy_version = serializers.CharField()
    deadline = _instant(allow_null=True)
    in_time = serializers.BooleanField(allow_null=True)
    outcome = serializers.ChoiceField([outcome.value for outcome in Outcome])
    reasons = serializers.ListField(child=serializers.ChoiceField([reason.value for reason in Reason]))
    refund = _decimal()
    refund_at_most = _decimal(**_OPTIONAL)
    currency = serializers.CharField()
    entitlement = _decimal()
    retained = _decimal()
    conforming_value = serializers.CharField(help_text="Exact: an integer or n/d.")
    usage_value = serializers.CharField(help_text="Exact: an integer or n/d.")
    lines = LineBody(many=True)
    findings = FindingBody(many=True)
    data_versions = serializers.DictField(child=serializers.CharField())
