"""Random flows over the same few rows at once: nobody waits in a circle, and the money stays right."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from accounts.principals import SYSTEM
from contracts.services import change_member
from contracts.tests.cast import NOW
from payments import checks
from payments.models import Payout
from payments.services import (
    cancel_payout,
    charge_back_payment,
    dispute_payment,
    look_after_payouts,
    record_usage,
    resolve_dispute,
)
from payments.services.bank_accounts import save_bank_account
from payments.services.sending import claim_next, send_claim
from refunds.models import RefundRequest
from refunds.states import REQUEST_OPEN
from refunds.tests.scene import LATER, Scene, paid
from tests.faults.races.arena import Arena, Race, other_than
from tests.faults.races.protection import locks_in_another_order
from tests.faults.races.requests import approve, push_through, send_back, withdraw

_IBANS = ("DE89370400440532013000", "FR1420041010050500013M02606")
_AT_ONCE = 4
_REFUSALS = (
    "state_conflict", "request_already_open", "amount_out_of_range", "nothing_refundable", "answer_changed",
    "payment_disputed", "payment_charged_back", "not_decidable", "too_many_bank_accounts",
)  # fmt: skip


class _Town:
    """Three payments of one client, and everything that people and machines do with them."""

    def __init__(self, arena: Arena) -> None:
        self.arena, self.cast = arena, arena.cast
        self.scenes = [arena.scene("50.00") for _ in range(3)]
        self.count = 0

    def acts(self) -> list[Callable[[], Any]]:
        """Choose what happens at once: mostly two kinds of flows."""
        flows = [
            self.push_through, self.approve, self.withdraw, self.send_back, self.pay, self.use, self.dispute,
            self.charge_back, self.cancel, self.send, self.look_after, self.member, self.account,
        ]  # fmt: skip
        pair = self.arena.rng.sample(flows, 2)
        return [flow() for flow in (pair * _AT_ONCE)[:_AT_ONCE]]

    def scene(self) -> Scene:
        return self.arena.rng.choice(self.scenes)

    def request(self) -> RefundRequest | None:
        """An application that is open, the newest of a payment."""
        rows = RefundRequest.objects.filter(payment=self.scene().payment, state__in=REQUEST_OPEN)
        return rows.order_by("-pk").first()

    def with_request(self, step: Callable[[Scene, RefundRequest], Callable[[], Any]]) -> Callable[[], Any]:
        request = self.request()
        return step(self.scene(), request) if request else self.push_through()

    def push_through(self) -> Callable[[], Any]:
        return push_through(self.scene(), f"{self.arena.rng.randrange(1, 300) / 100:.2f}")

    def approve(self) -> Callable[[], Any]:
        return self.with_request(approve)

    def withdraw(self) -> Callable[[], Any]:
        return self.with_request(withdraw)

    def send_back(self) -> Callable[[], Any]:
        return self.with_request(send_back)

    def pay(self) -> Callable[[], Any]:
        return partial(paid, self.cast, self.arena.contract, "S1", "1.00")

    def use(self) -> Callable[[], Any]:
        self.count += 1
        report = {
            "source": "town", "external_id": str(self.count), "contract": str(self.arena.contract.pk),
            "meter": "api_calls", "quantity": "1", "occurred_at": "2026-06-01T07:00:00Z",
        }  # fmt: skip
        return partial(record_usage, principal=SYSTEM, records=[report], now=NOW)

    def dispute(self) -> Callable[[], Any]:
        payment, finn = self.scene().payment, self.cast.as_finn

        def act() -> None:
            dispute_payment(principal=finn, payment_id=payment.pk, now=LATER)
            resolve_dispute(principal=finn, payment_id=payment.pk, now=LATER)

        return act

    def charge_back(self) -> Callable[[], Any]:
        """A chargeback ends a payment: another takes its place."""
        place = self.arena.rng.randrange(len(self.scenes))
        payment, self.scenes[place] = self.scenes[place].payment, self.arena.scene("50.00")
        return partial(charge_back_payment, principal=self.cast.as_finn, payment_id=payment.pk, now=LATER)

    def cancel(self) -> Callable[[], Any]:
        payout = Payout.objects.filter(state="ready").order_by("-pk").first()
        if payout is None:
            return self.send()
        finn = self.cast.as_finn
        return partial(cancel_payout, principal=finn, payout_id=payout.pk, reason="A mistake.", now=LATER)

    def send(self) -> Callable[[], Any]:
        def act() -> None:
            while (claim := claim_next(LATER)) is not None:
                send_claim(claim, LATER)

        return act

    def look_after(self) -> Callable[[], Any]:
        return partial(look_after_payouts, now=LATER)

    def member(self) -> Callable[[], Any]:
        role = self.arena.rng.choice(("viewer", "requester"))
        who = {"client_id": self.cast.client.pk, "user": self.cast.bea, "role": role, "now": LATER}
        return partial(change_member, principal=self.cast.as_alice, **who)

    def account(self) -> Callable[[], Any]:
        iban = self.arena.rng.choice(_IBANS)
        who = {
            "principal": self.cast.as_alice,
            "client_id": self.cast.client.pk,
            "holder": "Acme",
            "now": LATER,
        }
        return partial(save_bank_account, iban=iban, **who)


def _flows(arena: Arena, rounds: int) -> Iterator[str]:
    town = _Town(arena)
    for _ in range(rounds):
        if wrong := other_than(arena.together(*town.acts()), *_REFUSALS):
            yield wrong
    for violation in checks.find_violations(LATER):
        if violation.id not in ("I09", "I12", "I16", "I20"):  # late, as nothing works it off here
            yield str(violation)


RACES = (
    Race(title="random pairs of 13 flows, each twice at once", play=_flows, off=locks_in_another_order,
         without="who decides a case locks its payments before its contract"),
)  # fmt: skip
