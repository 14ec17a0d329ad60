import pytest
from django.contrib.auth.models import Group

from accounts import groups
from accounts.models import User

pytestmark = pytest.mark.django_db


def person(**fields) -> User:
    return User.objects.create_user("rita@example.com", name="Rita", **fields)


def test_the_staff_groups_stand_after_the_migrations():
    assert set(Group.objects.values_list("name", flat=True)) >= set(groups.GROUP_NAMES)


def test_making_the_groups_again_changes_nothing():
    before = list(Group.objects.order_by("pk").values_list("pk", "name"))

    groups.create_groups("default")

    assert list(Group.objects.order_by("pk").values_list("pk", "name")) == before


def test_a_group_that_was_lost_comes_back():
    Group.objects.filter(name=groups.FINANCE).delete()

    groups.create_groups("default")

    assert Group.objects.filter(name=groups.FINANCE).count() == 1


RIGHTS = [
    (groups.REVIEWER, groups.is_reviewer),
    (groups.APPROVER, groups.is_approver),
    (groups.FINANCE, groups.is_finance),
    (groups.AUDITOR, groups.is_auditor),
]


@pytest.mark.parametrize(("name", "right"), RIGHTS)
def test_a_right_comes_with_its_group_and_no_other(name, right):
    rita = person()

    rita.groups.add(Group.objects.get(name=name))

    assert [other(rita) for _, other in RIGHTS] == [other is right for _, other in RIGHTS]


@pytest.mark.parametrize(("name", "right"), RIGHTS)
def test_a_superuser_has_no_right_by_being_one(name, right):
    root = User.objects.create_superuser("root@example.com", "a long password", name="Root")

    assert not right(root)


@pytest.mark.parametrize(("name", "right"), RIGHTS)
def test_a_person_who_may_not_sign_in_has_no_right(name, right):
    rita = person(is_active=False)

    rita.groups.add(Group.objects.get(name=name))

    assert not right(rita)


@pytest.mark.parametrize(("name", "right"), RIGHTS)
def test_a_right_taken_away_is_gone_at_once(name, right):
    rita = person()
    rita.groups.add(Group.objects.get(name=name))
    assert right(rita)

    rita.groups.clear()

    assert not right(rita)
