"""The rail `stripe` against a Stripe of our own, spoken to by the official SDK: orders, look-ups, lines."""

import socket
import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from contracts.tests.cast import NOW
from kernel.ids import new_id
from kernel.money import Money
from payments.gateways import AnswerKind, BookClosed, PayoutOrder
from payments.gateways.stripe import StripeGateway
from payments.gateways.stripe.answers import answer_of_refund
from payments.gateways.stripe.client import EndingConnection
from payments.tests.hearing import PATIENT

GATEWAY = StripeGateway(PATIENT)
HASTY = StripeGateway(EndingConnection(connect_ms=5000, silence_ms=400, whole_ms=1500))


def order_for(intent, amount="100.00", currency="EUR"):
    return PayoutOrder(
        key=new_id(),
        amount=Money.parse(amount, currency),
        request_id=new_id(),
        payment_reference=intent["id"],
        destination_id=None,
    )


def submit(order):
    return GATEWAY.submit(order, now=NOW)


def look_up(order):
    return GATEWAY.look_up(order, now=NOW)


def test_a_refund_is_made_under_the_id_of_its_payout(stripe):
    order = order_for(stripe.paid(100000))

    answer = submit(order)

    [refund] = stripe.refunds()
    assert (answer.kind, answer.reference, answer.amount) == (AnswerKind.SETTLED, refund["id"], order.amount)
    assert refund["amount"] == 10000
    assert refund["metadata"] == {"payout": str(order.key), "request": str(order.request_id)}
    [(method, path, headers)] = stripe.calls
    assert (method, path, headers["Idempotency-Key"]) == ("POST", "/v1/refunds", str(order.key))
    assert headers["Stripe-Version"] == "2026-10-28.endive"


def test_the_same_order_again_is_the_same_refund(stripe):
    order = order_for(stripe.paid(100000))

    answers = {submit(order) for _ in range(3)}

    assert len(answers) == len(stripe.refunds()) == 1


def test_a_payment_known_by_its_charge_is_refunded_and_looked_up_by_it(stripe):
    intent = stripe.paid(100000)
    order = replace(order_for(intent), payment_reference=intent["latest_charge"])

    assert submit(order).kind == look_up(order).kind == AnswerKind.SETTLED


FAULTS = [
    ("timeout_done", AnswerKind.UNKNOWN, AnswerKind.SETTLED),
    ("timeout_not_done", AnswerKind.UNKNOWN, AnswerKind.NONE),
    ("reset_before", AnswerKind.UNKNOWN, AnswerKind.NONE),
    ("reset_after", AnswerKind.UNKNOWN, AnswerKind.SETTLED),
    ("half_body", AnswerKind.UNKNOWN, AnswerKind.SETTLED),
    ("bad_json", AnswerKind.UNKNOWN, AnswerKind.SETTLED),
    ("html_200", AnswerKind.UNKNOWN, AnswerKind.NONE),
    ("500_done", AnswerKind.UNKNOWN, AnswerKind.SETTLED),
    ("500_not_done", AnswerKind.UNKNOWN, AnswerKind.NONE),
    ("503", AnswerKind.UNKNOWN, AnswerKind.NONE),
    ("429", AnswerKind.WAIT, AnswerKind.NONE),
    ("402", AnswerKind.WAIT, AnswerKind.NONE),
    ("409", AnswerKind.UNKNOWN, AnswerKind.SETTLED),
]


@pytest.mark.parametrize(("fault", "said", "found"), FAULTS)
def test_what_is_not_surely_known_is_unknown_and_a_look_up_tells(stripe, fault, said, found):
    intent = stripe.paid(100000)
    order = order_for(intent)
    stripe.tell(intent["id"], submit=fault)

    assert submit(order).kind == said
    assert look_up(order).kind == found
    assert len(stripe.refunds()) == (found == AnswerKind.SETTLED)


def test_an_answer_that_does_not_come_in_time_is_unknown(stripe):
    intent = stripe.paid(100000)
    order = order_for(intent)
    stripe.tell(intent["id"], submit="timeout_done")

    answer = HASTY.submit(order, now=NOW)

    assert (answer.kind, "ReadTimeout" in answer.detail) == (AnswerKind.UNKNOWN, True)


