"""Clients, their members and their systems."""

from datetime import timedelta

import pytest

from accounts.principals import SYSTEM, Principal
from accounts.services import EmailTaken, create_user
from contracts.models import ClientGrant, Invitation, Membership
from contracts.selectors import clients_of, role_of, usable_invitation
from contracts.services import (
    accept_invitation,
    add_member,
    change_member,
    create_client,
    grant_client,
    invite_member,
    join_by_invitation,
    remove_member,
    revoke_client,
    update_client,
)
from contracts.services.invitations import TooManyInvitations, invitation_token
from contracts.services.members import AlreadyMember, LastOwner
from contracts.tests.cast import NOW
from events.models import Event
from kernel.errors import InvalidInput, NotFoundOrHidden, NotPermitted

pytestmark = pytest.mark.django_db


def member(cast, user):
    return {"client_id": cast.client.pk, "user": user, "now": NOW}


def test_a_client_is_entered_with_its_address_in_lower_case(cast):
    client = create_client(
        principal=cast.as_rita, kind="consumer", name=" Lena ", email="L@X.Example", now=NOW
    )

    assert (client.kind, client.name, client.email, client.language) == (
        "consumer",
        "Lena",
        "l@x.example",
        "en",
    )
    assert Event.objects.get(type="client.created", subject_id=client.pk).data == {"kind": "consumer"}


def test_all_faults_of_a_client_are_told_at_once(cast):
    with pytest.raises(InvalidInput) as caught:
        create_client(principal=cast.as_rita, kind="state", name="", email="nobody", language="xx", now=NOW)

    assert [fault.path for fault in caught.value.faults] == ["kind", "name", "email", "language"]


@pytest.mark.parametrize("who", ["as_alice", "as_mallory", "as_finn", "as_ada"])
def test_only_those_who_do_contract_work_enter_clients(cast, who):
    with pytest.raises(NotPermitted):
        create_client(principal=getattr(cast, who), kind="business", name="X", email="x@x.example", now=NOW)


def test_an_owner_changes_the_clients_address_but_not_what_it_is(cast):
    update_client(principal=cast.as_alice, client_id=cast.client.pk, now=NOW, address="Hill 1\nTown")

    cast.client.refresh_from_db()
    assert cast.client.address == "Hill 1\nTown"
    assert Event.objects.get(type="client.changed").data == {"fields": ["address"]}
    with pytest.raises(InvalidInput):
        update_client(principal=cast.as_alice, client_id=cast.client.pk, now=NOW, kind="consumer")
    with pytest.raises(NotPermitted):
        update_client(principal=cast.as_bea, client_id=cast.client.pk, now=NOW, address="")
    with pytest.raises(NotFoundOrHidden):
        update_client(principal=cast.as_mallory, client_id=cast.client.pk, now=NOW, address="")


def test_saying_the_same_again_changes_nothing_and_tells_nothing(cast):
    update_client(principal=cast.as_alice, client_id=cast.client.pk, now=NOW, name="Acme")

    assert not Event.objects.filter(type="client.changed").exists()


def test_an_owner_adds_changes_and_removes_a_member(cast):
    dora = create_user(email="dora@acme.example", name="Dora")

    add_member(principal=cast.as_alice, role="viewer", **member(cast, dora))
    assert role_of(dora, cast.client) == "viewer"
    change_member(principal=cast.as_alice, role="requester", **member(cast, dora))
    assert role_of(dora, cast.client) == "requester"
    remove_member(principal=cast.as_alice, **member(cast, dora))
    assert role_of(dora, cast.client) is None

    told = Event.objects.filter(type__startswith="member.", data__user=str(dora.pk))
    assert sorted(told.values_list("type", flat=True)) == ["member.added", "member.changed", "member.removed"]


@pytest.mark.parametrize("who", ["as_bea", "as_cem", "as_finn"])
def test_members_who_are_no_owners_manage_nobody(cast, who):
    principal = getattr(cast, who)

    with pytest.raises(NotPermitted):
        add_member(principal=principal, role="owner", **member(cast, cast.mallory))
    with pytest.raises(NotPermitted):
        change_member(principal=principal, role="owner", **member(cast, cast.bea))
    with pytest.raises(NotPermitted):
        remove_member(principal=principal, **member(cast, cast.alice))
    with pytest.raises(NotPermitted):
        invite_member(
            principal=principal, client_id=cast.client.pk, email="m@other.example", role="owner", now=NOW
        )


def test_for_mallory_there_is_no_such_client(cast):
    for act in (
        lambda: add_member(principal=cast.as_mallory, role="owner", **member(cast, cast.mallory)),
        lambda: remove_member(principal=cast.as_mallory, **member(cast, cast.alice)),
        lambda: invite_member(
            principal=cast.as_mallory, client_id=cast.client.pk, email="m@x.example", role="owner", now=NOW
        ),
    ):
        with pytest.raises(NotFoundOrHidden):
            act()


def test_the_last_owner_stays(cast):
    with pytest.raises(LastOwner):
        remove_member(principal=cast.as_alice, **member(cast, cast.alice))
    with pytest.raises(LastOwner):
        change_member(principal=cast.as_alice, role="viewer", **member(cast, cast.alice))

    change_member(principal=cast.as_alice, role="owner", **member(cast, cast.bea))
    remove_member(principal=cast.as_alice, **member(cast, cast.alice))

    assert Membership.objects.get(client=cast.client, role="owner").user == cast.bea


