import threading
from contextlib import closing
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import translation

from events import journal, outbox, tasks
from events import mail as routes
from events.mail import Mail, MailRoute, Recipient
from events.models import Delivery, DeliveryState, EventPosition
from events.tests.journal import ALICE, NOON, an_event, past_the_guards
from kernel.errors import NotFoundOrHidden, StaleState
from kernel.ids import new_id

pytestmark = pytest.mark.django_db

TO_ALICE = Recipient(user_id=ALICE, email="alice@example.com", language="en")
TO_BEA = Recipient(user_id=None, email="bea@example.com", language="de")


@pytest.fixture(autouse=True)
def only_routes_of_this_test(monkeypatch):
    monkeypatch.setattr(routes, "_routes", {})


def say(event, recipient):
    return Mail(subject=f"P-1 {recipient.email}", text="Your payment arrived.", html="<p>It arrived.</p>")


def tell(*recipients, render=say, event_type="payment.captured"):
    routes.register(event_type, MailRoute(recipients=lambda event: recipients, render=render))


def laid_out(*recipients, render=say):
    """Record an event that is told to these recipients; give its deliveries."""
    tell(*recipients, render=render)
    an_event()
    journal.sequence_events()
    return list(Delivery.objects.order_by("target"))


def refuse(event, recipient):
    raise LookupError("no such template")


def test_an_event_is_told_once_to_each_recipient():
    alice, bea = laid_out(TO_ALICE, TO_BEA, TO_ALICE)

    journal.sequence_events()

    assert (alice.target, alice.recipient_id, alice.language) == ("alice@example.com", ALICE, "en")
    assert (bea.target, bea.recipient_id, bea.language) == ("bea@example.com", None, "de")
    assert Delivery.objects.count() == 2


def test_one_address_in_two_spellings_is_one_recipient():
    shouting = Recipient(user_id=None, email="ALICE@example.com", language="en")

    assert len(laid_out(TO_ALICE, shouting)) == 1


def test_laying_out_again_adds_nothing():
    (delivery,) = laid_out(TO_ALICE)

    outbox.lay_out_mail(delivery.event)

    assert Delivery.objects.count() == 1


def test_events_that_nobody_is_told_about_make_no_deliveries():
    tell(TO_ALICE, event_type="payment.voided")

    an_event()
    journal.sequence_events()

    assert not Delivery.objects.exists()


def test_nothing_is_told_about_a_change_that_was_rolled_back():
    tell(TO_ALICE)
    with transaction.atomic():
        an_event()
        transaction.set_rollback(True)

    journal.sequence_events()
    outbox.deliver_due(now=NOON)

    assert not Delivery.objects.exists()
    assert mail.outbox == []


def test_an_event_type_has_one_route():
    tell(TO_ALICE)

    with pytest.raises(ValueError, match="already"):
        tell(TO_BEA)


def test_a_due_delivery_is_sent_once_with_its_own_message_id(settings):
    settings.DEFAULT_FROM_EMAIL = "Refunds <refunds@portal.example.com>"
    (delivery,) = laid_out(TO_ALICE)

    assert [outbox.deliver_due(now=NOON) for _ in range(2)] == [1, 0]

    (message,) = mail.outbox
    delivery.refresh_from_db()
    assert (message.to, message.subject) == (["alice@example.com"], "P-1 alice@example.com")
    assert message.extra_headers["Message-ID"] == f"<{delivery.pk}@portal.example.com>"
    assert message.alternatives[0].content == "<p>It arrived.</p>"
    assert (delivery.state, delivery.delivered_at, delivery.attempts) == (DeliveryState.DELIVERED, NOON, 1)


