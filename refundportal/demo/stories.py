"""The stories: each makes one contract with everything that happened under it, in one transaction."""

from collections.abc import Callable
from typing import Final

from accounts.principals import SYSTEM
from contracts.models import Contract
from contracts.services import complete_contract, terminate_contract
from payments.services.disputes import charge_back_payment, dispute_payment
from payments.services.payments import authorise_payment, fail_payment, void_payment
from refundportal.demo import agreements
from refundportal.demo.teller import Teller, stage_named
from refunds.services import (
    answer_question,
    ask_question,
    post_message,
    request_information,
    withdraw_request,
)

GOOD: Final = {"AC-1": "1", "AC-2": "1"}
HALF: Final = {"AC-1": "1/2", "AC-2": "1"}
POOR: Final = {"AC-1": "1/4", "AC-2": "0"}


def an_open_window(tell: Teller) -> None:
    """Alice paid the timber yard yesterday, has used it a little, and may apply."""
    alice = tell.people.alice
    contract = tell.agree(tell.people.joinery, alice, agreements.ORDER_DESK, 62)
    tell.deliver(contract, "S1", 35)
    tell.accept(contract, "S1", 33)
    tell.pay(contract, "S1", 32)
    tell.deliver(contract, "S2", 6, "Release 2.0, with the stock of last Friday.")
    tell.pay(contract, "S2", 1)
    month = {"start": tell.ago(12).isoformat(), "end": tell.ago(-18).isoformat()}
    tell.use(
        contract,
        [
            {
                "meter": "label_prints",
                "stage": "S2",
                "quantity": "3120",
                "occurred_at": tell.ago(0.8).isoformat(),
            },
            {
                "meter": "label_prints",
                "stage": "S2",
                "quantity": "845.5",
                "occurred_at": tell.ago(0.2).isoformat(),
            },
            {"meter": "hosting", **month},
        ],
    )
    question = ask_question(
        principal=alice,
        client_id=contract.client_id,
        contract_id=contract.pk,
        subject="Does printing labels reduce a refund?",
        body="We print about a thousand labels a day. Is that counted even if the stock is wrong?",
        now=tell.ago(0.6),
    )
    answer_question(
        principal=tell.people.rita,
        enquiry_id=question.pk,
        body="Yes, but only for the part of the stage that is not kept as conforming work.",
        now=tell.ago(0.3),
    )


def a_fresh_prepayment(tell: Teller) -> None:
    """Alice signed two days ago and paid five hours ago; nothing is delivered."""
    contract = tell.agree(tell.people.joinery, tell.people.alice, agreements.SPARE_PARTS, 2)
    tell.pay(contract, "P1", 5 / 24)
    ask_question(
        principal=tell.people.alice,
        client_id=contract.client_id,
        contract_id=contract.pk,
        subject="When does work begin?",
        body="We would like to lend you our drawings before the parts are entered.",
        now=tell.ago(0.1),
    )


