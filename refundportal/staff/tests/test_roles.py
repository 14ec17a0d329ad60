"""Groups of staff: given and taken by two people, neither of them the one it is about."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts.groups import APPROVER, AUDITOR, FINANCE
from accounts.models import RoleChange, User
from accounts.principals import Principal
from accounts.roles import (
    AboutOneself,
    RoleChangeOpen,
    change_role,
    confirm_role_change,
    withdraw_role_change,
)
from contracts.tests.cast import NOW, Cast, administrator, make_cast
from events.models import Event
from kernel.errors import InvalidInput, NotFoundOrHidden, NotPermitted, StaleState


@pytest.fixture
def cast(db: None) -> Cast:
    return make_cast()


def change(
    principal: Principal, user: User, group: str = APPROVER, *, gives: bool = True, **other
) -> RoleChange:
    given = {"reason": "She stands in for Arno.", "now": NOW}
    return change_role(principal=principal, user_id=user.pk, group=group, gives=gives, **{**given, **other})


def groups(user: User) -> set[str]:
    return set(user.groups.values_list("name", flat=True))


def test_a_group_of_money_waits_for_a_second_person(cast: Cast):
    boss = administrator("boss")

    waiting = change(boss, cast.rita)
    before = groups(cast.rita)
    confirm_role_change(principal=cast.as_arno, change_id=waiting.pk, now=NOW + timedelta(hours=1))

    assert (before, groups(cast.rita)) == ({"Reviewer"}, {"Reviewer", "Approver"})
    told = [
        (event.type, event.actor_id)
        for event in Event.objects.filter(type__startswith="user.role").order_by("at")
    ]
    assert told == [("user.role_proposed", boss.user.pk), ("user.role_changed", cast.arno.pk)]


def test_taking_a_group_of_money_takes_two_as_well(cast: Cast):
    waiting = change(administrator("boss"), cast.finn, FINANCE, gives=False)
    assert groups(cast.finn) == {"Finance"}

    confirm_role_change(principal=administrator("deputy"), change_id=waiting.pk, now=NOW)

    assert groups(cast.finn) == set()


def test_other_groups_are_given_at_once(cast: Cast):
    change(administrator("boss"), cast.finn, AUDITOR)

    assert groups(cast.finn) == {"Finance", "Auditor"}


def test_nobody_has_a_hand_in_their_own_rights(cast: Cast):
    boss, deputy = administrator("boss"), administrator("deputy")
    with pytest.raises(AboutOneself):
        change(boss, boss.user)
    waiting = change(deputy, boss.user)

    with pytest.raises(AboutOneself):
        confirm_role_change(principal=boss, change_id=waiting.pk, now=NOW)
    with pytest.raises(NotPermitted):
        confirm_role_change(principal=deputy, change_id=waiting.pk, now=NOW)

    assert groups(boss.user) == set()


@pytest.mark.parametrize("name", ["as_rita", "as_finn", "as_ada", "as_alice", "as_erp"])
def test_others_neither_propose_nor_confirm(cast: Cast, name: str):
    waiting = change(administrator("boss"), cast.rita)

    with pytest.raises((NotPermitted, AboutOneself)):
        change(getattr(cast, name), cast.ada)
    with pytest.raises((NotPermitted, AboutOneself)):
        confirm_role_change(principal=getattr(cast, name), change_id=waiting.pk, now=NOW)

    assert groups(cast.rita) == {"Reviewer"}


def test_what_waits_is_confirmed_or_taken_back_once(cast: Cast):
    boss = administrator("boss")
    first = change(boss, cast.rita)
    with pytest.raises(RoleChangeOpen):
        change(boss, cast.rita, FINANCE)
    withdraw_role_change(principal=boss, change_id=first.pk, now=NOW)

    with pytest.raises(StaleState):
        confirm_role_change(principal=cast.as_arno, change_id=first.pk, now=NOW)
    second = change(boss, cast.rita)
    confirm_role_change(principal=cast.as_arno, change_id=second.pk, now=NOW)
    with pytest.raises(StaleState):
        confirm_role_change(principal=cast.as_arno, change_id=second.pk, now=NOW)


@pytest.mark.parametrize(
    "wrong", [{"group": "Boss"}, {"reason": " "}, {"reason": "x" * 501}, {"reason": "\0"}]
)
def test_faults_are_named(cast: Cast, wrong: dict[str, str]):
    with pytest.raises(InvalidInput) as refused:
        change(administrator("boss"), cast.rita, **wrong)

    assert [fault.path for fault in refused.value.faults] == list(wrong)


def test_only_staff_have_groups_and_each_once(cast: Cast):
    boss = administrator("boss")
    with pytest.raises(NotFoundOrHidden):
        change(boss, cast.alice)
    with pytest.raises(StaleState):
        change(boss, cast.arno)
    with pytest.raises(StaleState):
        change(boss, cast.rita, gives=False)


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"confirmed_by": "boss"}, "two_people_change_a_role_of_money"),
        ({"confirmed_by": "rita"}, "nobody_changes_a_role_of_their_own"),
        ({"proposed_by": "rita"}, "nobody_changes_a_role_of_their_own"),
        ({"confirmed_by": "boss", "is_alone": True}, "a_role_of_money_is_not_changed_alone"),
    ],
)
def test_the_database_itself_wants_two(cast: Cast, fields: dict[str, object], constraint: str):
    boss = administrator("boss").user
    people = {"boss": boss, "rita": cast.rita}
    given = {name: people.get(str(value), value) for name, value in fields.items()}

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        RoleChange.objects.create(
            **{
                "user": cast.rita,
                "role": APPROVER,
                "gives": True,
                "is_alone": False,
                "reason": "x",
                "proposed_by": boss,
                "proposed_at": NOW,
                **given,
            }
        )