def test_an_e_mail_is_rendered_in_the_language_of_its_recipient():
    def in_their_language(event, recipient):
        return Mail(subject=translation.get_language(), text="-")

    laid_out(TO_ALICE, TO_BEA, render=in_their_language)
    outbox.deliver_due(now=NOON)

    assert {(message.to[0], message.subject) for message in mail.outbox} == {
        ("alice@example.com", "en"),
        ("bea@example.com", "de"),
    }


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\x0b", "\x1c", "\x85", "\u2028", "\0"], ids=repr)
def test_a_name_cannot_begin_a_new_header(end):
    def with_a_name(event, recipient):
        return Mail(subject=f"Hello Mallory{end}Bcc: all@example.com", text="-")

    laid_out(TO_ALICE, render=with_a_name)
    outbox.deliver_due(now=NOON)

    (message,) = mail.outbox
    parsed = message.message()
    assert parsed["Bcc"] is None
    assert parsed["Subject"] == "Hello Mallory Bcc: all@example.com"
    assert message.recipients() == ["alice@example.com"]


@pytest.mark.parametrize(
    "address", ["a@example.com, b@example.com", "a@example.com\nBcc: b@example.com", "nobody"]
)
def test_an_address_is_one_address_or_nothing_is_sent(address):
    (delivery,) = laid_out(Recipient(user_id=None, email=address, language="en"))

    outbox.deliver_due(now=NOON)

    delivery.refresh_from_db()
    assert mail.outbox == []
    assert "ValidationError" in delivery.last_error


def test_a_failed_attempt_is_written_down_and_comes_again_later():
    (delivery,) = laid_out(TO_ALICE, render=refuse)

    outbox.deliver_due(now=NOON)

    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == (DeliveryState.PENDING, 1)
    assert delivery.last_error == "LookupError: no such template"
    assert delivery.lease_until is None
    assert timedelta(seconds=5) <= delivery.next_attempt_at - NOON <= timedelta(seconds=5.5)
    assert outbox.deliver_due(now=NOON + timedelta(seconds=4)) == 0


def test_attempts_follow_their_schedule_and_then_the_delivery_is_given_up():
    (delivery,) = laid_out(TO_ALICE, render=refuse)
    now, waits = NOON, []

    while delivery.state == DeliveryState.PENDING:
        outbox.deliver_due(now=now)
        delivery.refresh_from_db()
        waits.append(delivery.next_attempt_at - now)
        now = delivery.next_attempt_at

    assert delivery.state == DeliveryState.DEAD
    assert delivery.attempts == len(outbox.DELAYS) == 10
    for waited, delay in zip(waits, outbox.DELAYS[1:], strict=False):
        assert delay <= waited <= delay * 1.1
    assert outbox.deliver_due(now=now + timedelta(days=30)) == 0


def test_one_bad_delivery_never_stops_the_others():
    def refuse_alice(event, recipient):
        return refuse(event, recipient) if recipient == TO_ALICE else say(event, recipient)

    laid_out(TO_ALICE, TO_BEA, render=refuse_alice)
    outbox.deliver_due(now=NOON)

    assert [message.to for message in mail.outbox] == [["bea@example.com"]]


def test_no_more_than_asked_are_attempted_at_once():
    laid_out(TO_ALICE, TO_BEA)

    assert [outbox.deliver_due(now=NOON, batch_max=1) for _ in range(3)] == [1, 1, 0]


def test_recipients_that_cannot_be_found_hold_up_neither_the_journal_nor_others():
    found = []

    def find(event):
        if not found:
            raise LookupError("no members")
        return found

    routes.register("payment.captured", MailRoute(recipients=find, render=say))
    tell(TO_BEA, event_type="payment.voided")
    an_event()
    an_event(type="payment.voided")
    journal.sequence_events()
    outbox.deliver_due(now=NOON)
    first = [message.to for message in mail.outbox]
    found.append(TO_ALICE)
    for seconds in (6, 12):
        outbox.deliver_due(now=NOON + timedelta(seconds=seconds))

    assert EventPosition.objects.filter(number__isnull=True).count() == 0
    assert first == [["bea@example.com"]]
    assert [message.to for message in mail.outbox] == [["bea@example.com"], ["alice@example.com"]]
    assert set(Delivery.objects.values_list("state", flat=True)) == {DeliveryState.DELIVERED}