@pytest.mark.parametrize("fault", ["timeout_done", "half_body", "bad_json", "html_200", "503", "429", "402"])
def test_a_look_up_that_goes_wrong_tells_nothing(stripe, fault):
    intent = stripe.paid(100000)
    order = order_for(intent)
    submit(order)
    stripe.tell(intent["id"], look_up=fault)

    assert look_up(order).kind == AnswerKind.UNKNOWN


@pytest.mark.parametrize(("fault", "after"), [("429", 30), ("402", 3600), ("409", 30)])
def test_who_is_told_to_wait_waits_as_long(stripe, fault, after):
    intent = stripe.paid(100000)
    stripe.tell(intent["id"], submit=fault)

    assert submit(order_for(intent)).retry_at == NOW + timedelta(seconds=after)


@pytest.mark.parametrize("code", ["charge_already_refunded", "charge_disputed"])
def test_only_a_listed_refusal_is_a_failure(stripe, code):
    intent = stripe.paid(10000)
    if code == "charge_disputed":
        stripe.dispute(intent)
    else:
        submit(order_for(intent))

    answer = submit(order_for(intent))

    assert (answer.kind, answer.code) == (AnswerKind.FAILED, code)


def test_every_other_refusal_proves_nothing(stripe, settings):
    intent = stripe.paid(10000)

    assert submit(order_for(intent, "100.01")).kind == AnswerKind.UNKNOWN
    assert submit(order_for({"id": "pi_nowhere"})).kind == AnswerKind.UNKNOWN
    settings.STRIPE_API_KEY = "rk_test_another_key"
    assert submit(order_for(intent)).kind == AnswerKind.UNKNOWN
    assert stripe.refunds() == []


def test_a_key_with_other_terms_is_left_to_people(stripe):
    order = order_for(stripe.paid(100000))
    submit(order)

    answer = submit(replace(order, amount=Money.parse("100.01", "EUR")))

    assert (answer.kind, answer.code) == (AnswerKind.MANUAL, "key_has_other_terms")


@pytest.mark.parametrize(
    ("reference", "code"),
    [("", "no_provider_reference"), ("invoice-7", "no_provider_reference")],
)
def test_a_payment_that_stripe_does_not_know_is_left_to_people(stripe, reference, code):
    answer = submit(order_for({"id": reference}))

    assert (answer.kind, answer.code) == (AnswerKind.MANUAL, code)
    assert stripe.calls == []


def test_an_amount_that_stripe_cannot_move_is_left_to_people(stripe):
    answer = submit(order_for(stripe.paid(10000, "kwd"), "5.124", "KWD"))

    assert (answer.kind, answer.code) == (AnswerKind.MANUAL, "amount_not_at_stripe")
    assert stripe.refunds() == []


STATUSES = [
    ("pending", AnswerKind.ACCEPTED),
    ("requires_action", AnswerKind.ACCEPTED),
    ("succeeded", AnswerKind.SETTLED),
    ("failed", AnswerKind.FAILED),
    ("canceled", AnswerKind.FAILED),
    ("on_its_way", AnswerKind.UNKNOWN),
    (None, AnswerKind.UNKNOWN),
]


@pytest.mark.parametrize(("status", "kind"), STATUSES)
def test_a_refund_is_as_far_as_its_status_says_and_an_unknown_one_says_nothing(stripe, status, kind):
    order = order_for(stripe.paid(100000))
    stripe.new_refund = {"status": status}

    assert submit(order).kind == look_up(order).kind == kind


@pytest.mark.parametrize(
    "odd",
    [{"amount": "10000"}, {"amount": True}, {"currency": "xxx"}, {"metadata": {}}],
)
def test_an_object_that_is_not_as_documented_says_nothing(stripe, odd):
    order = order_for(stripe.paid(100000))
    answer = submit(order)
    stripe.things[answer.reference].update(odd)

    assert look_up(replace(order, provider_reference=answer.reference)).kind == AnswerKind.UNKNOWN


def test_an_object_that_is_no_refund_says_nothing():
    object_ = {
        "id": "re_1",
        "object": "charge",
        "amount": 10000,
        "currency": "eur",
        "status": "succeeded",
        "metadata": {"payout": "one"},
    }

    assert answer_of_refund(object_, "one").kind == AnswerKind.UNKNOWN
    assert answer_of_refund({**object_, "object": "refund"}, "one").kind == AnswerKind.SETTLED


