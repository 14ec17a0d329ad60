"""Other systems: entered and stopped by administrators, let in by the person that they count as."""

import pytest

from accounts.models import ApiClient
from accounts.principals import Principal
from accounts.selectors import bearer_of
from accounts.systems import (
    enter_system,
    let_system_act,
    renew_secret,
    switch_off_system,
    switch_on_system,
)
from contracts.services import create_client
from contracts.tests.cast import NOW, Cast, administrator, make_cast
from events.models import Event
from kernel.errors import InvalidInput, NotPermitted, StaleState
from refundportal.api.tests.caller import token_for


@pytest.fixture
def cast(db: None) -> Cast:
    return make_cast()


def entered(**fields) -> ApiClient:
    given = {"name": "crm", "scopes": ["contracts:read"], "now": NOW}
    return enter_system(principal=administrator("boss"), **{**given, **fields})[0]


def test_a_system_calls_with_its_secret_at_once(cast: Cast):
    system, secret = enter_system(
        principal=administrator("boss"), name="crm", scopes=["contracts:read"], now=NOW
    )

    assert system.is_active
    assert system.oauth_client.check_secret(secret)
    event = Event.objects.get(type="api_client.created")
    assert event.data == {"scopes": ["contracts:read"], "all_clients": False}


def test_a_system_that_decides_is_let_in_by_the_person_it_counts_as(cast: Cast):
    system = entered(scopes=["refunds:decide"], staff_user=cast.rita)
    token = token_for(system)
    assert bearer_of(token) is None

    for other in (administrator("deputy"), cast.as_arno, Principal(user=cast.rita, api_client=system)):
        with pytest.raises(NotPermitted):
            let_system_act(principal=other, system_id=system.pk, now=NOW)
    with pytest.raises(NotPermitted):
        switch_on_system(principal=administrator("third"), system_id=system.pk, now=NOW)
    let_system_act(principal=cast.as_rita, system_id=system.pk, now=NOW)

    assert bearer_of(token) is not None
    with pytest.raises(StaleState):
        let_system_act(principal=cast.as_rita, system_id=system.pk, now=NOW)


def test_a_new_secret_ends_the_old_one_and_every_token(cast: Cast):
    system, old = enter_system(
        principal=administrator("boss"), name="crm", scopes=["contracts:read"], now=NOW
    )
    token = token_for(system)

    again, new = renew_secret(principal=administrator("deputy"), system_id=system.pk, now=NOW)

    assert bearer_of(token) is None
    assert (again.oauth_client.check_secret(old), again.oauth_client.check_secret(new)) == (False, True)


def test_who_it_counts_as_stops_a_system_as_well(cast: Cast):
    system = entered(scopes=["refunds:decide"], staff_user=cast.rita)
    let_system_act(principal=cast.as_rita, system_id=system.pk, now=NOW)
    token = token_for(system)
    with pytest.raises(NotPermitted):
        switch_off_system(principal=cast.as_arno, system_id=system.pk, now=NOW)

    switch_off_system(principal=cast.as_rita, system_id=system.pk, now=NOW)

    assert bearer_of(token) is None
    with pytest.raises(StaleState):
        switch_off_system(principal=cast.as_rita, system_id=system.pk, now=NOW)


@pytest.mark.parametrize("name", ["as_rita", "as_arno", "as_finn", "as_alice", "as_erp"])
def test_nobody_else_enters_systems(cast: Cast, name: str):
    with pytest.raises(NotPermitted):
        enter_system(principal=getattr(cast, name), name="crm", scopes=["contracts:read"], now=NOW)

    assert ApiClient.objects.count() == 1


def test_deciding_needs_a_person(cast: Cast):
    with pytest.raises(InvalidInput):
        entered(scopes=["refunds:decide"])


def test_a_system_sees_the_clients_that_it_enters_and_no_others(cast: Cast):
    system = entered(scopes=["contracts:read", "contracts:write"])

    made = create_client(
        principal=Principal(api_client=system), kind="business", name="New", email="n@new.example", now=NOW
    )

    assert list(system.grants.values_list("client_id", flat=True)) == [made.pk]
    assert Event.objects.get(type="client.granted", subject_id=made.pk).data == {"api_client": str(system.pk)}
