"""Capture: the money of a payment arrived. What governs it for ever is frozen here."""

from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from accounts.principals import Principal
from accounts.rights import require_money
from contracts.models import PrepaymentShare, StageKind
from contracts.policy.window import window_of
from contracts.selectors import lock_contract, policy_terms, terms_in_force
from kernel.errors import DomainError, Fault, StaleState
from kernel.states import move
from payments import ledger
from payments.allocation import allocate_prepayment
from payments.models import Allocation, Method, Payment, PaymentStatus
from payments.selectors import lock_payment, lock_stage, payment_of
from payments.services.assignment import assign_waiting_usage
from payments.services.journal import tell_payment
from payments.services.payments import require_not_member
from payments.states import PAYMENT

BACKDATED_AT_MOST: Final = timedelta(days=1)


class CapturedInTheFuture(DomainError):
    """Money cannot have been confirmed later than now."""

    code = "captured_in_the_future"
    kind = "invalid"
    title = "The money cannot have been confirmed in the future."


class CapturedTooFarBack(DomainError):
    """A capture may lie at most one day back: what lies further back would shorten the client's window."""

    code = "captured_too_far_back"
    kind = "invalid"
    title = "The confirmation of the money may lie at most one day back."


class PrepaymentWithoutShares(DomainError):
    """Nobody said which work this prepayment pays for."""

    code = "prepayment_without_shares"
    title = "The contract does not say which work this prepayment pays for."


def provider_capture_instant(*, provider_at: datetime, received_at: datetime) -> datetime:
    """
    Give the instant that counts for money confirmed by a provider.

    It is the provider's time, but the time of receipt if that is more than a day later (or earlier, when the
    clocks differ).
    """
    if provider_at > received_at or received_at - provider_at > BACKDATED_AT_MOST:
        return received_at
    return provider_at


@transaction.atomic
def capture_payment(
    *,
    principal: Principal,
    payment_id: UUID,
    captured_at: datetime | None = None,
    value_date: date | None = None,
    now: datetime,
    imported: bool = False,
    received_at: datetime | None = None,
) -> Payment:
    """
    Note that provider or bank confirmed the money: freeze terms and deadline, allocate, book, assign usage.

    `captured_at` is now unless given; `value_date` never decides the window; it is booked as of now, so that
    no day of the books changes afterwards. With `imported` (existing
    contracts only) it may lie further back than a day; the payment is marked. With `received_at` the day is
    counted from when a provider's message came, not from when it could be worked off.

    :raises NotFoundOrHidden, NotPermitted:
    :raises CapturedInTheFuture, CapturedTooFarBack: an instant that cannot be taken
    :raises StaleState: the payment is neither pending nor authorised
    :raises OutsideCalendar: the deadline would leave the years 0001 to 9999
    """
    found = payment_of(principal, payment_id)
    require_money(principal)
    require_not_member(principal, found.client_id)
    captured_at = captured_at or now
    _check_instant(captured_at, now, known_at=received_at or now, imported=imported)
    lock_contract(found.contract_id)
    lock_stage(found.stage_id)
    payment = lock_payment(payment_id)
    changes: dict[str, Any] = {"imported": True} if imported else {}
    if value_date is not None:
        changes["value_date"] = value_date
    _freeze(payment, captured_at, changes)
    allocate(payment)
    ledger.book_capture(payment, now)
    assign_waiting_usage(payment)
    tell_payment(
        "payment.captured", payment, principal.actor, now,
        captured_at=captured_at, deadline=payment.deadline_text, terms=payment.terms_id, imported=imported,
    )  # fmt: skip
    return payment


def _check_instant(captured_at: datetime, now: datetime, *, known_at: datetime, imported: bool) -> None:
    if captured_at > now:
        raise CapturedInTheFuture(faults=[_at_captured_at("must not lie in the future", CapturedInTheFuture)])
    if not imported and known_at - captured_at > BACKDATED_AT_MOST:
        raise CapturedTooFarBack(
            faults=[_at_captured_at("must lie at most one day back", CapturedTooFarBack)]
        )


def _at_captured_at(message: str, refusal: type[DomainError]) -> Fault:
    return Fault(path="captured_at", message=message, code=refusal.code)


def _freeze(payment: Payment, captured_at: datetime, changes: dict[str, Any]) -> None:
    """Move to captured under the terms in force, with the deadline that nothing recomputes later."""
    if payment.status not in (PaymentStatus.PENDING, PaymentStatus.AUTHORISED):
        raise StaleState(
            _("The payment is “%(status)s”.") % {"status": payment.status},
            expected=PaymentStatus.PENDING.value,
        )
    terms = terms_in_force(payment.contract_id, captured_at)
    window = window_of(policy_terms(terms), captured_at)
    move(
        payment, payment.status, PaymentStatus.CAPTURED, table=PAYMENT, field="status",
        captured_at=captured_at, terms=terms, deadline=window.deadline, deadline_text=window.text, **changes,
    )  # fmt: skip


def allocate(payment: Payment) -> None:
    """
    Part a captured payment among the stages of work it pays for.

    :raises PrepaymentWithoutShares: a prepayment of which nobody said what it prepays
    """
    stage = payment.stage
    parts = [(stage.pk, payment.amount_minor)]
    if stage.kind == StageKind.PREPAYMENT:
        shares = list(
            PrepaymentShare.objects.filter(prepayment=stage, work__is_removed=False)
            .order_by("work__position", "work_id")
            .values_list("work_id", "amount_minor")
        )
        if not shares:
            raise PrepaymentWithoutShares
        parts = allocate_prepayment(payment.amount_minor, shares, _allocated_before(payment))
    Allocation.objects.bulk_create(
        Allocation(payment=payment, stage_id=stage_id, amount_minor=part) for stage_id, part in parts
    )


def _allocated_before(payment: Payment) -> dict[UUID, int]:
    """What other payments for the same prepayment brought each stage of work, in minor units."""
    rows = Allocation.objects.filter(
        payment__stage_id=payment.stage_id,
        payment__status__in=[PaymentStatus.CAPTURED, PaymentStatus.DISPUTED],
    ).exclude(payment=payment)
    return dict(rows.values_list("stage_id").annotate(total=Sum("amount_minor")))


def is_credit(payment: Payment) -> bool:
    """Tell whether a payment is an exchange credit: it has no window and takes no application."""
    return payment.method == Method.CREDIT.value
