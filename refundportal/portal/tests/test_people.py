"""People: owners invite, change and remove them; a link lets in one person, once."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core import mail
from django.test import Client as Browser
from django.utils import translation

from accounts.models import User
from contracts.models import Invitation, Membership
from contracts.selectors import role_of
from contracts.services import invite_member
from contracts.services.invitations import invitation_token
from events.journal import sequence_events
from events.models import Event
from events.outbox import deliver_due
from refundportal.portal.tests.visiting import Visitor, queries_of, words
from refunds.tests.scene import LATER, Scene

CLOSED = "This invitation cannot be used"
TYPED = {"name": "Dora Novak", "password": "a long walk in the rain"}


@pytest.fixture
def alice(scene: Scene) -> Visitor:
    return Visitor(scene.cast.alice)


def people_of(scene: Scene) -> str:
    return f"/clients/{scene.cast.client.pk}/people/"


def invited(scene: Scene, email: str = "dora@acme.example", role: str = "requester") -> str:
    """Invite somebody; give the path of the link."""
    made = invite_member(
        principal=scene.cast.as_alice, client_id=scene.cast.client.pk, email=email, role=role, now=LATER
    )
    return f"/join/{invitation_token(made.pk)}/"


def test_alice_sees_everybody_with_role_and_address(scene: Scene, alice: Visitor):
    text = words(alice.get(people_of(scene)))

    assert "Alice owner, you alice@acme.example" in text
    assert "Bea viewer bea@acme.example" in text
    assert "mallory" not in text


def test_the_way_to_people_is_shown_to_owners_alone(scene: Scene, alice: Visitor):
    link, contract = people_of(scene), f"/contracts/{scene.contract.number}/"

    shown = [link in alice.get(page).content.decode() for page in ("/you/", contract)]
    hidden = [link in Visitor(scene.cast.cem).get(page).content.decode() for page in ("/you/", contract)]

    assert (shown, hidden) == ([True, True], [False, False])


def test_an_invitation_goes_out_by_e_mail_and_its_link_lets_a_new_person_in(
    scene: Scene, alice: Visitor, settings
):
    answer = alice.post(people_of(scene), {"email": "Dora@Acme.example", "role": "requester"})
    sequence_events(1000)
    deliver_due(now=LATER)
    message = next(sent for sent in mail.outbox if sent.to == ["dora@acme.example"])
    link = re.search(r"http\S+/join/\S+", message.body)[0]
    dora = Browser()
    path = link.removeprefix(settings.BASE_URL)
    opened = words(dora.get(path))

    joined = dora.post(path, TYPED)

    assert answer.headers["Location"] == people_of(scene)
    assert message.subject == "Alice invites you to act for Acme"
    assert "until the end of June 7, 2026" in message.body
    assert link in message.alternatives[0][0]
    assert "You are invited to act for Acme Your role: requester." in opened
    user = User.objects.get(email="dora@acme.example")
    assert joined.headers["Location"] == "/"
    assert (user.name, user.check_password(TYPED["password"])) == ("Dora Novak", True)
    assert role_of(user, scene.cast.client) == "requester"
    assert "Welcome. You now act for Acme." in words(dora.get("/"))


def test_the_e_mail_reads_in_the_language_of_the_client(scene: Scene, alice: Visitor):
    scene.cast.client.language = "de"
    scene.cast.client.save()
    alice.post(people_of(scene), {"email": "dora@acme.example", "role": "viewer"})
    sequence_events(1000)

    with translation.override("en"):
        deliver_due(now=LATER)

    message = next(sent for sent in mail.outbox if sent.to == ["dora@acme.example"])
    assert '<html lang="de">' in message.alternatives[0][0]


def test_a_person_who_has_an_account_joins_with_one_button(scene: Scene):
    path = invited(scene, email=scene.cast.mallory.email)
    mallory = Visitor(scene.cast.mallory)

    asked = words(mallory.get(path))
    mallory.post(path)

    assert "Choose a password" not in asked
    assert role_of(scene.cast.mallory, scene.cast.client) == "requester"


def test_a_known_person_who_is_not_signed_in_is_asked_to_sign_in_first(scene: Scene):
    path = invited(scene, email=scene.cast.mallory.email)

    answer = Browser().post(path, TYPED)

    assert "You have an account already." in words(answer)
    assert f"/account/login/?next={path}" in answer.content.decode()
    assert role_of(scene.cast.mallory, scene.cast.client) is None
    assert not User.objects.get(pk=scene.cast.mallory.pk).check_password(TYPED["password"])


def test_a_link_is_for_the_address_it_was_sent_to(scene: Scene):
    path = invited(scene)
    mallory = Visitor(scene.cast.mallory)

    answers = [mallory.get(path), mallory.post(path)]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert "dora@acme.example" not in answers[0].content.decode()
    assert role_of(scene.cast.mallory, scene.cast.client) is None
    assert Invitation.objects.get().used_at is None


def test_unknown_used_replaced_and_old_links_get_the_same_answer(scene: Scene, clock):
    used, replaced, old = invited(scene), invited(scene, "eva@acme.example"), invited(scene, "f@acme.example")
    Browser().post(used, TYPED)
    invited(scene, "eva@acme.example")
    Invitation.objects.filter(email="f@acme.example").update(expires_at=LATER)

    answers = [Browser().get(path) for path in (used, replaced, old, f"/join/{'0' * 64}/", "/join/x/")]
    sent = [Browser().post(path, TYPED) for path in (used, replaced, old)]

    assert {answer.status_code for answer in [*answers, *sent]} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert CLOSED in words(answers[0])
    assert User.objects.filter(name="Dora Novak").count() == 1


def test_a_link_works_until_its_last_second(scene: Scene, clock):
    path = invited(scene)

    clock.move_to(LATER + timedelta(days=7) - timedelta(microseconds=1))
    last = Browser().get(path).status_code
    clock.move_to(LATER + timedelta(days=7))

    assert (last, Browser().get(path).status_code) == (200, 404)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"name": ""}, "This field is required."),
        ({"password": "short"}, "at least 10 characters"),
        ({"password": "dora@acme.example"}, "too similar"),
    ],
)
def test_a_new_person_needs_a_name_and_a_password_that_holds(scene: Scene, typed, said):
    answer = Browser().post(invited(scene), TYPED | typed)

    assert said in words(answer)
    assert not User.objects.filter(email="dora@acme.example").exists()


def test_a_page_that_is_only_opened_uses_no_invitation_up_and_is_kept_nowhere(scene: Scene):
    path = invited(scene)

    answer = Browser().get(path)

    assert Invitation.objects.get().used_at is None
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["Referrer-Policy"] == "same-origin"


def test_inviting_a_member_is_refused_kindly_and_inviting_does_not_tell_who_has_an_account(
    scene: Scene, alice: Visitor
):
    member = alice.post(people_of(scene), {"email": "bea@acme.example", "role": "viewer"})
    known = alice.post(people_of(scene), {"email": scene.cast.mallory.email, "role": "viewer"})
    unknown = alice.post(people_of(scene), {"email": "nobody@acme.example", "role": "viewer"})

    assert "This person is one of you already." in words(member)
    assert (known.status_code, known.headers["Location"]) == (302, people_of(scene))
    assert (unknown.status_code, unknown.headers["Location"]) == (302, people_of(scene))


@pytest.mark.parametrize("typed", [{"email": "no address"}, {"role": "king"}, {"email": ""}])
def test_odd_invitations_are_not_sent(scene: Scene, alice: Visitor, typed):
    answer = alice.post(people_of(scene), {"email": "dora@acme.example", "role": "viewer"} | typed)

    assert "Please look at this again" in words(answer)
    assert not Invitation.objects.exists()


def test_alice_changes_a_role_and_removes_a_member(scene: Scene, alice: Visitor):
    cast = scene.cast
    alice.post(f"{people_of(scene)}{cast.bea.pk}/", {"role": "requester"})
    changed = role_of(cast.bea, cast.client)
    asked = words(alice.get(f"{people_of(scene)}{cast.cem.pk}/remove/"))

    answer = alice.post(f"{people_of(scene)}{cast.cem.pk}/remove/")

    assert changed == "requester"
    assert "Shall Cem no longer act for Acme?" in asked
    assert answer.headers["Location"] == people_of(scene)
    assert role_of(cast.cem, cast.client) is None


def test_the_last_owner_stays(scene: Scene, alice: Visitor):
    own = f"{people_of(scene)}{scene.cast.alice.pk}/"

    changed = alice.post(own, {"role": "viewer"})
    removed = alice.post(f"{own}remove/", follow=True)

    assert "Please make somebody else an owner first." in words(changed)
    assert "Please make somebody else an owner first." in words(removed)
    assert role_of(scene.cast.alice, scene.cast.client) == "owner"


def test_an_owner_who_steps_back_is_led_to_her_account(scene: Scene, alice: Visitor):
    alice.post(f"{people_of(scene)}{scene.cast.bea.pk}/", {"role": "owner"})

    answer = alice.post(f"{people_of(scene)}{scene.cast.alice.pk}/", {"role": "viewer"})

    assert answer.headers["Location"] == "/you/"
    assert alice.get(people_of(scene)).status_code == 403


@pytest.mark.parametrize("who", ["mallory", None])
def test_who_is_no_member_is_not_found_among_the_members(scene: Scene, alice: Visitor, who):
    person = uuid4() if who is None else getattr(scene.cast, who).pk

    answers = [alice.get(f"{people_of(scene)}{person}/"), alice.post(f"{people_of(scene)}{person}/remove/")]

    assert [answer.status_code for answer in answers] == [404, 404]


def test_inviting_and_joining_need_the_token_of_their_form(scene: Scene):
    alice, stranger = Visitor(scene.cast.alice), Browser(enforce_csrf_checks=True)
    alice.handler.enforce_csrf_checks = True
    path = invited(scene)

    sent = alice.post(people_of(scene), {"email": "eva@acme.example", "role": "viewer"})

    assert (sent.status_code, stranger.post(path, TYPED).status_code) == (403, 403)
    assert Invitation.objects.get().used_at is None


def test_the_page_asks_the_same_number_of_queries_for_few_and_many(scene: Scene, alice: Visitor):
    invited(scene, "first@acme.example")
    few = queries_of(alice, people_of(scene))
    for number in range(7):
        invited(scene, f"p{number}@acme.example")
        user = User.objects.create_user(f"m{number}@acme.example", name="M")
        Membership.objects.create(client=scene.cast.client, user=user, role="viewer", created_at=LATER)

    assert few == queries_of(alice, people_of(scene)) == 6


def test_an_owner_withdraws_an_invitation_and_its_link_no_longer_works(scene: Scene):
    path = invited(scene)
    found = Invitation.objects.get()
    withdraw = f"/clients/{scene.cast.client.pk}/invitations/{found.pk}/withdraw/"
    assert Visitor(scene.cast.cem).post(withdraw).status_code == 403
    assert Visitor(scene.cast.mallory).post(withdraw).status_code == 404
    assert Browser().get(path).status_code == 200

    answer = Visitor(scene.cast.alice).post(withdraw)

    assert answer.status_code == 302
    assert Browser().get(path).status_code == 404
    assert Event.objects.get(type="member.invitation_withdrawn").actor_id == scene.cast.alice.pk
    assert Visitor(scene.cast.alice).post(withdraw).status_code == 404
