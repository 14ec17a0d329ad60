"""What people are told about money."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import translation

from accounts.models import User
from contracts.models import Client
from contracts.tests.cast import NOW, signed_contract
from events.journal import sequence_events
from events.mail import route_of
from events.models import Event
from events.outbox import deliver_due
from payments.gateways import AnswerKind, GatewayAnswer
from payments.services import book_answer, warn_closing_windows
from payments.tests.scenes import LATER, captured_payment, ready_payout, send


@pytest.fixture
def payment(contract):
    return captured_payment(contract)


def deliver(now=LATER):
    sequence_events(1000)
    deliver_due(now=now)
    return {tuple(message.to): message for message in mail.outbox if "P-2026" in message.subject}


def test_the_owner_is_told_when_money_was_sent(payment):
    ready_payout(payment, "100.00")
    send()

    messages = deliver()

    assert list(messages) == [("alice@acme.example",)]
    message = messages["alice@acme.example",]
    assert message.subject == f"We have sent your refund for payment {payment.number}"
    html = message.alternatives[0][0]
    for text in (message.body, html):
        assert "100.00\u00a0EUR" in text
        assert payment.number in text
        assert "one to three working days" in text


def test_the_owner_is_told_when_money_came_back(payment):
    payout = ready_payout(payment, "100.00")
    send()
    book_answer(payout_id=payout.pk, answer=GatewayAnswer(kind=AnswerKind.RETURNED), now=LATER)

    deliver()

    assert [message.subject for message in mail.outbox][-1:] == [
        f"Your refund for payment {payment.number} came back to us"
    ]


def test_everybody_who_may_apply_is_told_of_the_end_of_the_window(payment):
    warn_closing_windows(now=payment.deadline - timedelta(hours=24))

    messages = deliver(payment.deadline)

    assert sorted(messages) == [("alice@acme.example",), ("cem@acme.example",)]
    assert "until the end of Thursday, 4 June 2026, Berlin time." in messages["alice@acme.example",].body
    assert "1,000.00\u00a0EUR" in messages["alice@acme.example",].body


def test_who_wants_no_reminders_gets_none_and_the_others_do(cast, payment):
    User.objects.filter(pk=cast.alice.pk).update(wants_reminders=False)
    warn_closing_windows(now=payment.deadline - timedelta(hours=24))

    assert sorted(deliver(payment.deadline)) == [("cem@acme.example",)]


def test_a_window_counted_in_hours_ends_at_its_time(cast):
    payment = captured_payment(signed_contract(cast, terms={"day_rule": "elapsed"}))
    warn_closing_windows(now=payment.deadline - timedelta(hours=24))
    event = Event.objects.get(type="window.closing")

    route = route_of("window.closing")
    text = route.render(event, route.recipients(event)[0]).text

    assert "until Thursday, 4 June 2026, 10:00 (Berlin time)." in text


def test_amounts_and_dates_follow_the_language_of_the_reader(payment):
    warn_closing_windows(now=payment.deadline - timedelta(hours=24))
    event = Event.objects.get(type="window.closing")
    route = route_of("window.closing")

    with translation.override("de"):
        text = route.render(event, route.recipients(event)[0]).text

    assert "1.000,00\u00a0EUR" in text
    assert "Donnerstag, 4. Juni 2026" in text


def test_a_client_without_members_is_told_at_its_own_address(cast, payment):
    ready_payout(payment, "100.00")
    send(NOW)
    Client.objects.get(pk=payment.client_id).memberships.all().delete()

    assert list(deliver()) == [("office@acme.example",)]


def test_names_in_an_e_mail_are_shown_as_text(cast):
    title = "<b>Desk</b> & more"
    stages = [{"code": "S1", "title": title, "kind": "work", "amount": "10.00"}]
    payment = captured_payment(signed_contract(cast, stages=stages), amount="10.00")
    ready_payout(payment, "1.00")
    send()

    message = next(iter(deliver().values()))

    assert title in message.body
    assert "<b>Desk</b>" not in message.alternatives[0][0]
    assert "&lt;b&gt;Desk&lt;/b&gt; &amp; more" in message.alternatives[0][0]