def a_long_contract(tell: Teller) -> None:
    """The showroom's twelve segments: most went well, some ended in a request of every kind."""
    alice = tell.people.alice
    contract = tell.agree(tell.people.joinery, alice, agreements.SHOWROOM, 200)
    tell.deliver(contract, "S01", 190)
    tell.accept(contract, "S01", 189)
    tell.pay(contract, "S01", 188)

    tell.deliver(contract, "S02", 180)
    late = tell.pay(contract, "S02", 178)
    tell.apply(alice, late, 160, "defects", "The oak looks like pine on two of our tablets.")

    tell.deliver(contract, "S03", 150)
    fine = tell.pay(contract, "S03", 147)
    request = tell.apply(alice, fine, 144, "other", "We had imagined the planner differently.")
    tell.review(request, 143)
    tell.judge(request, 142, GOOD, "Both items are fulfilled on all four tablets.")
    tell.propose(request, 141)
    tell.approve(request, 140)

    tell.deliver(contract, "S04", 120)
    taken_back = tell.pay(contract, "S04", 118)
    request = tell.apply(alice, taken_back, 117, "defects", "Chairs stand inside of tables.")
    withdraw_request(principal=alice, request_id=request.pk, now=tell.ago(116))

    tell.refunded(alice, contract, "S05", 90, HALF, "The light stays at noon whatever hour we choose.")
    tell.refunded(
        alice, contract, "S08", 40, POOR, "Customers cannot sign in with an e-mail address that has a dot."
    )

    tell.deliver(contract, "S06", 5)
    asked = tell.pay(contract, "S06", 3.5)
    request = tell.apply(alice, asked, 3, "not_as_agreed", "Prices are shown without VAT.")
    tell.review(request, 2.5)
    request_information(
        principal=tell.people.rita,
        request_id=request.pk,
        question="On which tablet, and for which piece of furniture, did you see a price without VAT?",
        now=tell.ago(2.4),
    )

    tell.deliver(contract, "S07", 4)
    in_review = tell.pay(contract, "S07", 2.5)
    request = tell.apply(
        alice, in_review, 2, "defects", "A plan with a bay window arrives at the order desk without it.",
        objections=[{"stage": "S07", "item": "AC-1", "text": "Bay windows are lost."}],
    )  # fmt: skip
    tell.review(request, 1.5)
    post_message(
        principal=tell.people.rita,
        request_id=request.pk,
        body="Seen with plan 118. I'll test the other plans tomorrow.",
        is_internal=True,
        now=tell.ago(1.2),
    )
    post_message(principal=alice, request_id=request.pk, body="Plan 118 shows it best.", now=tell.ago(1.1))
    received = tell.pay(contract, "S09", 1.4)
    tell.apply(alice, received, 0.2, "not_delivered", "We paid, but the photographs have not been delivered.")
    _a_credit(tell, contract)


def _a_credit(tell: Teller, contract: Contract) -> None:
    """Alice takes a credit for the photographs' segment towards the languages."""
    tell.deliver(contract, "S10", 15)
    payment = tell.pay(contract, "S10", 14)
    request = tell.apply(
        tell.people.alice, payment, 11, "no_longer_needed", "The joiner keeps a paper diary after all.",
        remedy="exchange", target_stage_id=stage_named(contract, "S11").pk,
    )  # fmt: skip
    tell.review(request, 10.5)
    tell.judge(request, 10, {"AC-1": "1/2", "AC-2": "1/2"}, "Appointments cannot be moved.")
    tell.propose(request, 9.5)
    tell.approve(request, 9)
    tell.announce(contract, "S12", 0.5)


def a_completed_contract(tell: Teller) -> None:
    alice = tell.people.alice
    done = tell.agree(tell.people.joinery, alice, agreements.LETTERHEAD, 300)
    tell.deliver(done, "S1", 290)
    tell.accept(done, "S1", 289)
    tell.pay(done, "S1", 288)
    complete_contract(principal=tell.people.rita, contract_id=done.pk, now=tell.ago(280))


def freight(tell: Teller) -> None:
    """Mallory's contract in dollars: payouts that went well and payouts that did not."""
    mallory, contract = (
        tell.people.mallory,
        tell.agree(tell.people.shipping, tell.people.mallory, agreements.FREIGHT, 150),
    )
    tell.pay(contract, "P1", 148, "card")
    for code, days, values, statement in (
        ("S1", 100, HALF, "Quotations for two pallets are refused."),
        ("S2", 80, POOR, "The winter surcharge is added twice."),
        ("S3", 60, HALF, "Two agents got the same berth."),
        ("S4", 45, POOR, "Bookings vanish at midnight."),
        ("S5", 30, HALF, "The tide tables are those of last year."),
        ("S6", 20, POOR, "Invoices are numbered backwards."),
    ):
        tell.refunded(mallory, contract, code, days, values, statement)

    tell.deliver(contract, "S7", 4)
    payment = tell.pay(contract, "S7", 3, "card")
    request = tell.apply(mallory, payment, 2, "not_as_agreed", "Customs asks for a form that is not there.")
    tell.review(request, 1.5)
    tell.judge(request, 1.2, HALF, "Form T2L is missing; everything else of the list is there.")
    tell.propose(request, 1, "The missing form is named in the specification.")

    disputed = tell.pay(contract, "S8", 2.5, "card")
    tell.apply(mallory, disputed, 2, "not_delivered", "Nothing has been delivered.")
    dispute_payment(
        principal=SYSTEM, payment_id=disputed.pk, reason="Opened by the card issuer.", now=tell.ago(1)
    )
    lost = tell.pay(contract, "S9", 40, "card")
    dispute_payment(
        principal=SYSTEM, payment_id=lost.pk, reason="Opened by the card issuer.", now=tell.ago(30)
    )
    charge_back_payment(
        principal=SYSTEM, payment_id=lost.pk, reason="Decided for the card holder.", now=tell.ago(10)
    )


