"""Two at once: one order or the other, never a mixture. Each race is seen when its lock is taken away."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from threading import Barrier, BrokenBarrierError

import pytest
from django.db import connection

from accounts.principals import Principal
from accounts.services import create_user
from contracts.models import Client, Contract, Delivery, Membership, RefundTerms
from contracts.services import (
    accept_delivery,
    accept_invitation,
    change_member,
    deliver_stage,
    invite_member,
    members,
    object_to_delivery,
    publish_terms,
    remove_member,
    sign_contract,
    start_stage,
)
from contracts.services.invitations import invitation_token
from contracts.services.members import LastOwner
from contracts.tests.cast import (
    NOW,
    delivered_stage,
    draft_contract,
    make_cast,
    signed_contract,
    stage_named,
)
from events.models import Event
from kernel.errors import DomainError

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def cast():
    return make_cast()


def together(*acts: Callable[[], object]) -> list[object]:
    """Run acts at the same moment, each on its own connection; give what they returned or were refused."""
    start = Barrier(len(acts))

    def run(act: Callable[[], object]) -> object:
        try:
            start.wait(timeout=10)
            return act()
        except DomainError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def refusals(results: list[object]) -> list[DomainError]:
    return [result for result in results if isinstance(result, DomainError)]


def remove_each_other(cast, monkeypatch) -> list[object]:
    """Two owners remove each other; each waits a moment after looking whether another owner stays."""
    change_member(principal=cast.as_alice, client_id=cast.client.pk, user=cast.bea, role="owner", now=NOW)
    looked = Barrier(2)
    keep = members._keep_an_owner

    def keep_and_wait(membership: Membership) -> None:
        keep(membership)
        with suppress(BrokenBarrierError):
            looked.wait(timeout=0.5)

    monkeypatch.setattr(members, "_keep_an_owner", keep_and_wait)
    who = {"client_id": cast.client.pk, "now": NOW}
    return together(
        lambda: remove_member(principal=cast.as_alice, user=cast.bea, **who),
        lambda: remove_member(principal=cast.as_bea, user=cast.alice, **who),
    )


def test_two_owners_who_remove_each_other_leave_one(cast, monkeypatch):
    results = remove_each_other(cast, monkeypatch)

    assert [type(error) for error in refusals(results)] == [LastOwner]
    assert Membership.objects.filter(client=cast.client, role="owner").count() == 1


def test_without_the_lock_two_owners_who_remove_each_other_leave_none(cast, monkeypatch):
    monkeypatch.setattr(members, "lock_client", lambda key: Client.objects.get(pk=key))

    results = remove_each_other(cast, monkeypatch)

    assert refusals(results) == []
    assert not Membership.objects.filter(client=cast.client, role="owner").exists()


@pytest.mark.parametrize("round", range(5))
def test_a_contract_signed_by_many_at_once_is_signed_once(cast, round):
    contract = draft_contract(cast)
    sign = [
        lambda: sign_contract(principal=cast.as_alice, contract_id=contract.pk, now=NOW) for _ in range(6)
    ]

    results = together(*sign)

    assert len(refusals(results)) == 5
    assert Contract.objects.get().state == "signed"
    assert Event.objects.filter(type="contract.signed").count() == 1


@pytest.mark.parametrize("round", range(5))
def test_a_delivery_is_accepted_or_objected_to_never_both(cast, round):
    contract = signed_contract(cast)
    delivered_stage(cast, contract)
    stage = stage_named(contract, "S1")
    objection = [{"text": "It is slow."}]

    results = together(
        lambda: accept_delivery(principal=cast.as_alice, stage_id=stage.pk, now=NOW),
        lambda: object_to_delivery(principal=cast.as_cem, stage_id=stage.pk, objections=objection, now=NOW),
        lambda: accept_delivery(principal=cast.as_cem, stage_id=stage.pk, now=NOW),
    )

    assert len(refusals(results)) == 2
    delivery = Delivery.objects.get()
    assert (delivery.accepted_at is None) != (delivery.objected_at is None)
    assert Event.objects.filter(type__in=["stage.accepted", "stage.objected"]).count() == 1


def test_work_delivered_by_many_at_once_is_delivered_once(cast):
    stage = stage_named(signed_contract(cast), "S1")
    start_stage(principal=cast.as_rita, stage_id=stage.pk, now=NOW)

    results = together(
        *[lambda: deliver_stage(principal=cast.as_rita, stage_id=stage.pk, now=NOW) for _ in range(6)]
    )

    assert len(refusals(results)) == 5
    assert Delivery.objects.count() == 1


def test_terms_published_at_once_are_numbered_without_gap(cast):
    contract = signed_contract(cast)

    results = together(
        *[
            lambda days=days: publish_terms(
                principal=cast.as_rita, contract_id=contract.pk, terms={"window_days": days}, now=NOW
            )
            for days in range(4, 12)
        ]
    )

    assert refusals(results) == []
    versions = RefundTerms.objects.order_by("version").values_list("version", flat=True)
    assert list(versions) == list(range(1, 10))


def test_contracts_made_at_once_have_numbers_of_their_own(cast):
    results = together(*[lambda: draft_contract(cast) for _ in range(6)])

    assert len({contract.number for contract in results}) == 6


def test_an_invitation_used_twice_at_once_works_once(cast):
    dora = create_user(email="dora@acme.example", name="Dora")
    invitation = invite_member(
        principal=cast.as_alice, client_id=cast.client.pk, email=dora.email, role="viewer", now=NOW
    )
    token, later = invitation_token(invitation.pk), NOW + timedelta(hours=1)

    results = together(
        *[lambda: accept_invitation(principal=Principal(user=dora), token=token, now=later) for _ in range(4)]
    )

    assert len(refusals(results)) == 3
    assert Membership.objects.filter(user=dora).count() == 1
