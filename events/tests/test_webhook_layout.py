"""Who is told of an event: settled where it gets its position, by the rights of that moment."""

from datetime import timedelta

import pytest
from django.db import transaction

from events import journal
from events.models import Channel, Delivery, DeliveryState, EventPosition
from events.tests.journal import A_CLIENT, NOON, an_event
from events.tests.webhooks import AS_ERP, ERP, OTHER, an_endpoint, everybody_sees_a_client, told
from events.webhooks import audience, layout
from events.webhooks.audience import Reach
from events.webhooks.claims import claim_due
from events.webhooks.services import send_test_event, switch_off_endpoint
from kernel.ids import new_id

pytestmark = pytest.mark.django_db

URL = "https://erp.example.com/hooks"


@pytest.fixture(autouse=True)
def reach(monkeypatch):
    """The rights of the API clients; a test may change them."""

    def use(find):
        monkeypatch.setattr(audience._register, "find", find)

    use(everybody_sees_a_client)
    return use


def targets(event):
    return set(Delivery.objects.filter(event=event).values_list("target", flat=True))


def test_an_event_is_laid_out_once_for_each_endpoint_that_wants_its_type():
    everything, _ = an_endpoint(URL)
    payments, _ = an_endpoint(URL, ["payment.captured", "payment.failed"])
    contracts, _ = an_endpoint(URL, ["contract.signed"])

    (captured,) = told()
    journal.sequence_events()

    assert targets(captured) == {str(everything.pk), str(payments.pk)}
    found = Delivery.objects.get(event=captured, endpoint=payments)
    assert (found.channel, found.state, found.next_attempt_at) == (
        Channel.WEBHOOK,
        DeliveryState.PENDING,
        NOON,
    )
    assert not Delivery.objects.filter(endpoint=contracts).exists()


def test_without_endpoints_nothing_is_laid_out_and_one_question_asked(django_assert_num_queries):
    an_event()
    position = EventPosition.objects.all()

    journal.sequence_events()

    assert not Delivery.objects.exists()
    with django_assert_num_queries(1):
        layout.lay_out_webhooks(position.none())


def test_an_endpoint_that_is_switched_off_is_told_nothing():
    endpoint, _ = an_endpoint(URL)
    switch_off_endpoint(api_client_id=ERP, endpoint_id=endpoint.pk, actor=AS_ERP, now=NOON)

    (event,) = told()

    assert targets(event) == set()


def test_nobody_is_told_of_somebody_elses_client():
    an_endpoint(URL)

    (foreign, of_nobody) = told(client_id=new_id()) + told(client_id=None)

    assert targets(foreign) == targets(of_nobody) == set()


def test_who_acts_for_every_client_is_told_of_all_and_of_what_belongs_to_none(reach):
    reach(lambda systems, clients: {ERP: Reach(all_clients=True, client_ids=frozenset())})
    endpoint, _ = an_endpoint(URL)
    an_endpoint(URL, api_client_id=OTHER)

    (foreign, of_nobody) = told(client_id=new_id()) + told(client_id=None)

    assert targets(foreign) == targets(of_nobody) == {str(endpoint.pk)}


def test_the_rights_of_a_whole_batch_are_asked_for_once(reach):
    asked = []

    def find(systems, clients):
        asked.append((set(systems), set(clients)))
        return everybody_sees_a_client(systems, clients)

    reach(find)
    an_endpoint(URL)
    an_endpoint(URL, api_client_id=OTHER)
    journal.sequence_events()
    asked.clear()

    told(5)

    assert asked == [({ERP, OTHER}, {A_CLIENT})]


def test_a_test_goes_to_its_own_endpoint_alone_whatever_that_asked_for():
    tested, _ = an_endpoint(URL, ["contract.signed"])
    an_endpoint(URL)

    event = send_test_event(api_client_id=ERP, endpoint_id=tested.pk, actor=AS_ERP, now=NOON)
    journal.sequence_events()

    assert targets(event) == {str(tested.pk)}


def test_nothing_is_laid_out_for_a_change_that_was_rolled_back():
    an_endpoint(URL)
    journal.sequence_events()
    before = Delivery.objects.count()
    with transaction.atomic():
        an_event()
        transaction.set_rollback(True)

    journal.sequence_events()

    assert Delivery.objects.count() == before


def test_endpoints_that_cannot_be_found_hold_up_neither_the_journal_nor_the_event(reach):
    def broken(systems, clients):
        raise LookupError("no grants")

    endpoint, _ = an_endpoint(URL)
    journal.sequence_events()
    reach(broken)

    (event,) = told()
    waiting = Delivery.objects.get(event=event)
    address_only(NOON)
    waiting.refresh_from_db()
    assert not EventPosition.objects.filter(number__isnull=True).exists()
    assert (waiting.target, waiting.attempts, waiting.state) == ("", 1, DeliveryState.PENDING)
    assert waiting.last_error == "endpoints_not_found: LookupError"

    reach(everybody_sees_a_client)
    address_only(NOON + timedelta(seconds=6))
    waiting.refresh_from_db()
    assert waiting.state == DeliveryState.DELIVERED
    assert Delivery.objects.get(event=event, endpoint=endpoint).state == DeliveryState.PENDING


def address_only(now):
    """Claim with no room: what waits for its endpoints is addressed, nothing is sent."""
    assert claim_due(now=now, at_most=0) == []


def test_an_event_whose_endpoints_are_never_found_is_given_up_in_sight(reach):
    def broken(systems, clients):
        raise LookupError("no grants")

    an_endpoint(URL)
    journal.sequence_events()
    reach(broken)
    (event,) = told()

    for day in range(12):
        address_only(NOON + timedelta(days=day))

    waiting = Delivery.objects.get(event=event)
    assert (waiting.state, waiting.last_error) == (DeliveryState.DEAD, "LookupError")