def an_ended_contract(tell: Teller) -> None:
    """A contract that ended early, with payments that never became money."""
    mallory = tell.people.mallory
    contract = tell.agree(tell.people.shipping, mallory, agreements.NIGHT_SHIFT, 75)
    failed = tell.announce(contract, "P1", 74, "card")
    fail_payment(principal=SYSTEM, payment_id=failed.pk, reason="The card was refused.", now=tell.ago(74))
    voided = tell.announce(contract, "P1", 73, "card")
    authorise_payment(principal=SYSTEM, payment_id=voided.pk, now=tell.ago(73))
    void_payment(principal=SYSTEM, payment_id=voided.pk, reason="Entered twice.", now=tell.ago(72))
    tell.pay(contract, "P1", 70, "card")
    terminate_contract(
        principal=tell.people.rita, contract_id=contract.pk, reason="Ended by agreement.", now=tell.ago(50)
    )


def a_contract_to_sign(tell: Teller) -> None:
    tell.draft(tell.people.joinery, agreements.TO_SIGN, 1)


def a_cooperative(tell: Teller) -> None:
    """Dinars with three decimals: paid ahead of the delivery, and taken back in full."""
    contract = Contract.objects.get(reference="QCS/2026/31")
    owner = tell.owner_of(contract)
    tell.pay(contract, "P1", 200)
    tell.pay(contract, "S1", 180)
    payment = tell.pay(contract, "S2", 5)
    request = tell.apply(owner, payment, 4, "not_delivered", "The shareholder accounts were due in October.")
    tell.review(request, 3.5)
    tell.propose(request, 3)
    tell.approve(request, 2.5)


def a_museum(tell: Teller) -> None:
    """Yen without decimals: a card payment that is only authorised, and a question to answer."""
    contract = Contract.objects.get(reference="MSK-令和8-003")
    tell.pay(contract, "P1", 150)
    tell.pay(contract, "S1", 120)
    authorised = tell.announce(contract, "S3", 0.3, "card")
    authorise_payment(principal=SYSTEM, payment_id=authorised.pk, now=tell.ago(0.2))


def a_consumer(tell: Teller) -> None:
    """Lena is late by the contract; whether the law gives her more time is for a reviewer to find out."""
    contract = Contract.objects.get(reference="PRIV-2026-002")
    tell.pay(contract, "P1", 100)
    payment = tell.pay(contract, "S1", 9, "card")
    request = tell.apply(
        tell.owner_of(contract),
        payment,
        4,
        "too_late",
        "The tree came after the family reunion it was made for.",
    )
    tell.review(request, 3)


STORIES: Final[tuple[tuple[str, Callable[[Teller], None]], ...]] = (
    ("BJ-01", an_open_window),
    ("BJ-02", a_fresh_prepayment),
    ("BJ-03", a_long_contract),
    ("BJ-00", a_completed_contract),
    ("PD-01", freight),
    ("PD-02", an_ended_contract),
    ("BJ-04", a_contract_to_sign),
    ("QCS/2026/31", a_cooperative),
    ("MSK-令和8-003", a_museum),
    ("PRIV-2026-002", a_consumer),
)
"""By the contract's reference; a story that was told has payments, or is about a draft that is there."""
