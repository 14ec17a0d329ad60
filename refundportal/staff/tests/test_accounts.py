"""Who may sign in, groups given by two, and the secrets of systems, as staff meet them."""

import re

from accounts.models import ApiClient, User
from contracts.tests.cast import administrator
from refundportal.staff.tests.desk import Desk, hidden, words
from refunds.tests.scene import Scene, again, proposed


def test_a_group_of_money_is_given_by_two_in_the_browser(scene: Scene):
    boss, arno = Desk(administrator("boss").user), Desk(scene.cast.arno)
    rita = scene.cast.rita

    proposed = boss.do(rita, "give-role", group="Approver", reason="She stands in for Arno.")
    own = boss.look(rita, "confirm-role")
    waiting = hidden(arno.look(rita, "confirm-role"), "change")
    forged = Desk(rita).do(rita, "confirm-role", change=waiting)
    before = {group.name for group in rita.groups.all()}
    confirmed = arno.do(rita, "confirm-role", change=waiting)

    assert (proposed.status_code, forged.status_code, confirmed.status_code) == (302, 403, 302)
    assert "You proposed it: somebody else confirms." in words(own)
    assert before == {"Reviewer"}
    assert set(rita.groups.values_list("name", flat=True)) == {"Reviewer", "Approver"}
    assert "She stands in for Arno." in words(boss.open(rita))


def test_a_system_is_entered_and_its_secret_shown_once(scene: Scene):
    boss = Desk(administrator("boss").user)

    page = boss.post(
        "/admin/accounts/apiclient/new/", {"name": "crm", "scopes": ["contracts:read", "usage:write"]}
    )
    system = ApiClient.objects.get(name="crm")
    secret = re.search(r"client_secret</dt><dd><code>([^<]+)<", page.content.decode())[1]

    assert system.oauth_client.check_secret(secret)
    assert "no-store" in page["Cache-Control"]
    assert secret not in boss.open(system).content.decode()
    granted = boss.do(system, "grant", client="office@acme.example")
    assert (granted.status_code, system.grants.get().client) == (302, scene.cast.client)
    renewed = boss.do(system, "renew-secret")
    assert "client_secret" in renewed.content.decode()
    system.oauth_client.refresh_from_db()
    assert not system.oauth_client.check_secret(secret)


def test_who_has_not_shown_who_they_are_of_late_does_it_before_money_moves(scene: Scene, clock):
    request = proposed(scene)
    arno = Desk(scene.cast.arno)
    clock.shift(3600)

    page = arno.look(request, "approve")
    forged = arno.do(request, "approve", proposal=str(request.proposals.get().pk))

    assert "Please sign in once more" in words(page)
    assert "Please sign in once more" in words(forged)
    assert again(request).state == "proposed"


def test_a_member_of_staff_is_entered_in_no_group(scene: Scene):
    boss = Desk(administrator("boss").user)
    entered = {
        "email": "Sam@company.example",
        "name": "Sam",
        "language": "en",
        "groups": "1",
        "is_superuser": "on",
    }

    answer = boss.post("/admin/accounts/user/new/", entered)
    again = boss.post("/admin/accounts/user/new/", entered)

    person = User.objects.get(email="sam@company.example")
    assert (answer.status_code, again.status_code) == (302, 409)
    assert (person.is_staff, person.is_superuser, person.groups.count()) == (True, False, 0)
    assert not person.has_usable_password()
