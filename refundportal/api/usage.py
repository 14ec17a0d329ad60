"""Usage: reported by other systems, counted once."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.scopes import CONTRACTS_READ, USAGE_WRITE
from contracts.models import MeterKind
from contracts.selectors import contract_of
from contracts.selectors.totals import UsageTotal, usage_totals
from kernel.errors import Fault, InvalidInput
from kernel.exact import decimal_text
from kernel.reading import fault_at
from payments.services import record_usage
from refundportal.api.interchange import DECIMAL
from refundportal.api.schema import documented
from refundportal.api.views import ApiView, many_shown, shown
from refundportal.web.serializers import many


class NewUsage(serializers.Serializer[Any]):
    """One use: a quantity at an instant, or (time meters) a period."""

    source = serializers.CharField(max_length=60)  # type: ignore[assignment]
    external_id = serializers.CharField(max_length=120)
    contract = serializers.UUIDField()
    meter = serializers.CharField(help_text="Its code.")
    stage = serializers.CharField(required=False, allow_null=True, help_text="Its code.")
    quantity = serializers.RegexField(
        DECIMAL, required=False, help_text="A decimal text with at most six decimals."
    )
    occurred_at = serializers.DateTimeField(required=False)
    start = serializers.DateTimeField(required=False)
    end = serializers.DateTimeField(required=False)


class NewUsageRecords(serializers.Serializer[Any]):
    """Up to 1,000 records of any contracts; described here, read by the payments' own parser."""

    records = many(NewUsage, max_length=1000)


class UsageResultBody(serializers.Serializer[Any]):
    """How many records were new, and how many were known with the same content."""

    created = serializers.IntegerField()
    duplicates = serializers.IntegerField()


class UsageTotalBody(serializers.Serializer[UsageTotal]):
    """What was used of one meter, for one stage or for none."""

    meter = serializers.CharField()
    kind = serializers.ChoiceField(MeterKind.values)
    stage = serializers.CharField(allow_null=True)
    records = serializers.IntegerField()
    quantity = serializers.SerializerMethodField(
        "show_quantity", help_text="Of a metered use; null for periods."
    )
    value = serializers.SerializerMethodField(
        "show_value", help_text="Exact, at the recorded prices, in full."
    )

    @extend_schema_field(serializers.CharField(allow_null=True))
    def show_quantity(self, total: UsageTotal) -> str | None:
        return None if total.quantity is None else decimal_text(total.quantity)

    def show_value(self, total: UsageTotal) -> str:
        return decimal_text(total.value)


class UsageBody(serializers.Serializer[Any]):
    """All that was used under a contract."""

    contract = serializers.UUIDField()
    currency = serializers.CharField()
    totals = UsageTotalBody(many=True)


class UsageRecordsView(ApiView):
    """Reports of use; each counts once per source and external id."""

    scopes = {"POST": USAGE_WRITE}

    @documented(body=NewUsageRecords, answer=UsageResultBody, summary="Report usage")
    def post(self, request: Request) -> Response:
        result = record_usage(principal=self.principal, records=records_of(request.data), now=self.now)
        return Response({"created": result.created, "duplicates": result.duplicates})


class UsageView(ApiView):
    """The usage of a contract, in totals by meter and stage."""

    scopes = {"GET": CONTRACTS_READ}

    @documented(answer=UsageBody, summary="Read the usage of a contract")
    def get(self, request: Request, contract_id: UUID) -> Response:
        contract = contract_of(self.principal, contract_id)
        totals = many_shown(UsageTotalBody, usage_totals(contract.pk))
        return shown({"contract": str(contract.pk), "currency": contract.currency, "totals": totals})


def records_of(body: Any) -> list[Any]:
    """
    Take the records out of the body; what each says is read by the service.

    :raises InvalidInput: no object with exactly one list named records
    """
    if not isinstance(body, dict):
        raise InvalidInput(faults=[Fault(path="", message="must be an object with a list named records")])
    faults = [
        fault_at((name,), "is not a field that exists here", "unknown_field")
        for name in body
        if name != "records"
    ]
    if not isinstance(body.get("records"), list):
        faults.append(Fault(path="records", message="must be a list", code="required"))
    if faults:
        raise InvalidInput(faults=faults)
    return list(body["records"])
