"""Reading payments and payouts: the only way to a row is through the person or system that asks."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet

from accounts.principals import Principal
from contracts.models import Stage
from contracts.selectors import clients_of
from kernel.errors import NotFoundOrHidden
from payments.models import (
    BankAccount,
    BankFile,
    Break,
    Payment,
    Payout,
    PayoutStep,
    ProviderEvent,
    Reconciliation,
    Statement,
    StatementLine,
)
from payments.states import PAYOUT_ENDED_WITHOUT_MONEY

M = TypeVar("M", bound=Model)


def payments_of(principal: Principal) -> QuerySet[Payment]:
    """Give the payments that a principal may see."""
    return _seen_by(Payment.objects.select_related("contract", "stage"), principal)


def payouts_of(principal: Principal) -> QuerySet[Payout]:
    """Give the payouts that a principal may see."""
    return _seen_by(Payout.objects.select_related("payment"), principal)


def bank_accounts_of(principal: Principal) -> QuerySet[BankAccount]:
    """Give the bank accounts (their IBANs sealed) that a principal may see, replaced ones too."""
    return _seen_by(BankAccount.objects.all(), principal)


def breaks_of(principal: Principal) -> QuerySet[Break]:
    """Give the differences to the world outside that a principal may see: all to staff, none to others."""
    return _seen_by_staff(Break.objects.select_related("owner"), principal)


def break_of(principal: Principal, break_id: UUID) -> Break:
    """
    :raises NotFoundOrHidden: no such difference for this principal
    """
    return _one(breaks_of(principal), break_id, "There is no such difference.")


def reconciliations_of(principal: Principal) -> QuerySet[Reconciliation]:
    """Give the comparisons with providers' books that a principal may see: all to staff, none to others."""
    return _seen_by_staff(Reconciliation.objects.select_related("asked_by"), principal)


def reconciliation_of(principal: Principal, run_id: UUID) -> Reconciliation:
    """
    :raises NotFoundOrHidden: no such comparison for this principal
    """
    return _one(reconciliations_of(principal), run_id, "There is no such comparison.")


def bank_files_of(principal: Principal) -> QuerySet[BankFile]:
    """Give the bank files that a principal may see: all to staff, none to others."""
    rows = BankFile.objects.select_related(
        "created_by", "confirmed_by", "discard_proposed_by", "discarded_by"
    )
    return _seen_by_staff(rows.defer("content_sealed"), principal)


def bank_file_of(principal: Principal, file_id: UUID) -> BankFile:
    """
    :raises NotFoundOrHidden: no such bank file for this principal
    """
    return _one(bank_files_of(principal), file_id, "There is no such bank file.")


def statements_of(principal: Principal) -> QuerySet[Statement]:
    """Give the bank's statements that a principal may see: all to staff, none to others."""
    return _seen_by_staff(Statement.objects.select_related("imported_by"), principal)


def statement_of(principal: Principal, statement_id: UUID) -> Statement:
    """
    :raises NotFoundOrHidden: no such statement for this principal
    """
    return _one(statements_of(principal), statement_id, "There is no such statement.")


def lines_of(principal: Principal) -> QuerySet[StatementLine]:
    """Give the lines of statements that a principal may see: all to staff, none to others."""
    return _seen_by_staff(StatementLine.objects.select_related("statement", "decided_by"), principal)


def line_of(principal: Principal, line_id: UUID) -> StatementLine:
    """
    :raises NotFoundOrHidden: no such line for this principal
    """
    return _one(lines_of(principal), line_id, "There is no such line.")


REPEATED_WITHIN: Final = timedelta(days=30)


