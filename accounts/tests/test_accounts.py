import base64
from datetime import timedelta

import pytest
from allauth.idp.oidc.models import Token
from django.core import mail
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import groups, scopes, selectors, services
from accounts.models import ApiClient, User
from kernel.errors import InvalidInput, NotFoundOrHidden

pytestmark = pytest.mark.django_db
TOKEN = "/identity/o/api/token"


def rita(**fields):
    return services.create_user(
        **{
            "email": "rita@example.com",
            "name": "Rita",
            "is_staff": True,
            "groups": [groups.REVIEWER],
            **fields,
        }
    )


def erp(**fields):
    return services.create_api_client(**{"name": "erp", "scopes": [scopes.PAYMENTS_WRITE], **fields})


def ask_for_token(client, api_client, secret, **fields):
    basic = base64.b64encode(f"{api_client.oauth_client_id}:{secret}".encode()).decode()
    data = {"grant_type": "client_credentials", **fields}
    return client.post(TOKEN, data, headers={"Authorization": f"Basic {basic}"})


def test_a_person_is_found_by_the_address_in_any_case():
    alice = services.create_user(email=" Alice@Example.COM ", name="Alice")

    assert alice.email == "alice@example.com"
    assert selectors.user_with_email("ALICE@example.com") == alice
    assert User.objects.get_by_natural_key("Alice@example.com") == alice


def test_one_address_is_one_person():
    services.create_user(email="alice@example.com", name="Alice")

    with pytest.raises(services.EmailTaken):
        services.create_user(email="ALICE@example.com", name="Mallory")


def test_the_database_keeps_addresses_in_lower_case():
    alice = services.create_user(email="alice@example.com", name="Alice")

    with pytest.raises(IntegrityError, match="emails_are_in_lower_case"), transaction.atomic():
        User.objects.filter(pk=alice.pk).update(email="Alice@example.com")


@pytest.mark.parametrize(
    ("fields", "paths"),
    [
        ({"email": "nobody"}, ["email"]),
        ({"name": " "}, ["name"]),
        ({"groups": ["Treasurer"]}, ["groups"]),
        ({"is_staff": False}, ["groups"]),
        ({"email": "", "name": ""}, ["email", "name"]),
    ],
)
def test_a_person_with_faults_is_refused_with_all_of_them(fields, paths):
    with pytest.raises(InvalidInput) as refused:
        rita(**fields)

    assert [fault.path for fault in refused.value.faults] == paths
    assert not User.objects.exists()


def test_a_person_who_was_switched_off_is_not_found():
    alice = services.create_user(email="alice@example.com", name="Alice")
    User.objects.filter(pk=alice.pk).update(is_active=False)

    with pytest.raises(NotFoundOrHidden):
        selectors.active_user(alice.pk)


def test_alice_signs_in_with_her_password(client):
    services.create_user(email="alice@example.com", name="Alice", password="correct horse battery")

    client.post("/account/login/", {"login": "Alice@example.com", "password": "correct horse battery"})

    assert "_auth_user_id" in client.session


def test_alice_gets_a_code_by_mail(client):
    services.create_user(email="alice@example.com", name="Alice")

    client.post("/account/login/code/", {"email": "alice@example.com"})

    assert [message.to for message in mail.outbox] == [["alice@example.com"]]


def test_nobody_signs_up_alone(client):
    client.post(
        "/account/signup/",
        {"email": "mallory@example.com", "password1": "correct horse battery"},
    )

    assert not User.objects.exists()


def test_a_system_gets_a_token_that_speaks_for_it(client):
    api_client, secret = erp()

    answer = ask_for_token(client, api_client, secret)

    assert answer.status_code == 200
    bearer = selectors.bearer_of(answer.json()["access_token"])
    assert (bearer.api_client, bearer.scopes) == (api_client, {scopes.PAYMENTS_WRITE})


def test_a_token_carries_only_the_scopes_asked_for(client):
    api_client, secret = erp(scopes=[scopes.PAYMENTS_WRITE, scopes.PAYMENTS_READ])

    token = ask_for_token(client, api_client, secret, scope=scopes.PAYMENTS_READ).json()["access_token"]

    assert selectors.bearer_of(token).scopes == {scopes.PAYMENTS_READ}


def test_a_scope_that_was_not_granted_is_refused(client):
    api_client, secret = erp()

    answer = ask_for_token(client, api_client, secret, scope=scopes.REFUNDS_WRITE)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


