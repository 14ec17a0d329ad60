"""Forged forms: every act of every record by who may do none, and every method that no page uses."""

import pytest

from accounts.models import User
from refundportal.staff.acts import ActingAdmin
from refundportal.staff.site import site
from refundportal.staff.tests import test_matrix
from refundportal.staff.tests.desk import Desk
from refundportal.staff.tests.test_matrix import OUTSIDERS, TABLE, address, everything, rows
from refunds.tests.scene import Scene

people = test_matrix.people

ANYTHING = {
    "confirmed": "1",
    "reason": "x",
    "note": "x",
    "body": "x",
    "question": "x",
    "holds": "yes",
    "excluded": "yes",
    "amount": "1.00",
    "role": "Approver",
    "name": "x",
}
"""Fields that the forms of acts ask for, so that a refusal is one of the act and not of its form."""


@pytest.mark.parametrize("name", ["ada", *OUTSIDERS])
def test_who_only_reads_or_is_in_no_group_does_no_act_of_any_record(
    scene: Scene, people: dict[str, User], name: str
):
    found = rows(scene)
    desk = Desk(people[name])
    before = everything()
    given = {}

    for model, one in site._registry.items():
        key = f"{model._meta.app_label}/{model._meta.model_name}"
        if not isinstance(one, ActingAdmin) or (name == "super" and key.startswith("accounts/")):
            continue
        for act in one.acts:
            place = address(f"{key}/<uuid:row_id>/do/{act.name}/", found)
            given[place] = desk.post(place, ANYTHING).status_code

    allowed = (403, 422) if name == "ada" else (403,)
    assert [one for one in given.items() if one[1] not in allowed] == []
    assert len(given) >= 40 - 10 * (name == "super")
    assert everything() == before


@pytest.mark.parametrize("method", ["put", "patch", "delete", "trace"])
def test_other_methods_do_nothing_anywhere(scene: Scene, people: dict[str, User], method: str):
    found = rows(scene)
    desk = Desk(people["arno"])
    before = everything()

    given = {route: getattr(desk, method)(address(route, found)).status_code for route in TABLE}

    assert {route: code for route, code in given.items() if code >= 500} == {}
    assert everything() == before
