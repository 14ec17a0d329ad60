"""Who may call, read anew at every request."""

from datetime import timedelta

import pytest
from allauth.idp.oidc.models import Client as OidcClient
from allauth.idp.oidc.models import Token
from django.test import Client

from accounts.models import ApiClient
from accounts.services import create_api_client, switch_off_api_client
from contracts.models import ClientGrant
from events.models import Event
from refundportal.api.tests.caller import Caller, api_client, token_for

TOKEN = "/identity/o/api/token"


def clients_seen(value):
    return Client().get("/api/v1/clients/", headers={"Authorization": f"Bearer {value}"})


def test_a_system_gets_a_token_by_its_credentials_and_uses_it(cast):
    made, secret = create_api_client(name="erp", scopes=["contracts:read"], all_clients=True)

    answer = Client().post(
        TOKEN,
        {
            "grant_type": "client_credentials",
            "client_id": made.oauth_client_id,
            "client_secret": secret,
            "scope": "contracts:read",
        },
    )

    assert answer.status_code == 200, answer.content
    assert answer.json()["token_type"].lower() == "bearer"
    assert len(clients_seen(answer.json()["access_token"]).json()["results"]) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"client_secret": "wrong"},
        {"scope": "refunds:decide"},
        {"grant_type": "password", "username": "alice@acme.example", "password": "x"},
        {"grant_type": "authorization_code", "code": "x"},
        {"grant_type": "refresh_token", "refresh_token": "x"},
    ],
)
def test_no_token_comes_from_another_grant_a_wrong_secret_or_a_scope_that_was_not_given(cast, changes):
    made, secret = create_api_client(name="erp", scopes=["contracts:read"], all_clients=True)
    credentials = {
        "grant_type": "client_credentials",
        "client_id": made.oauth_client_id,
        "client_secret": secret,
        "scope": "contracts:read",
    }

    answer = Client().post(TOKEN, credentials | changes)

    assert answer.status_code in (400, 401)
    assert not Token.objects.exists()


def test_a_token_that_has_run_out_is_refused(cast):
    made = api_client("contracts:read")

    assert clients_seen(token_for(made, lasts=timedelta(seconds=-1))).status_code == 401


@pytest.mark.parametrize("kind", [Token.Type.REFRESH_TOKEN, Token.Type.AUTHORIZATION_CODE])
def test_another_kind_of_token_gives_no_access(cast, kind):
    value = token_for(api_client("contracts:read"))
    Token.objects.update(type=kind)

    assert clients_seen(value).status_code == 401


def test_a_token_in_the_address_is_none(cast):
    value = token_for(api_client("contracts:read"))

    assert Client().get("/api/v1/clients/", {"access_token": value}).status_code == 401


def test_a_session_of_a_person_opens_nothing(cast, client):
    client.force_login(cast.rita)

    assert client.get("/api/v1/clients/").status_code == 401


def test_a_system_that_is_switched_off_is_refused_at_its_next_call(cast):
    made = api_client("contracts:read")
    value = token_for(made)
    before = clients_seen(value).status_code

    switch_off_api_client(api_client=made)

    assert (before, clients_seen(value).status_code) == (200, 401)


def test_a_flag_taken_away_counts_although_the_token_lives(cast):
    value = token_for(api_client("contracts:read"))
    ApiClient.objects.update(is_active=False)

    assert clients_seen(value).status_code == 401


def test_a_grant_taken_away_counts_at_the_next_call(cast):
    erp = Caller("contracts:read", clients=[cast.client])
    before = erp.get(f"clients/{cast.client.pk}/").status_code

    ClientGrant.objects.filter(api_client=erp.api_client).delete()

    assert (before, erp.get(f"clients/{cast.client.pk}/").status_code) == (200, 404)


def test_a_system_sees_the_clients_that_it_has_entered_and_no_other_system_does(cast):
    crm = Caller("contracts:read", "contracts:write")
    neighbour = Caller("contracts:read", "contracts:write")

    made = crm.post("clients/", {"kind": "business", "name": "New", "email": "new@example.com"}).json()

    assert crm.get(f"clients/{made['id']}/").status_code == 200
    assert [row["id"] for row in crm.get("clients/").json()["results"]] == [made["id"]]
    assert neighbour.get(f"clients/{made['id']}/").status_code == 404
    told = Event.objects.filter(subject_id=made["id"]).order_by("pk").values_list("type", "actor_id")
    assert list(told) == [("client.created", crm.api_client.pk), ("client.granted", crm.api_client.pk)]


def test_a_scope_taken_away_counts_although_the_token_carries_it(cast):
    erp = Caller("contracts:read", "contracts:write", clients=[cast.client])
    oauth = OidcClient.objects.get(pk=erp.api_client.oauth_client_id)
    oauth.set_scopes(["contracts:read"])
    oauth.save()

    answer = erp.patch(f"clients/{cast.client.pk}/", {"name": "New"})

    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")


def test_a_token_for_fewer_scopes_than_the_system_has_does_only_these(cast):
    made = api_client("contracts:read", "contracts:write", all_clients=True)
    value = token_for(made, "contracts:write")

    assert clients_seen(value).status_code == 403


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}])
def test_a_system_bound_to_somebody_who_left_is_refused(cast, change):
    rita = Caller("contracts:read", "refunds:decide", all_clients=True, staff_user=cast.rita)
    before = rita.get("clients/").status_code
    for name, value in change.items():
        setattr(cast.rita, name, value)
    cast.rita.save()

    assert (before, rita.get("clients/").status_code) == (200, 401)


def test_a_group_taken_away_counts_at_the_next_call(cast):
    from contracts.tests.cast import delivered_stage, signed_contract

    delivery = delivered_stage(cast, signed_contract(cast))
    rita = Caller("refunds:decide", all_clients=True, staff_user=cast.rita)
    body = {"values": {"AC-1": "1"}, "reason": "Tested"}
    before = rita.post(f"stages/{delivery.stage_id}/assessments/", body).status_code

    cast.rita.groups.clear()

    after = rita.post(f"stages/{delivery.stage_id}/assessments/", body)
    assert (before, after.status_code, after.json()["code"]) == (201, 403, "not_permitted")


@pytest.mark.parametrize(
    ("header", "challenge"),
    [
        ("Bearer x", 'Bearer realm="api", error="invalid_token"'),
        ("bearer  x", 'Bearer realm="api", error="invalid_token"'),
        ("Basic eDp5", 'Bearer realm="api"'),
        (None, 'Bearer realm="api"'),
    ],
)
def test_only_a_token_that_was_shown_is_called_invalid(client, db, header, challenge):
    answer = client.get("/api/v1/clients/", headers={"Authorization": header} if header else {})

    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, challenge)
