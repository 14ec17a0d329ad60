"""What happens to contracts and their work, and to the money that clients pay."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from contracts.models import Amendment, Contract, Delivery, Stage
from contracts.services import (
    accept_delivery,
    complete_contract,
    create_amendment,
    deliver_stage,
    object_to_delivery,
    sign_amendment,
    sign_contract,
    start_stage,
    terminate_contract,
    withdraw_amendment,
)
from contracts.tests.cast import draft_contract, stage_named
from kernel.money import Money
from payments.models import Payment
from payments.services import (
    authorise_payment,
    capture_payment,
    charge_back_payment,
    dispute_payment,
    fail_payment,
    record_payment,
    record_usage,
    resolve_dispute,
    void_payment,
)
from tests.faults.life.world import PICK, World

AMOUNTS = st.sampled_from(("0.01", "1.00", "33.33", "99.99", "250.00", "1000.00"))
CODES = st.sampled_from(("S1", "S1", "S2", "P1"))
RAILS = st.sampled_from(("sandbox", "sandbox", "sandbox", "manual"))


class Contracts(World):
    """Contracts, work, usage."""

    @rule(
        pick=PICK, what=st.sampled_from(("draft", "sign", "complete", "terminate", "amend", "agree", "drop"))
    )
    def do_paperwork(self, pick: int, what: str) -> None:
        if what == "draft":
            draft_contract(self.cast, now=self.now)
            self._where = None
        elif what == "sign" and self.has(Contract, "draft"):
            contract = self.one(pick, Contract, "draft")
            self.attempt(sign_contract, principal=self.cast.as_alice, contract_id=contract.pk)
        elif what in ("complete", "terminate"):
            self._end(self.one(pick, Contract, "signed"), is_done=what == "complete")
        elif what == "amend":
            self._amend(self.one(pick, Contract, "signed"))
        elif what in ("agree", "drop") and self.has(Amendment, "draft"):
            self._answer(self.one(pick, Amendment, "draft"), agreed=what == "agree")

    def _end(self, contract: Contract, *, is_done: bool) -> None:
        """End any but the first, on which everybody else acts."""
        if contract.pk == self.people.contract.pk:
            return
        given: dict[str, Any] = {"principal": self.cast.as_rita, "contract_id": contract.pk}
        if is_done:
            for stage in contract.stages.filter(kind="work", state="planned"):
                self._deliver(stage)
            self.attempt(complete_contract, **given)
        else:
            self.attempt(terminate_contract, reason="They part.", **given)

    def _amend(self, contract: Contract) -> None:
        stage = {"code": f"X{Amendment.objects.count()}", "title": "More", "kind": "work", "amount": "10.00"}
        items = [{"code": "AC-1", "statement": "It works.", "weight": "1"}]
        self.attempt(
            create_amendment,
            principal=self.cast.as_rita,
            contract_id=contract.pk,
            summary="More work.",
            changes={"add": [{**stage, "items": items}]},
        )

    def _answer(self, amendment: Amendment, *, agreed: bool) -> None:
        who = self.cast.as_alice if agreed else self.cast.as_rita
        service = sign_amendment if agreed else withdraw_amendment
        self.attempt(service, principal=who, amendment_id=amendment.pk)

    def stage(self, code: str) -> Stage:
        return stage_named(self.people.contract, code)

    @rule(code=st.sampled_from(("S1", "S2")))
    def deliver(self, code: str) -> None:
        self._deliver(self.stage(code))

    def _deliver(self, stage: Stage) -> None:
        given = {"principal": self.cast.as_rita, "stage_id": stage.pk}
        if stage.state == "planned":
            self.attempt(start_stage, **given)
        self.attempt(deliver_stage, **given)

    @precondition(lambda self: self.has(Delivery, "delivered"))
    @rule(pick=PICK, is_content=st.booleans())
    def answer_a_delivery(self, pick: int, is_content: bool) -> None:
        given = {
            "principal": self.cast.as_alice,
            "stage_id": self.one(pick, Delivery, "delivered").stage_id,
        }
        if is_content:
            self.attempt(accept_delivery, **given)
        else:
            self.attempt(object_to_delivery, objections=[{"item": "AC-1", "text": "It fails."}], **given)

    @rule(
        pick=PICK, quantity=st.integers(-2000, 20000), is_of_stage=st.booleans(), hours_ago=st.integers(0, 90)
    )
    def use(self, pick: int, quantity: int, is_of_stage: bool, hours_ago: int) -> None:
        """Usage is reported, often late, sometimes as a correction."""
        self.tally.done["usage reports"] += 1
        record = {
            "source": "meters",
            "external_id": f"{self.tally.steps}-{self.tally.done['usage reports']}",
            "contract": str(self.people.contract.pk),
            "meter": "api_calls",
            "quantity": str(quantity or 1),
            "occurred_at": (self.now - timedelta(hours=hours_ago)).isoformat(),
            **({"stage": ("S1", "S2")[pick % 2]} if is_of_stage else {}),
        }
        self.attempt(record_usage, principal=self.cast.as_erp, records=[record])


class Payments(World):
    """Money of clients comes, and is taken back."""

    @rule(code=CODES, amount=AMOUNTS, rail=RAILS, is_here=st.booleans())
    def pay(self, code: str, amount: str, rail: str, is_here: bool) -> None:
        payment = self._announce(code, amount, rail)
        if payment is not None and is_here:
            self._do(capture_payment, payment)

    def _announce(self, code: str, amount: str, rail: str) -> Payment | None:
        made: Payment | None = self.attempt(
            record_payment,
            principal=self.cast.as_finn,
            stage_id=self.stage(code).pk,
            amount=Money.parse(amount, "EUR"),
            method="card",
            rail=rail,
        )
        return made

    def _do(self, service: Any, payment: Payment, **given: Any) -> None:
        self.attempt(service, principal=self.cast.as_finn, payment_id=payment.pk, **given)

    @precondition(lambda self: self.has(Payment, "pending", "authorised"))
    @rule(
        pick=PICK, service=st.sampled_from((authorise_payment, capture_payment, fail_payment, void_payment))
    )
    def go_on_with_a_payment(self, pick: int, service: Any) -> None:
        self._do(service, self.one(pick, Payment, "pending", "authorised"))

    @precondition(lambda self: self.has(Payment, "captured", "disputed"))
    @rule(pick=PICK)
    def dispute_or_win(self, pick: int) -> None:
        """A dispute is open for one step at most, often."""
        if self.has(Payment, "disputed"):
            self._do(resolve_dispute, self.one(pick, Payment, "disputed"))
        else:
            self._do(dispute_payment, self.one(pick, Payment, "captured"))

    @precondition(lambda self: self.has(Payment, "captured", "disputed"))
    @rule(pick=PICK, part=st.sampled_from((None, 1, 2, 3)))
    def charge_back(self, pick: int, part: int | None) -> None:
        payment = self.one(pick, Payment, "disputed" if self.has(Payment, "disputed") else "captured")
        lost = None if part is None else Money(max(1, payment.amount_minor * part // 4), payment.currency)
        self._do(charge_back_payment, payment, amount=lost)
