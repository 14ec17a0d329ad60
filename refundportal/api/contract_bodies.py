"""How contracts, their stages and what happens to them look in JSON."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from contracts.models import (
    AcceptanceItem,
    Contract,
    ContractState,
    Delivery,
    DeliveryState,
    Document,
    DocumentKind,
    Meter,
    MeterKind,
    PrepaymentShare,
    RefundTerms,
    Stage,
    StageKind,
    StageState,
)
from contracts.policy.terms import as_json
from contracts.selectors import policy_terms
from kernel.exact import decimal_text
from kernel.money import Money
from refundportal.api.interchange import CODE, DECIMAL, TermsFacts
from refundportal.web.serializers import AmountField, InstantField, StrictSerializer, TextField, many

STAGE_PARTS = ("items", "shares__work")
"""What has to be read with stages to show them."""


class ScaledField(serializers.Field[int, Any, str, Any]):
    """A whole number of 10 ** -digits, shown as the decimal text it stands for."""

    def __init__(self, digits: int, **options: Any) -> None:
        self._scale = 10**digits
        super().__init__(read_only=True, **options)

    def to_representation(self, value: int) -> str:
        return decimal_text(Fraction(value, self._scale))


class ItemBody(serializers.Serializer[AcceptanceItem]):
    """One statement by which the work is judged."""

    id = serializers.UUIDField()
    code = serializers.CharField()
    statement = serializers.CharField()
    weight = ScaledField(6, source="weight_micro")
    reference = serializers.CharField()


class ShareBody(serializers.Serializer[PrepaymentShare]):
    """How much of a prepayment prepays a stage of work."""

    stage = serializers.CharField(source="work.code")
    amount = AmountField(minor="amount_minor", currency="work.contract.currency")


class StageBody(serializers.Serializer[Stage]):
    """One segment of the contract; `covered` is what has been paid for it."""

    id = serializers.UUIDField()
    contract = serializers.UUIDField(source="contract_id")
    position = serializers.IntegerField()
    code = serializers.CharField()
    title = serializers.CharField()
    kind = serializers.ChoiceField(StageKind.values)
    state = serializers.ChoiceField(StageState.values)
    amount = AmountField(minor="amount_minor", currency="contract.currency")
    covered = AmountField(minor="covered_minor", currency="contract.currency")
    due_on = serializers.DateField(allow_null=True)
    items = serializers.SerializerMethodField()
    shares = serializers.SerializerMethodField()

    @extend_schema_field(ItemBody(many=True))
    def get_items(self, stage: Stage) -> list[dict[str, Any]]:
        return [ItemBody(item).data for item in stage.items.all() if not item.is_removed]

    @extend_schema_field(ShareBody(many=True))
    def get_shares(self, stage: Stage) -> list[dict[str, Any]]:
        currency = stage.contract.currency
        return [
            {"stage": share.work.code, "amount": money_json(share.amount_minor, currency)}
            for share in stage.shares.all()
        ]


class MeterBody(serializers.Serializer[Meter]):
    """A priced use: the price is per unit, or per recorded period."""

    code = serializers.CharField()
    title = serializers.CharField()
    kind = serializers.ChoiceField(MeterKind.values)
    unit = serializers.CharField()
    price = ScaledField(9, source="price_nano")


class TermsBody(serializers.Serializer[RefundTerms]):
    """One version of the refund terms; `deviates_from_policy`: less favourable than the published policy."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    in_force_from = InstantField()
    published_at = InstantField()
    deviates_from_policy = serializers.BooleanField()
    terms = serializers.SerializerMethodField()

    @extend_schema_field(TermsFacts)
    def get_terms(self, row: RefundTerms) -> dict[str, Any]:
        return as_json(policy_terms(row))


class ContractRow(serializers.Serializer[Contract]):
    """A contract in a list."""

    id = serializers.UUIDField()
    number = serializers.CharField()
    reference = serializers.CharField()
    client = serializers.UUIDField(source="client_id")
    title = serializers.CharField()
    state = serializers.ChoiceField(ContractState.values)
    total = AmountField(minor="total_minor")
    created_at = InstantField()
    signed_at = InstantField(allow_null=True)
    ended_at = InstantField(allow_null=True)


