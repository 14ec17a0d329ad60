"""What happens to applications: they arrive, facts are established, they are answered."""

from datetime import timedelta
from io import BytesIO
from typing import Any
from unittest.mock import patch

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from contracts.models import Stage, UsageRecord
from kernel.money import Money
from payments.models import Payment
from payments.services import capture_payment
from refunds import services
from refunds.models import RefundRequest, Trial
from refunds.scanner import Verdict
from tests.faults.life.contracts import CODES, RAILS, Contracts, Payments
from tests.faults.life.world import PICK

REASONS = st.sampled_from(("not_delivered", "not_as_agreed", "defects", "no_longer_needed"))
SHARES = st.sampled_from((None, None, 1, 2, 3))
"""How many quarters of the payment are asked for; None: all of it."""


class Cases(Contracts, Payments):
    """Applications and what is established, proposed and decided about them."""

    @precondition(lambda self: self.has(Payment, "captured", "disputed"))
    @rule(pick=PICK, reason=REASONS, part=SHARES)
    def apply(self, pick: int, reason: str, part: int | None) -> None:
        self._apply(self.one(pick, Payment, "captured", "disputed"), reason, part)

    @precondition(lambda self: self.has(Payment, "captured"))
    @rule(pick=PICK, reason=REASONS, part=SHARES)
    def apply_for_an_exchange(self, pick: int, reason: str, part: int | None) -> None:
        payment = self.one(pick, Payment, "captured")
        target = self.stage(("S1", "S2")[pick % 2])
        self._apply(payment, reason, part, remedy="exchange", target_stage_id=target.pk)

    @precondition(lambda self: self.has(Payment, "captured"))
    @rule(pick=PICK, reason=REASONS)
    def apply_too_late(self, pick: int, reason: str) -> None:
        payment = self.one(pick, Payment, "captured")
        self.now = max(self.now, payment.deadline or self.now)
        self._apply(payment, reason, None)

    def _apply(self, payment: Payment, reason: str, part: int | None, **given: Any) -> RefundRequest | None:
        amount = None if part is None else Money(max(1, payment.amount_minor * part // 4), payment.currency)
        made: RefundRequest | None = self.attempt(
            services.apply_for_refund,
            principal=self.cast.as_alice,
            payment_id=payment.pk,
            reason=reason,
            statement="So it is.",
            amount=amount,
            **given,
        )
        return made

    @precondition(lambda self: self.has(RefundRequest, "submitted", "information_requested"))
    @rule(pick=PICK)
    def take_up(self, pick: int) -> None:
        self._staff(
            services.start_review, self.one(pick, RefundRequest, "submitted", "information_requested")
        )

    @precondition(lambda self: self.has(RefundRequest, "in_review"))
    @rule(pick=PICK)
    def ask_for_information(self, pick: int) -> None:
        request = self.one(pick, RefundRequest, "in_review")
        self._staff(services.request_information, request, question="What is it?")

    @precondition(lambda self: self.has(RefundRequest, "information_requested"))
    @rule(pick=PICK)
    def inform(self, pick: int) -> None:
        request = self.one(pick, RefundRequest, "information_requested")
        self.attempt(
            services.post_message, principal=self.cast.as_alice, request_id=request.pk, body="It is this."
        )

    @precondition(lambda self: self.has(RefundRequest, "in_review"))
    @rule(pick=PICK, values=st.lists(st.sampled_from(("0", "1/3", "0.5", "1", None)), min_size=3, max_size=3))
    def assess(self, pick: int, values: list[str | None]) -> None:
        request = self.one(pick, RefundRequest, "in_review")
        for stage in Stage.objects.filter(allocations__payment=request.payment_id):
            codes = stage.items.order_by("position").values_list("code", flat=True)
            self._establish(
                services.assess, request, stage_id=stage.pk, values=dict(zip(codes, values, strict=False))
            )

    @precondition(lambda self: self.has(RefundRequest, "in_review"))
    @rule(pick=PICK, holds=st.booleans())
    def find_a_hidden_defect(self, pick: int, holds: bool) -> None:
        request = self.one(pick, RefundRequest, "in_review")
        stage = Stage.objects.filter(allocations__payment=request.payment_id).order_by("position").first()
        if stage is not None:
            self._establish(services.record_hidden_defect, request, stage_id=stage.pk, holds=holds)

    @precondition(lambda self: self.has(RefundRequest, "in_review"))
    @rule(pick=PICK, holds=st.booleans())
    def check_the_law(self, pick: int, holds: bool) -> None:
        request = self.one(pick, RefundRequest, "in_review")
        self._establish(services.record_statutory_check, request, holds=holds)

    @precondition(lambda self: self.has(RefundRequest, "in_review"))
    @rule(pick=PICK, excluded=st.booleans())
    def exclude_usage(self, pick: int, excluded: bool) -> None:
        request = self.one(pick, RefundRequest, "in_review")
        records = UsageRecord.objects.filter(payment_id=request.payment_id).order_by("pk")
        names = list(records.values_list("source", "external_id")[:3])
        self._establish(services.exclude_usage, request, records=names, excluded=excluded)

    def _establish(self, service: Any, request: RefundRequest, **given: Any) -> None:
        self._staff(service, request, reason="Tested.", **given)

    @precondition(lambda self: self.has(RefundRequest, "in_review"))
    @rule(pick=PICK)
    def propose(self, pick: int) -> None:
        self._staff(services.propose_answer, self.one(pick, RefundRequest, "in_review"))

    @precondition(lambda self: self.has(RefundRequest, "proposed"))
    @rule(pick=PICK, by_an_approver=st.booleans())
    def approve(self, pick: int, by_an_approver: bool) -> None:
        who = self.cast.as_arno if by_an_approver else self.people.rosa
        self._staff(services.approve_request, self.one(pick, RefundRequest, "proposed"), principal=who)

    @precondition(lambda self: self.has(RefundRequest, "proposed"))
    @rule(pick=PICK)
    def send_back(self, pick: int) -> None:
        request = self.one(pick, RefundRequest, "proposed")
        self._staff(services.send_back, request, principal=self.cast.as_arno, reason="Look again.")

    @precondition(
        lambda self: self.has(RefundRequest, "submitted", "in_review", "information_requested", "proposed")
    )
    @rule(pick=PICK, state=st.sampled_from(("submitted", "in_review", "information_requested", "proposed")))
    def withdraw(self, pick: int, state: str) -> None:
        if self.has(RefundRequest, state):
            request = self.one(pick, RefundRequest, state)
            self.attempt(services.withdraw_request, principal=self.cast.as_alice, request_id=request.pk)

    def _staff(self, service: Any, request: RefundRequest, **given: Any) -> None:
        self.attempt(service, **{"principal": self.cast.as_rita, "request_id": request.pk, **given})

    @rule(code=CODES, rail=RAILS, part=SHARES)
    def give_a_refund(self, code: str, rail: str, part: int | None) -> None:
        """The whole way to a payout in one step, so that there are enough of them."""
        payment = self._announce(code, "250.00", rail)
        if payment is None:
            return
        self._do(capture_payment, payment)
        request = self._apply(Payment.objects.get(pk=payment.pk), "not_delivered", part)
        if request is None:
            return
        self._staff(services.start_review, request)
        for stage in Stage.objects.filter(allocations__payment=payment.pk):
            codes = stage.items.values_list("code", flat=True)
            if stage.deliveries.exists():
                values = dict.fromkeys(codes, "1/3")
                self._establish(services.assess, request, stage_id=stage.pk, values=values)
        self._staff(services.propose_answer, request)
        self._staff(services.approve_request, request, principal=self.cast.as_arno)

    # Beside the cases: files and the laboratory

    @precondition(lambda self: self.has(RefundRequest))
    @rule(pick=PICK, is_clean=st.booleans())
    def send_a_file(self, pick: int, is_clean: bool) -> None:
        request = self.one(pick, RefundRequest)
        verdict = Verdict(found="" if is_clean else "Eicar-Test-Signature")
        with (
            patch("refunds.scanner.is_on", lambda: True),
            patch("refunds.services.scanning.scan", lambda content: verdict),
        ):
            self.attempt(
                services.add_attachment,
                principal=self.cast.as_alice,
                request_id=request.pk,
                file=BytesIO(b"What was found.\n"),
                file_name="found.txt",
            )
            services.scan_due(now=self.now, batch_max=10)

    @precondition(lambda self: self.has(RefundRequest, "rejected"))
    @rule(called_off=st.sampled_from(("no", "at once", "on the way")))
    def try_other_terms(self, called_off: str) -> None:
        period = {"since": self.now - timedelta(days=30), "until": self.now}
        trial = self.attempt(
            services.start_trial, principal=self.cast.as_rita, changes={"window_days": 2}, **period
        )
        if trial is None:
            return
        if called_off != "at once":
            services.run_trial(trial_id=trial.pk, now=self.now, batch_max=1)
        if called_off == "no":
            services.run_trial(trial_id=trial.pk, now=self.now, batch_max=1000)
        elif Trial.objects.get(pk=trial.pk).state in ("waiting", "running"):
            self.attempt(services.cancel_trial, principal=self.cast.as_rita, trial_id=trial.pk)