def repeats_of(payouts: Iterable[Payout]) -> dict[UUID, list[Payout]]:
    """
    Give for payouts (with destinations) the other ones of the same IBAN and amount within 30 days.

    Those that ended without money count for nothing. One query.
    """
    asked = [payout for payout in payouts if payout.destination is not None]
    marks = {payout.destination.iban_sha256 for payout in asked if payout.destination}
    if not asked:
        return {}
    others = Payout.objects.filter(
        destination__iban_sha256__in=marks,
        amount_minor__in={payout.amount_minor for payout in asked},
        created_at__gte=min(payout.created_at for payout in asked) - REPEATED_WITHIN,
        created_at__lte=max(payout.created_at for payout in asked) + REPEATED_WITHIN,
    ).exclude(state__in=sorted(PAYOUT_ENDED_WITHOUT_MONEY))
    known = list(others.select_related("destination", "payment").order_by("created_at", "id")[:2000])
    found = {payout.pk: [one for one in known if _repeats(one, payout)] for payout in asked}
    return {key: same for key, same in found.items() if same}


def _repeats(one: Payout, payout: Payout) -> bool:
    assert one.destination is not None
    assert payout.destination is not None
    return (
        one.pk != payout.pk
        and one.destination.iban_sha256 == payout.destination.iban_sha256
        and (one.amount_minor, one.currency) == (payout.amount_minor, payout.currency)
        and abs(one.created_at - payout.created_at) <= REPEATED_WITHIN
    )


def provider_events_of(principal: Principal) -> QuerySet[ProviderEvent]:
    """Give the messages of providers that a principal may see: all to staff, none to others."""
    rows = ProviderEvent.objects.select_related("set_aside_by")
    return _seen_by_staff(rows, principal)


def provider_event_of(principal: Principal, event_id: UUID) -> ProviderEvent:
    """
    :raises NotFoundOrHidden: no such message for this principal
    """
    return _one(provider_events_of(principal), event_id, "There is no such message.")


def current_bank_account(client_id: UUID) -> BankAccount | None:
    """Give the account to which a client wants money back, if it has named one."""
    rows = BankAccount.objects.select_related("created_by")
    return rows.filter(client=client_id, replaced_at=None).first()


def _seen_by(rows: QuerySet[M], principal: Principal) -> QuerySet[M]:
    if principal.is_system or (principal.is_staff and principal.api_client is None):
        return rows
    return rows.filter(client__in=clients_of(principal).values("pk"))


def _seen_by_staff(rows: QuerySet[M], principal: Principal) -> QuerySet[M]:
    is_staff = principal.is_system or (principal.is_staff and principal.api_client is None)
    return rows if is_staff else rows.none()


def payment_of(principal: Principal, payment_id: UUID) -> Payment:
    """
    :raises NotFoundOrHidden: no such payment for this principal
    """
    return _one(payments_of(principal), payment_id, "There is no such payment.")


def payout_of(principal: Principal, payout_id: UUID) -> Payout:
    """
    :raises NotFoundOrHidden: no such payout for this principal
    """
    return _one(payouts_of(principal), payout_id, "There is no such payout.")


def _one(rows: QuerySet[M], key: UUID, missing: str) -> M:
    found = rows.filter(pk=key).first()
    if found is None:
        raise NotFoundOrHidden(missing)
    return found


def lock_stage(stage_id: UUID) -> Stage:
    """Lock a stage's row until the end of the transaction; its contract is locked already."""
    return Stage.objects.select_for_update(no_key=True).get(pk=stage_id)


def lock_payment(payment_id: UUID) -> Payment:
    """Lock a payment's row until the end of the transaction."""
    return Payment.objects.select_for_update(no_key=True).get(pk=payment_id)


def lock_payout(payout_id: UUID) -> Payout:
    """Lock a payout's row until the end of the transaction; its payment is locked already."""
    return Payout.objects.select_for_update(no_key=True).get(pk=payout_id)


def lock_step(step_id: UUID) -> PayoutStep:
    """
    Lock a step that waits for its second person.

    :raises NotFoundOrHidden: there is no such step
    """
    return _one(PayoutStep.objects.select_for_update(no_key=True), step_id, "There is no such step.")


def chain_of(request_id: UUID) -> list[Payout]:
    """Give the payouts of a request, the oldest first."""
    return list(Payout.objects.filter(request_id=request_id).order_by("created_at", "id"))


def live_payout_of(request_id: UUID) -> Payout | None:
    """Give the payout that counts for a request: its latest one."""
    return Payout.objects.filter(request_id=request_id).order_by("-created_at", "-id").first()