class ContractBody(ContractRow):
    """A contract with everything in it; `terms` is the newest version."""

    summary = serializers.CharField()
    payment_days = serializers.IntegerField()
    signed_terms_version = serializers.IntegerField(allow_null=True)
    signed_sha256 = serializers.CharField()
    end_reason = serializers.CharField()
    imported = serializers.BooleanField()
    terms = serializers.SerializerMethodField()
    stages = serializers.SerializerMethodField()
    meters = MeterBody(many=True)

    @extend_schema_field(TermsBody)
    def get_terms(self, contract: Contract) -> dict[str, Any]:
        return TermsBody(max(contract.terms_versions.all(), key=lambda row: row.version)).data

    @extend_schema_field(StageBody(many=True))
    def get_stages(self, contract: Contract) -> list[dict[str, Any]]:
        return [StageBody(stage).data for stage in contract.stages.all() if not stage.is_removed]


CONTRACT_PARTS = ("terms_versions", "meters", "stages", *(f"stages__{part}" for part in STAGE_PARTS))
"""What has to be read with a contract to show it."""


class DocumentBody(serializers.Serializer[Document]):
    """A file of a contract."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(DocumentKind.values)
    title = serializers.CharField()
    version = serializers.IntegerField()
    file_name = serializers.CharField()
    content_type = serializers.CharField()
    size_bytes = serializers.IntegerField()
    sha256 = serializers.CharField()
    uploaded_at = InstantField()


class DeliveryBody(serializers.Serializer[Delivery]):
    """One delivery of a stage with its acceptance or objection."""

    id = serializers.UUIDField()
    stage = serializers.UUIDField(source="stage_id")
    number = serializers.IntegerField()
    state = serializers.ChoiceField(DeliveryState.values)
    delivered_at = InstantField()
    recorded_at = InstantField()
    note = serializers.CharField()
    accepted_at = InstantField(allow_null=True)
    accepted_by_client = serializers.BooleanField()
    acceptance_recorded_at = InstantField(allow_null=True)
    protocol = serializers.UUIDField(source="acceptance_protocol_id", allow_null=True)
    objected_at = InstantField(allow_null=True)
    objections = serializers.ListField(child=serializers.DictField())


class StageDetail(StageBody):
    """A stage with all that was delivered."""

    deliveries = DeliveryBody(many=True)


class NewItem(StrictSerializer):
    """An acceptance item to be agreed."""

    code = serializers.RegexField(CODE)
    statement = TextField(max_length=1000)
    weight = serializers.RegexField(DECIMAL, help_text="A decimal text above 0.")
    reference = TextField(required=False, allow_blank=True, max_length=200)


class NewStage(StrictSerializer):
    """A stage to be agreed."""

    code = serializers.RegexField(CODE)
    title = TextField(max_length=200)
    kind = serializers.ChoiceField(StageKind.values)
    amount = serializers.RegexField(DECIMAL, help_text="A decimal text in the contract's currency.")
    items = NewItem(many=True, required=False)
    shares = serializers.DictField(
        child=serializers.CharField(),
        required=False,
        help_text="Of a prepayment: how much of it prepays each stage of work; default in proportion.",
    )


class NewMeter(StrictSerializer):
    """A priced use to be agreed."""

    code = serializers.RegexField(CODE)
    title = TextField(max_length=200)
    kind = serializers.ChoiceField(MeterKind.values)
    unit = TextField(required=False, allow_blank=True, max_length=40)
    price = serializers.RegexField(DECIMAL, help_text="A decimal text with at most nine decimals.")


class NewContract(StrictSerializer):
    """A contract to be stored as a draft; described here, read by the contracts' own parser."""

    client = serializers.UUIDField()
    reference = TextField(required=False, allow_blank=True, max_length=60)
    title = TextField(max_length=200)
    summary = TextField(required=False, allow_blank=True, max_length=4000)
    currency = serializers.RegexField("^[A-Z]{3}$")
    total = serializers.RegexField(DECIMAL, required=False, help_text="If given, the sum of the stages.")
    payment_days = serializers.IntegerField(required=False, min_value=0, max_value=365)
    terms = TermsFacts(required=False)
    stages = many(NewStage, allow_empty=False, max_length=500)
    meters = NewMeter(many=True, required=False)


def money_json(minor: int, currency: str) -> Mapping[str, str]:
    """Write minor units as an amount."""
    return {"amount": Money(minor, currency).text, "currency": currency}
