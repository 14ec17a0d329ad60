"""What happens to money on its way back: it is sent, gets lost, arrives, comes back, is sent again."""

from datetime import timedelta
from typing import Any, Final

from django.db.models.functions import Now
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from payments.models import Payout, PayoutStep, SandboxFault, SandboxRefund
from payments.services import (
    cancel_payout,
    confirm_step,
    give_up_payout,
    look_after_payouts,
    reconcile,
    replace_payout,
    resolve_manual,
    send_due_payouts,
    withdraw_step,
)
from payments.services.sending import claim_next
from tests.faults.life.cases import Cases
from tests.faults.life.world import PICK

FAULTS: Final = st.sampled_from(
    (
        "", "", "refuse", "timeout_done", "timeout_not_done", "error_done", "error_not_done", "wait", "late",
        "wrong_amount", "fail_later", "return_later",
    )
)  # fmt: skip
_ON_ITS_WAY: Final = ("submitting", "unknown", "accepted")


class Life(Cases):
    """Everything that can happen."""

    @precondition(lambda self: self.has(Payout, "ready"))
    @rule(kind=FAULTS)
    def send(self, kind: str) -> None:
        self._provider_does(kind)
        self._run(send_due_payouts)

    @precondition(lambda self: self.has(Payout, *_ON_ITS_WAY))
    @rule(lost=st.booleans(), time=st.sampled_from((timedelta(seconds=30), timedelta(hours=5))))
    def look_after(self, lost: bool, time: timedelta) -> None:
        self.wait(time)
        if lost:
            self._provider_does("look_up_lost")
        self._run(look_after_payouts)

    def _provider_does(self, kind: str) -> None:
        if kind:
            SandboxFault.objects.create(kind=kind, code="account_closed", calls_left=1)

    def _run(self, task: Any, **given: Any) -> None:
        task(now=self.now, **given)
        self._where = None
        self.tally.done[task.__name__] += 1

    @precondition(lambda self: self.has(Payout, "ready"))
    @rule()
    def a_sender_dies(self) -> None:
        """It has claimed a payout and is gone: the lease, which the database's clock ends, has ended."""
        if claim_next(self.now, ["sandbox"]) is not None:
            Payout.objects.filter(state="submitting").update(lease_until=Now() - timedelta(minutes=1))
        self._where = None

    @precondition(lambda self: self.has(Payout, "unknown"))
    @rule(pick=PICK, is_listed=st.booleans())
    def it_turns_out_to_have_failed(self, pick: int, is_listed: bool) -> None:
        payout = self.one(pick, Payout, "unknown")
        code = "account_closed" if is_listed else "mystery"
        ended = {"end": "failed", "failure_code": code, "ends_at": self.now}
        if not SandboxRefund.objects.filter(key=payout.pk.hex).update(**ended):
            SandboxRefund.objects.create(
                key=payout.pk.hex, amount_minor=payout.amount_minor, currency=payout.currency,
                created_at=self.now, **ended,
            )  # fmt: skip
        self.wait(timedelta(hours=4))
        self._run(look_after_payouts)

    @precondition(lambda self: self.has(Payout, "accepted", "settled"))
    @rule(
        pick=PICK, state=st.sampled_from(("accepted", "settled")), end=st.sampled_from(("returned", "failed"))
    )
    def money_comes_back(self, pick: int, state: str, end: str) -> None:
        if not self.has(Payout, state):
            return
        payout = self.one(pick, Payout, state)
        SandboxRefund.objects.filter(key=payout.pk.hex).update(
            end=end, failure_code="account_closed", ends_at=self.now
        )
        self._run(reconcile, rail="sandbox")

    @precondition(lambda self: self.has(Payout, "unknown"))
    @rule()
    def the_provider_is_silent_for_a_day(self) -> None:
        self.wait(timedelta(hours=20))
        for _ in range(Payout.objects.filter(state__in=_ON_ITS_WAY).count()):
            self._provider_does("look_up_lost")
        self._run(look_after_payouts)
        SandboxFault.objects.all().delete()

    @rule()
    def hold_the_books_against_each_other(self) -> None:
        self._run(reconcile, rail="sandbox")

    @rule(
        time=st.sampled_from((timedelta(minutes=5), timedelta(hours=1), timedelta(days=1), timedelta(days=9)))
    )
    def time_passes(self, time: timedelta) -> None:
        self.wait(time)

    # People of Finance

    @precondition(lambda self: self.has(Payout, "ready"))
    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        payout = self.one(pick, Payout, "ready")
        self.attempt(cancel_payout, principal=self.cast.as_finn, payout_id=payout.pk, reason="A mistake.")

    @precondition(lambda self: self.has(Payout, "manual"))
    @rule(pick=PICK, was_sent=st.booleans())
    def say_what_became_of_it(self, pick: int, was_sent: bool) -> None:
        """The truth, where the provider's book holds one."""
        payout = self.one(pick, Payout, "manual")
        if payout.rail == "sandbox":
            was_sent = SandboxRefund.objects.filter(key=payout.pk.hex).exclude(end="failed").exists()
        self._step(
            resolve_manual, payout, accepted=was_sent, reason="As the bank says.", evidence_reference="4711"
        )

    @precondition(lambda self: self.has(Payout, "failed", "returned"))
    @rule(pick=PICK, service=st.sampled_from((replace_payout, replace_payout, give_up_payout)))
    def go_on_after_a_failure(self, pick: int, service: Any) -> None:
        self._step(service, self.one(pick, Payout, "failed", "returned"), reason="Go on.")

    def _step(self, service: Any, payout: Payout, **given: Any) -> None:
        """One of Finance proposes; now and then nobody confirms."""
        step = self.attempt(service, principal=self.cast.as_finn, payout_id=payout.pk, **given)
        if step is not None and self.tally.steps % 5:
            self.attempt(confirm_step, principal=self.people.flo, step_id=step.pk)

    @precondition(lambda self: PayoutStep.objects.filter(confirmed_at=None, withdrawn_at=None).exists())
    @rule(is_confirmed=st.booleans())
    def answer_a_step(self, is_confirmed: bool) -> None:
        step = PayoutStep.objects.filter(confirmed_at=None, withdrawn_at=None).order_by("pk")[0]
        service = confirm_step if is_confirmed else withdraw_step
        who = self.people.flo if is_confirmed else self.cast.as_finn
        self.attempt(service, principal=who, step_id=step.pk)