def test_another_amount_is_told_as_it_is(stripe):
    order = order_for(stripe.paid(100000))
    answer = submit(order)
    stripe.things[answer.reference]["amount"] = 9999

    assert look_up(order).amount == Money(9999, "EUR")


def test_a_payout_that_stands_there_twice_is_told_with_both_amounts(stripe):
    order = order_for(stripe.paid(100000))
    submit(order)
    stripe.keys.clear()
    submit(order)

    assert look_up(order).amount == Money(20000, "EUR")


def test_a_refund_is_found_beyond_the_first_page(stripe):
    intent = stripe.paid(100000)
    order = order_for(intent)
    submit(order)
    for place in range(130):
        stripe.refund(f"other-{place}", {"payment_intent": intent["id"], "amount": "1"})

    assert look_up(order).kind == AnswerKind.SETTLED
    assert sum(path.startswith("/v1/refunds?") for _, path, _ in stripe.calls) == 2


def test_a_refund_that_the_lists_do_not_show_yet_is_found_by_its_name(stripe):
    order = order_for(stripe.paid(100000))
    reference = submit(order).reference
    stripe.lag = timedelta(minutes=5)

    assert look_up(order).kind == AnswerKind.NONE
    assert look_up(replace(order, provider_reference=reference)).kind == AnswerKind.SETTLED


def test_a_refund_that_is_known_neither_by_its_name_nor_by_its_payout_is_none(stripe):
    order = order_for(stripe.paid(100000))
    reference = submit(order).reference
    del stripe.things[reference]

    assert look_up(replace(order, provider_reference=reference)).kind == AnswerKind.NONE


def test_the_book_is_read_to_its_end_with_what_is_not_ours(stripe):
    intent = stripe.paid(100000)
    order = order_for(intent)
    submit(order)
    for place in range(120):
        stripe.refund(f"other-{place}", {"payment_intent": intent["id"], "amount": "1"})

    lines = list(GATEWAY.lines(since=NOW - timedelta(days=1), now=NOW))

    assert len(lines) == 121
    assert [line.amount for line in lines if line.key == order.key] == [order.amount]
    assert {line.payment_reference for line in lines} == {intent["id"]}
    assert list(GATEWAY.lines(since=NOW + timedelta(seconds=1), now=NOW)) == []


@pytest.mark.parametrize("fault", ["503", "429", "html_200", "bad_json", "half_body"])
def test_a_book_that_cannot_be_read_to_its_end_is_closed(stripe, fault):
    stripe.tell("*", look_up=fault)

    with pytest.raises(BookClosed):
        list(GATEWAY.lines(since=NOW, now=NOW))


def test_a_line_that_cannot_be_read_closes_the_book(stripe):
    order = order_for(stripe.paid(100000))
    stripe.things[submit(order).reference]["currency"] = "xxx"

    with pytest.raises(BookClosed):
        list(GATEWAY.lines(since=NOW - timedelta(days=1), now=NOW))


def answering(pieces, pause_s=0.0):
    """A server that says these pieces, one after the other, to whoever calls."""
    listening = socket.create_server(("127.0.0.1", 0))

    def talk():
        talking, _ = listening.accept()
        with talking:
            talking.recv(65536)
            try:
                for piece in pieces:
                    talking.sendall(piece)
                    time.sleep(pause_s)
            except OSError:
                pass

    threading.Thread(target=talk, daemon=True).start()
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_an_answer_that_trickles_without_an_end_is_given_up(stripe, settings):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    settings.STRIPE_API_BASE = answering([head, *[b" "] * 200], pause_s=0.1)
    started = time.monotonic()

    answer = HASTY.submit(order_for({"id": "pi_1"}), now=NOW)

    assert answer.kind == AnswerKind.UNKNOWN
    assert time.monotonic() - started < 15


def test_nobody_is_followed_elsewhere(stripe, settings):
    there = settings.STRIPE_API_BASE
    moved = f"HTTP/1.1 307 Moved\r\nLocation: {there}/v1/refunds\r\nContent-Length: 0\r\n\r\n"
    settings.STRIPE_API_BASE = answering([moved.encode()])

    assert submit(order_for(stripe.paid(100000))).kind == AnswerKind.UNKNOWN
    assert stripe.calls == []