def test_a_delivery_under_a_living_lease_is_left_alone():
    (delivery,) = laid_out(TO_ALICE)
    Delivery.objects.update(lease_until=Now() + timedelta(seconds=60), attempts=1)

    assert outbox.deliver_due(now=NOON + timedelta(days=1)) == 0

    Delivery.objects.update(lease_until=Now() - timedelta(seconds=1))
    assert outbox.deliver_due(now=NOON + timedelta(days=1)) == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == (DeliveryState.DELIVERED, 2)


def test_a_worker_that_lost_its_lease_writes_nothing_down():
    def overtaken(event, recipient):
        Delivery.objects.update(attempts=2)  # another worker has begun its attempt
        raise TimeoutError

    (delivery,) = laid_out(TO_ALICE, render=overtaken)

    outbox.deliver_due(now=NOON)

    delivery.refresh_from_db()
    assert (delivery.last_error, delivery.next_attempt_at, delivery.lease_until is None) == ("", NOON, False)


def test_a_delivery_whose_every_attempt_crashed_is_given_up():
    (delivery,) = laid_out(TO_ALICE)
    Delivery.objects.update(attempts=len(outbox.DELAYS), lease_until=Now() - timedelta(seconds=1))

    outbox.deliver_due(now=NOON)

    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.DEAD
    assert mail.outbox == []


def test_a_delivery_that_was_given_up_can_be_sent_again_by_hand():
    working = []

    def render(event, recipient):
        return say(event, recipient) if working else refuse(event, recipient)

    (delivery,) = laid_out(TO_ALICE, render=render)
    Delivery.objects.update(attempts=len(outbox.DELAYS) - 1)
    outbox.deliver_due(now=NOON)
    working.append(True)

    outbox.resend(delivery_id=delivery.pk, now=NOON)
    outbox.deliver_due(now=NOON)

    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == (DeliveryState.DELIVERED, 1)
    with pytest.raises(StaleState):
        outbox.resend(delivery_id=delivery.pk, now=NOON)
    with pytest.raises(NotFoundOrHidden):
        outbox.resend(delivery_id=new_id(), now=NOON)


def test_a_delivery_that_nobody_renders_any_more_is_not_lost():
    (delivery,) = laid_out(TO_ALICE)
    routes._routes.clear()

    outbox.deliver_due(now=NOON)

    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.PENDING
    assert delivery.last_error == "NobodyRenders: payment.captured"


def test_the_tasks_carry_an_event_from_the_journal_to_the_mailbox():
    tell(TO_ALICE)
    for _ in range(3):
        an_event()

    assert tasks.sequence_events() == 3
    assert tasks.seal_journal() == 1
    assert tasks.deliver_due() == 3
    assert len(mail.outbox) == 3


def test_looking_for_due_deliveries_writes_nothing_while_there_are_none(django_assert_num_queries):
    with django_assert_num_queries(1):
        outbox.deliver_due(now=NOON)


def send_from_threads(count):
    def run():
        with closing(connection):
            outbox.deliver_due(now=NOON)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_workers_at_the_same_time_send_each_e_mail_once():
    tell(TO_ALICE, TO_BEA)
    for _ in range(20):
        an_event()
    journal.sequence_events()

    send_from_threads(4)

    assert len({message.extra_headers["Message-ID"] for message in mail.outbox}) == len(mail.outbox) == 40
    assert set(Delivery.objects.values_list("state", "attempts")) == {(DeliveryState.DELIVERED, 1)}


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_delivery_that_another_worker_holds_does_not_hold_up_the_next():
    first, _ = laid_out(TO_ALICE, TO_BEA)

    with transaction.atomic():
        Delivery.objects.select_for_update().get(pk=first.pk)
        send_from_threads(1)

    assert [message.to for message in mail.outbox] == [["bea@example.com"]]


def test_a_delivery_is_never_deleted_and_stays_with_its_event():
    (delivery,) = laid_out(TO_ALICE)
    other = an_event()

    with pytest.raises(Exception, match="never deleted"), transaction.atomic():
        delivery.delete()
    with pytest.raises(Exception, match="never changed"), transaction.atomic():
        Delivery.objects.update(event=other)
    with past_the_guards():
        delivery.delete()
