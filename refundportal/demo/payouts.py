"""What became of the demonstration's payouts: one of every state, through the sandbox."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from payments.models import FaultKind, Payout, PayoutState, SandboxFault
from payments.services.doubts import look_after_payouts
from payments.services.refunds import cancel_payout
from payments.services.sending import claim_payout, send_due_payouts
from payments.services.steps import replace_payout
from refundportal.demo.teller import Teller

Fate = Callable[[Teller, Payout], None]


def _send(
    payout: Payout, fault: FaultKind | None = None, code: str = "", at: datetime | None = None
) -> datetime:
    """Send the oldest payout that is due, which is this one; say when."""
    at = at or payout.created_at + timedelta(minutes=1)
    if fault is not None:
        SandboxFault.objects.create(kind=fault, code=code)
    send_due_payouts(now=at, batch_max=1)
    return at


def arrives(_: Teller, payout: Payout) -> None:
    look_after_payouts(now=_send(payout) + timedelta(days=1))


def is_cancelled(tell: Teller, payout: Payout) -> None:
    cancel_payout(
        principal=tell.people.finn, payout_id=payout.pk, reason="The client changed banks.", now=tell.ago(0.5)
    )


def is_refused(_: Teller, payout: Payout) -> None:
    _send(payout, FaultKind.REFUSE, "account_closed")


def comes_back(tell: Teller, payout: Payout) -> None:
    """The bank returns it; Finn asks for another try, which waits for a second person."""
    at = _send(payout, FaultKind.RETURN_LATER, "account_blocked")
    look_after_payouts(now=at + timedelta(days=3))
    replace_payout(
        principal=tell.people.finn,
        payout_id=payout.pk,
        reason="The client has unblocked the account.",
        now=tell.ago(0.5),
    )


def goes_to_finance(_: Teller, payout: Payout) -> None:
    """No answer, and the key is too old to try again by machine."""
    look_after_payouts(now=_send(payout, FaultKind.TIMEOUT_NOT_DONE) + timedelta(days=2))


def is_on_its_way(tell: Teller, payout: Payout) -> None:
    _send(payout, at=tell.now)


def gets_no_answer(tell: Teller, payout: Payout) -> None:
    _send(payout, FaultKind.TIMEOUT_DONE, at=tell.now)


def is_being_sent(tell: Teller, payout: Payout) -> None:
    claim_payout(payout, tell.now)


def waits(tell: Teller, payout: Payout) -> None:
    _send(payout, FaultKind.WAIT, at=tell.now)


FATES: Final[dict[tuple[str, str], Fate]] = {
    ("BJ-03", "S08"): is_cancelled,
    ("BJ-03", "S05"): arrives,
    ("PD-01", "S1"): goes_to_finance,
    ("PD-01", "S2"): comes_back,
    ("PD-01", "S3"): is_refused,
    ("PD-01", "S4"): is_being_sent,
    ("PD-01", "S5"): gets_no_answer,
    ("PD-01", "S6"): waits,
    ("QCS/2026/31", "S2"): is_on_its_way,
}


def tell_fates(tell: Teller) -> None:
    """Let each payout that nobody has touched yet meet its fate."""
    for (reference, code), fate in FATES.items():
        untouched = Payout.objects.filter(
            payment__contract__reference=reference,
            payment__stage__code=code,
            state=PayoutState.READY,
            attempts_made=0,
            replaces=None,
        )
        for payout in untouched:
            fate(tell, payout)
