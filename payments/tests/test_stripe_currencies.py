"""Amounts as Stripe writes them, and signatures of its messages."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.tests.cast import NOW
from kernel.currencies import CURRENCY_DIGITS
from kernel.money import Money
from payments.gateways.stripe.currencies import AmountNotAtStripe, from_stripe, stripe_digits, to_stripe
from payments.gateways.stripe.signature import BadSignature, check_signature
from tests.fake_stripe.running import SECRET, signed

WRITTEN = [
    ("10.00", "USD", 1000),
    ("500", "JPY", 500),
    ("5", "ISK", 500),
    ("5", "UGX", 500),
    ("7.00", "MGA", 7),
    ("5.120", "KWD", 5120),
    ("10.45", "HUF", 1045),
    ("800.45", "TWD", 80045),
]


@pytest.mark.parametrize(("text", "currency", "written"), WRITTEN)
def test_an_amount_is_written_as_stripe_does_and_read_back(text, currency, written):
    amount = Money.parse(text, currency)

    assert to_stripe(amount) == written
    assert from_stripe(written, currency.lower()) == amount


@pytest.mark.parametrize(
    ("text", "currency"),
    [("5.124", "KWD"), ("7.01", "MGA"), ("1.0000", "CLF"), ("1.000", "IQD"), ("1", "UYI")],
)
def test_what_stripe_cannot_move_is_refused(text, currency):
    with pytest.raises(AmountNotAtStripe):
        to_stripe(Money.parse(text, currency))


@pytest.mark.parametrize(("written", "currency"), [(501, "isk"), (1, "ugx"), (1, "xxx"), (1, "")])
def test_what_is_no_amount_of_ours_is_not_read(written, currency):
    with pytest.raises(AmountNotAtStripe):
        from_stripe(written, currency)


def test_only_these_currencies_have_other_decimals_there_than_in_iso_4217():
    known = {}
    for code, digits in CURRENCY_DIGITS.items():
        try:
            known[code] = stripe_digits(code) - digits
        except AmountNotAtStripe:
            continue

    assert {code: more for code, more in known.items() if more} == {"ISK": 2, "UGX": 2, "MGA": -2}
    assert set(CURRENCY_DIGITS) - set(known) == {"UYI", "IQD", "LYD", "CLF", "UYW"}


@given(st.sampled_from(sorted(CURRENCY_DIGITS)), st.integers(1, 10**15))
def test_an_amount_comes_back_exactly_or_is_refused(currency, minor):
    amount = Money(minor, currency)
    try:
        written = to_stripe(amount)
    except AmountNotAtStripe:
        return
    assert from_stripe(written, currency) == amount


EVENT = {"id": "evt_1", "object": "event", "text": "Grüße"}


def header_of(at=NOW, secret=SECRET):
    return signed(EVENT, at, secret)[1]["Stripe-Signature"]


BODY = signed(EVENT, NOW)[0]
STAMP, SIGNATURE = header_of().split(",")


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_a_signature_counts_for_five_minutes(seconds):
    check_signature(BODY, header_of(NOW - timedelta(seconds=seconds)), secrets=[SECRET], now=NOW)


@pytest.mark.parametrize("secrets", [["whsec_new", SECRET], [SECRET, "whsec_new"]])
def test_each_of_the_secrets_is_good_while_they_are_changed(secrets):
    check_signature(BODY, header_of(), secrets=secrets, now=NOW)


def test_one_good_signature_among_others_is_enough():
    check_signature(BODY, f"{STAMP},v1={'0' * 64},{SIGNATURE},v0=abc", secrets=[SECRET], now=NOW)


BAD = {
    "no header": "",
    "no timestamp": SIGNATURE,
    "two timestamps": f"{STAMP},{STAMP},{SIGNATURE}",
    "no signature": STAMP,
    "an older scheme alone": f"{STAMP},{SIGNATURE.replace('v1', 'v0')}",
    "a timestamp that is none": f"t=now,{SIGNATURE}",
    "another timestamp": f"t={int(NOW.timestamp()) - 1},{SIGNATURE}",
    "a changed signature": f"{STAMP},{SIGNATURE[:-1]}{'0' if SIGNATURE[-1] != '0' else '1'}",
    "a signature that is no text": f"{STAMP},v1=ü",
    "an empty signature": f"{STAMP},v1=",
    "301 seconds old": header_of(NOW - timedelta(seconds=301)),
    "301 seconds ahead": header_of(NOW + timedelta(seconds=301)),
    "another endpoint's secret": header_of(secret="whsec_another_endpoint"),
}


@pytest.mark.parametrize("header", BAD.values(), ids=BAD)
def test_nothing_else_is_a_signature(header):
    with pytest.raises(BadSignature):
        check_signature(BODY, header, secrets=[SECRET], now=NOW)


@pytest.mark.parametrize("body", [BODY + b" ", BODY[:-1], b"", BODY.replace(b"evt_1", b"evt_2")])
def test_a_changed_body_is_not_signed(body):
    with pytest.raises(BadSignature):
        check_signature(body, header_of(), secrets=[SECRET], now=NOW)


def test_without_a_secret_nothing_is_signed():
    with pytest.raises(BadSignature):
        check_signature(BODY, header_of(), secrets=[], now=NOW)