def test_an_owner_who_cannot_sign_in_does_not_count_as_the_one_who_stays(cast):
    change_member(principal=cast.as_alice, role="owner", **member(cast, cast.bea))
    cast.bea.is_active = False
    cast.bea.save()

    with pytest.raises(LastOwner):
        remove_member(principal=cast.as_alice, **member(cast, cast.alice))


def test_a_person_is_a_member_once(cast):
    with pytest.raises(AlreadyMember):
        add_member(principal=cast.as_alice, role="owner", **member(cast, cast.bea))
    with pytest.raises(InvalidInput):
        add_member(principal=cast.as_alice, role="king", **member(cast, cast.mallory))


def invite(cast, email="dora@acme.example", *, now=NOW, role="requester"):
    invitation = invite_member(
        principal=cast.as_alice, client_id=cast.client.pk, email=email, role=role, now=now
    )
    return invitation, invitation_token(invitation.pk)


def test_an_invitation_makes_a_new_person_a_member_once(cast):
    _, token = invite(cast, "Dora@Acme.example")

    dora = join_by_invitation(token=token, name="Dora", password=None, now=NOW + timedelta(days=6))

    assert (dora.email, role_of(dora, cast.client)) == ("dora@acme.example", "requester")
    with pytest.raises(NotFoundOrHidden):
        join_by_invitation(token=token, name="Dora", password=None, now=NOW + timedelta(days=6))


@pytest.mark.parametrize(("seconds", "works"), [(-1, True), (0, False)])
def test_an_invitation_works_for_seven_days(cast, seconds, works):
    _, token = invite(cast)
    at = NOW + timedelta(days=7, seconds=seconds)

    if works:
        assert usable_invitation(token, at).email == "dora@acme.example"
    else:
        with pytest.raises(NotFoundOrHidden):
            usable_invitation(token, at)


def test_an_invitation_is_for_its_address_alone(cast):
    _, token = invite(cast)
    dora = create_user(email="dora@acme.example", name="Dora")

    with pytest.raises(NotFoundOrHidden):
        accept_invitation(principal=cast.as_mallory, token=token, now=NOW)
    with pytest.raises(EmailTaken):
        join_by_invitation(token=token, name="Dora", password=None, now=NOW)
    accept_invitation(principal=Principal(user=dora), token=token, now=NOW)

    assert role_of(dora, cast.client) == "requester"
    assert role_of(cast.mallory, cast.client) is None


def test_the_database_holds_only_the_hash_of_an_invitation(cast):
    invitation, token = invite(cast)

    row = Invitation.objects.filter(pk=invitation.pk).values().get()
    assert token not in str(row)
    assert token not in str(list(Event.objects.values_list("data", flat=True)))


def test_a_new_invitation_to_the_same_address_replaces_the_old_one(cast):
    _, first = invite(cast)
    _, second = invite(cast, now=NOW + timedelta(hours=1))

    with pytest.raises(NotFoundOrHidden):
        usable_invitation(first, NOW + timedelta(hours=2))
    assert usable_invitation(second, NOW + timedelta(hours=2))


def test_a_client_cannot_be_used_to_send_invitations_without_end(cast):
    for number in range(50):
        invite(cast, f"p{number}@acme.example")

    with pytest.raises(TooManyInvitations):
        invite(cast, "one.more@acme.example")


@pytest.mark.parametrize("token", ["", "x", "\ud800", "0" * 64])
def test_a_token_that_was_never_given_out_finds_nothing(cast, token):
    with pytest.raises(NotFoundOrHidden):
        usable_invitation(token, NOW)


def test_a_system_sees_what_was_granted_and_no_longer_what_was_taken_away(cast):
    assert list(clients_of(cast.as_erp)) == [cast.client]

    grant_client(api_client=cast.erp, client_id=cast.client.pk, now=NOW)
    grant_client(api_client=cast.erp, client_id=cast.other_client.pk, now=NOW, principal=cast.as_rita)
    assert set(clients_of(cast.as_erp)) == {cast.client, cast.other_client}
    assert ClientGrant.objects.count() == 2

    revoke_client(api_client=cast.erp, client_id=cast.client.pk, now=NOW)
    assert list(clients_of(cast.as_erp)) == [cast.other_client]


def test_a_system_never_widens_its_own_reach(cast):
    with pytest.raises(NotPermitted):
        grant_client(api_client=cast.erp, client_id=cast.client.pk, now=NOW, principal=cast.as_erp)
    with pytest.raises(NotPermitted):
        grant_client(api_client=cast.erp, client_id=cast.client.pk, now=NOW, principal=cast.as_alice)


def test_a_system_that_is_switched_off_sees_nothing(cast):
    cast.erp.all_clients = True
    assert clients_of(cast.as_erp).count() == 2
    cast.erp.is_active = False

    assert not clients_of(cast.as_erp).exists()


def test_staff_and_the_portal_itself_see_every_client(cast):
    assert clients_of(cast.as_ada).count() == clients_of(SYSTEM).count() == 2


def test_a_person_who_may_no_longer_sign_in_sees_nothing(cast):
    for person in (cast.alice, cast.rita):
        person.is_active = False
        person.save()
        assert not clients_of(Principal(user=person)).exists()