def test_a_scope_taken_away_is_gone_from_living_tokens(client):
    api_client, secret = erp(scopes=[scopes.PAYMENTS_WRITE, scopes.PAYMENTS_READ])
    token = ask_for_token(client, api_client, secret).json()["access_token"]

    api_client.oauth_client.set_scopes([scopes.PAYMENTS_READ])
    api_client.oauth_client.save()

    assert selectors.bearer_of(token).scopes == {scopes.PAYMENTS_READ}


@pytest.mark.parametrize(
    "fields",
    [
        {"grant_type": "password", "username": "alice@example.com", "password": "correct horse battery"},
        {"grant_type": "authorization_code", "code": "x"},
        {"grant_type": "refresh_token", "refresh_token": "x"},
        {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": "x"},
        {"grant_type": ""},
    ],
)
def test_every_grant_but_client_credentials_is_refused(client, fields):
    services.create_user(email="alice@example.com", name="Alice", password="correct horse battery")
    api_client, secret = erp()

    answer = ask_for_token(client, api_client, secret, **fields)

    assert answer.status_code in (400, 401)
    assert not Token.objects.exists()


@pytest.mark.parametrize("address", ["authorize", "device", "logout", "api/device/code", "api/userinfo"])
def test_other_parts_of_an_identity_provider_have_no_address(client, address):
    assert client.get(f"/identity/o/{address}").status_code == 404


def test_a_wrong_secret_gets_no_token(client):
    api_client, _ = erp()

    assert ask_for_token(client, api_client, "wrong").status_code == 401


def test_a_secret_in_the_address_is_no_secret(client):
    api_client, secret = erp()

    answer = client.post(
        f"{TOKEN}?client_id={api_client.oauth_client_id}&client_secret={secret}&grant_type=client_credentials"
    )

    assert answer.status_code in (400, 401)
    assert not Token.objects.exists()


def test_a_client_that_was_switched_off_has_no_access_and_gets_no_token(client):
    api_client, secret = erp()
    token = ask_for_token(client, api_client, secret).json()["access_token"]

    services.switch_off_api_client(api_client=api_client)

    assert selectors.bearer_of(token) is None
    again = ask_for_token(client, api_client, secret)
    assert again.status_code >= 400 or selectors.bearer_of(again.json()["access_token"]) is None


@pytest.mark.parametrize("seconds_left", [0, -1])
def test_a_token_past_its_time_gives_no_access(client, seconds_left):
    api_client, secret = erp()
    token = ask_for_token(client, api_client, secret).json()["access_token"]

    Token.objects.update(expires_at=timezone.now() + timedelta(seconds=seconds_left))

    assert selectors.bearer_of(token) is None


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}])
def test_a_client_that_counts_as_a_person_ends_with_the_person(client, change):
    person = rita()
    api_client, secret = erp(scopes=[scopes.REFUNDS_DECIDE], staff_user=person)
    token = ask_for_token(client, api_client, secret).json()["access_token"]
    assert selectors.bearer_of(token).api_client.staff_user == person

    User.objects.filter(pk=person.pk).update(**change)

    assert selectors.bearer_of(token) is None


@pytest.mark.parametrize("token", ["", "x", "ey.a.b", "\x00", "ü" * 300])
def test_what_is_no_token_gives_no_access(token):
    assert selectors.bearer_of(token) is None


def test_finding_out_who_calls_takes_one_query(client, django_assert_num_queries):
    api_client, secret = erp(scopes=[scopes.REFUNDS_DECIDE], staff_user=rita())
    token = ask_for_token(client, api_client, secret).json()["access_token"]

    with django_assert_num_queries(1):
        bearer = selectors.bearer_of(token)
        assert bearer.api_client.staff_user.is_active


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"name": ""}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["money:print"]}, "scopes"),
        ({"scopes": [scopes.REFUNDS_DECIDE]}, "staff_user"),
    ],
)
def test_a_system_with_faults_is_refused(fields, path):
    with pytest.raises(InvalidInput) as refused:
        erp(**fields)

    assert [fault.path for fault in refused.value.faults] == [path]
    assert not ApiClient.objects.exists()


def test_the_secret_is_not_kept():
    api_client, secret = erp()

    assert secret not in api_client.oauth_client.secret


def test_what_is_past_its_time_is_forgotten_and_the_rest_stays(client):
    api_client, secret = erp()
    ask_for_token(client, api_client, secret)
    ask_for_token(client, api_client, secret)
    Token.objects.filter(pk=Token.objects.earliest("pk").pk).update(expires_at=timezone.now())

    services.purge_old_records(now=timezone.now())

    assert Token.objects.count() == 1
