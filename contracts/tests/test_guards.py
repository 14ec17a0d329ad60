"""What the database refuses by itself, whoever asks: each guard is seen to hold."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO

import pytest
from django.db import DatabaseError, models, transaction

from contracts.guards import RULES
from contracts.models import (
    AcceptanceItem,
    Amendment,
    Assessment,
    AssessmentValue,
    Client,
    Contract,
    Delivery,
    Document,
    Invitation,
    Meter,
    PrepaymentShare,
    RefundTerms,
    Stage,
    UsageRecord,
)
from contracts.selectors import usage_frames
from contracts.services import (
    UsageRow,
    accept_delivery,
    add_document,
    assess_delivery,
    create_amendment,
    deliver_stage,
    insert_usage,
    invite_member,
    start_stage,
)
from contracts.tests.cast import NOW, Cast, draft_contract, signed_contract, stage_named
from kernel.ids import new_id

pytestmark = pytest.mark.django_db


@dataclass
class House:
    cast: Cast
    contract: Contract
    delivery: Delivery


@pytest.fixture
def house(cast) -> House:
    """A contract with a row in every table."""
    contract = signed_contract(cast)
    rita = {"principal": cast.as_rita, "now": NOW}
    document = add_document(
        contract_id=contract.pk,
        kind="other",
        title="Notes",
        file=BytesIO(b"x"),
        file_name="x.txt",
        **rita,
    )
    stage = stage_named(contract, "S1")
    start_stage(stage_id=stage.pk, **rita)
    delivery = deliver_stage(stage_id=stage.pk, documents=[document.pk], **rita)
    assess_delivery(delivery_id=delivery.pk, values={"AC-1": "1/2"}, reason="Tested.", **rita)
    create_amendment(
        contract_id=contract.pk,
        summary="S2 goes.",
        changes={"remove": ["S2"]},
        **rita,
    )
    invite_member(
        principal=cast.as_alice, client_id=cast.client.pk, email="d@acme.example", role="viewer", now=NOW
    )
    frame = usage_frames(cast.as_rita, [contract.pk])[contract.pk]
    meter = frame.meters["api_calls"]
    insert_usage(
        [
            UsageRow(
                "s", "1", contract.pk, meter.pk, None, "metered", 1, 1, NOW, None, NOW, payment_id=new_id()
            )
        ]
    )
    return House(cast, contract, delivery)


def refused(act: Callable[[], object]) -> bool:
    try:
        with transaction.atomic():
            act()
    except DatabaseError:
        return True
    return False


def emptying(model: type[models.Model]) -> Callable[[], object]:
    return lambda: model._default_manager.all()._raw_delete("default")


@pytest.mark.parametrize(
    "model",
    [
        Client,
        RefundTerms,
        Document,
        Delivery,
        Delivery.documents.through,
        Assessment,
        AssessmentValue,
        Amendment,
        Invitation,
        UsageRecord,
    ],
    ids=lambda model: model.__name__,
)
def test_rows_that_are_never_deleted(house, model):
    assert model._default_manager.exists()

    assert refused(emptying(model))


LATER = NOW + timedelta(days=1)
FROZEN = [
    (Client, {"kind": "consumer"}),
    (Invitation, {"token_sha256": "0" * 64}),
    (Invitation, {"email": "m@other.example"}),
    (Contract, {"number": "C-1"}),
    (Contract, {"imported": True}),
    (Contract, {"signed_at": LATER}),
    (Contract, {"title": "Another"}),
    (Contract, {"summary": "Another"}),
    (Contract, {"currency": "USD"}),
    (Contract, {"payment_days": 99}),
    (Contract, {"signed_sha256": "0" * 64}),
    (Contract, {"state": "draft"}),
    (RefundTerms, {"window_days": 0}),
    (RefundTerms, {"in_force_from": LATER}),
    (Document, {"sha256": "0" * 64}),
    (Amendment, {"changes": {"remove": ["S1"]}}),
    (Amendment, {"summary": "Another"}),
    (Stage, {"code": "X"}),
    (Stage, {"kind": "work"}),
    (PrepaymentShare, {"amount_minor": 1}),
    (AcceptanceItem, {"weight_micro": 1}),
    (AcceptanceItem, {"statement": "Less."}),
    (Delivery, {"delivered_at": LATER}),
    (Delivery, {"note": "Another"}),
    (Delivery, {"number": 7}),
    (Assessment, {"reason": "Another"}),
    (AssessmentValue, {"numerator": 2, "denominator": 2}),
    (Meter, {"price_nano": 0}),
    (Meter, {"kind": "time"}),
    (UsageRecord, {"quantity_micro": 2}),
    (UsageRecord, {"price_nano": 2}),
    (UsageRecord, {"occurred_at": LATER}),
    (UsageRecord, {"external_id": "2"}),
    (UsageRecord, {"payment_id": "018f0000-0000-7000-8000-000000000001"}),
    (UsageRecord, {"payment_id": None}),
]


@pytest.mark.parametrize(
    ("model", "change"),
    FROZEN,
    ids=lambda value: value.__name__ if isinstance(value, type) else next(iter(value)),
)
def test_columns_that_keep_their_value(house, model, change):
    first = model._default_manager.first()

    assert refused(lambda: model._default_manager.filter(pk=first.pk).update(**change))


@pytest.mark.parametrize(
    ("state", "to"), [("planned", "delivered"), ("delivered", "planned"), ("in_progress", "planned")]
)
def test_a_stage_moves_along_its_edges_only(house, state, to):
    code = {"planned": "S2", "delivered": "S1", "in_progress": "S2"}[state]
    rows = Stage.objects.filter(contract=house.contract, code=code)
    if state == "in_progress":
        rows.update(state="in_progress")

    assert refused(lambda: rows.update(state=to))


def test_a_contract_begins_as_a_draft_and_a_delivery_unanswered(house):
    assert refused(
        lambda: Contract.objects.create(
            number="C-X",
            client=house.cast.client,
            title="x",
            currency="EUR",
            total_minor=1,
            created_at=NOW,
            signed_at=NOW,
            state="signed",
        )
    )
    assert refused(
        lambda: Delivery.objects.create(
            stage=house.delivery.stage,
            number=9,
            delivered_at=NOW,
            recorded_at=NOW,
            state="accepted",
            accepted_at=NOW,
            accepted_by_client=True,
        )
    )


@pytest.mark.parametrize("change", [{"amount_minor": 40000}, {"title": "x"}, {"is_removed": True}])
def test_a_paid_stage_is_never_rewritten(house, change):
    rows = Stage.objects.filter(contract=house.contract, code="S2")
    rows.update(covered_minor=1)

    assert refused(lambda: rows.update(**change))
    assert not refused(lambda: rows.update(covered_minor=2))


def test_a_stage_is_not_paid_beyond_its_amount(house):
    rows = Stage.objects.filter(contract=house.contract, code="S2")

    assert not refused(lambda: rows.update(covered_minor=50000))
    assert refused(lambda: rows.update(covered_minor=50001))
    assert refused(lambda: rows.update(covered_minor=-1))


def test_a_removed_stage_never_returns_and_a_begun_one_is_never_deleted(house):
    rows = Stage.objects.filter(contract=house.contract, code="S2")
    rows.update(is_removed=True)

    assert refused(lambda: rows.update(is_removed=False))
    assert refused(lambda: Stage.objects.filter(contract=house.contract, code="S1")._raw_delete("default"))


def test_an_acceptance_is_never_rewritten_or_turned_into_an_objection(house):
    accept_delivery(principal=house.cast.as_alice, stage_id=house.delivery.stage_id, now=NOW)
    rows = Delivery.objects.filter(pk=house.delivery.pk)

    for change in (
        {"accepted_at": LATER},
        {"accepted_by_client": False},
        {"acceptance_recorded_by": house.cast.rita},
        {"state": "objected", "objected_at": NOW, "accepted_at": None},
        {"state": "delivered", "accepted_at": None},
        {"objections": [{"item": None, "text": "late"}]},
    ):
        assert refused(lambda change=change: rows.update(**change)), change


def test_acceptance_by_others_without_the_protocol_is_refused(house):
    rows = Delivery.objects.filter(pk=house.delivery.pk)

    assert refused(lambda: rows.update(state="accepted", accepted_at=NOW, accepted_by_client=False))


def test_a_signed_contract_is_never_deleted_but_a_draft_may_be(house):
    draft = draft_contract(house.cast)
    Meter.objects.filter(contract=draft).delete()

    assert refused(lambda: Contract.objects.filter(pk=house.contract.pk)._raw_delete("default"))
    assert not refused(lambda: Contract.objects.filter(pk=draft.pk).update(title="Another"))


def test_guards_and_tables_speak_of_the_same_columns():
    tables = {model._meta.db_table for model in _models()}

    assert {guard.table for group in RULES for guard in group} <= tables


def _models():
    from django.apps import apps

    return apps.get_app_config("contracts").get_models(include_auto_created=True)
