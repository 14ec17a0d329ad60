"""Assessments: what was found, exactly, by somebody who may judge."""

from datetime import timedelta
from fractions import Fraction
from io import BytesIO

import pytest

from accounts.principals import SYSTEM, Principal
from contracts.models import Assessment
from contracts.selectors import item_values, items_of
from contracts.services import add_document, add_member, assess_delivery
from contracts.services.assessments import OwnClient
from contracts.tests.cast import NOW, delivered_stage, signed_contract
from events.models import Event
from kernel.errors import InvalidInput, NotFoundOrHidden, NotPermitted

pytestmark = pytest.mark.django_db


def paths(caught):
    return [fault.path for fault in caught.value.faults]


def add_file(cast, contract, kind):
    return add_document(
        principal=cast.as_rita,
        contract_id=contract.pk,
        kind=kind,
        title="Protocol",
        file=BytesIO(b"Tested."),
        file_name="protocol.txt",
        now=NOW,
    )


def assess(cast, delivery, values, *, principal=None, now=NOW, **more):
    return assess_delivery(
        principal=principal or cast.as_rita,
        delivery_id=delivery.pk,
        values=values,
        reason="Tested on the staging system.",
        now=now,
        **more,
    )


def test_shares_are_kept_exactly_and_the_latest_value_of_an_item_counts(cast):
    contract = signed_contract(cast)
    delivery = delivered_stage(cast, contract)
    items = {item.code: item.pk for item in items_of([delivery.stage_id])[delivery.stage_id]}

    assess(cast, delivery, {"AC-1": "1/3", "AC-2": "0.25", "AC-3": "1"})
    assess(
        cast, delivery, {"AC-2": "2/7", "AC-3": None}, principal=cast.as_arno, now=NOW + timedelta(hours=1)
    )

    assert item_values([delivery.pk]) == {
        delivery.pk: {
            items["AC-1"]: Fraction(1, 3),
            items["AC-2"]: Fraction(2, 7),
            items["AC-3"]: None,
        }
    }
    data = Event.objects.filter(type="stage.assessed").order_by("at")[0].data
    assert data["values"] == {"AC-1": "1/3", "AC-2": "1/4", "AC-3": "1"}


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({}, "values"),
        ({"AC-9": "1"}, "values.AC-9"),
        ({"AC-1": "1.01"}, "values.AC-1"),
        ({"AC-1": "-0.1"}, "values.AC-1"),
        ({"AC-1": "3/2"}, "values.AC-1"),
        ({"AC-1": "1/0"}, "values.AC-1"),
        ({"AC-1": "good"}, "values.AC-1"),
        ({"AC-1": 1}, "values.AC-1"),
        ({"AC-1": 0.5}, "values.AC-1"),
    ],
)
def test_a_share_that_cannot_be_is_refused_and_nothing_is_stored(cast, values, path):
    delivery = delivered_stage(cast, signed_contract(cast))

    with pytest.raises(InvalidInput) as caught:
        assess(cast, delivery, values)

    assert paths(caught) == [path]
    assert not Assessment.objects.exists()


def test_an_assessment_needs_a_reason_and_evidence_of_its_contract(cast):
    contract, other = signed_contract(cast), signed_contract(cast)
    delivery = delivered_stage(cast, contract)
    own, foreign = add_file(cast, contract, "evidence"), add_file(cast, other, "evidence")

    with pytest.raises(InvalidInput):
        assess_delivery(
            principal=cast.as_rita, delivery_id=delivery.pk, values={"AC-1": "1"}, reason=" ", now=NOW
        )
    with pytest.raises(InvalidInput):
        assess(cast, delivery, {"AC-1": "1"}, evidence_id=foreign.pk)

    assert assess(cast, delivery, {"AC-1": "1"}, evidence_id=own.pk).evidence == own


@pytest.mark.parametrize("who", ["as_alice", "as_finn", "as_ada", "as_erp"])
def test_only_reviewers_and_approvers_assess(cast, who):
    delivery = delivered_stage(cast, signed_contract(cast))

    with pytest.raises(NotPermitted):
        assess(cast, delivery, {"AC-1": "0"}, principal=getattr(cast, who))


def test_nobody_assesses_work_for_a_client_of_which_they_are_a_member(cast):
    delivery = delivered_stage(cast, signed_contract(cast))
    add_member(principal=SYSTEM, client_id=cast.client.pk, user=cast.rita, role="viewer", now=NOW)

    with pytest.raises(OwnClient):
        assess(cast, delivery, {"AC-1": "0"})

    assert assess(cast, delivery, {"AC-1": "1"}, principal=Principal(user=cast.arno)).by == cast.arno


def test_for_mallory_there_is_no_such_delivery(cast):
    delivery = delivered_stage(cast, signed_contract(cast))

    with pytest.raises(NotFoundOrHidden):
        assess(cast, delivery, {"AC-1": "1"}, principal=cast.as_mallory)
