"""
What becomes of a bank file: it was uploaded, or it never was. A second person says so.

A payout is in one file for ever. After a file that was never uploaded it ends unsent and gets a successor
with a key of its own, so no two files ever order the same transfer.
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.groups import is_approver, is_finance
from accounts.models import User
from accounts.principals import Principal
from accounts.rights import person_of, require_finance
from contracts.selectors import is_member, lock_client
from kernel.errors import NotFoundOrHidden, NotPermitted, StaleState
from kernel.states import move
from payments.crashes import crash_point
from payments.gateways.protocol import AnswerKind, GatewayAnswer
from payments.models import BankFile, Payout, PayoutState
from payments.models.payments import PaymentStatus
from payments.selectors import lock_payment, lock_payout
from payments.services.bank_files import tell_file
from payments.services.booking import book_answer
from payments.services.journal import tell_payout
from payments.services.payments import check_reason
from payments.services.steps import SecondPersonNeeded
from payments.services.successors import succeed
from payments.states import PAYOUT


@transaction.atomic
def confirm_bank_file(*, principal: Principal, file_id: UUID, now: datetime) -> BankFile:
    """
    Say as the second person that a file was uploaded: its payouts are sent and booked so.

    :raises NotFoundOrHidden: there is no such file
    :raises NotPermitted: the second person is one of Finance or an Approver, and no member of a client in it
    :raises SecondPersonNeeded: it is the person who made it
    :raises StaleState: it was confirmed or discarded, or somebody proposed to discard it
    """
    person = _second_person(principal)
    file = _lock_open(file_id)
    if file.created_by_id == person.pk:
        raise SecondPersonNeeded
    if file.discard_proposed_at is not None:
        raise StaleState(_("Somebody proposed to discard this file. That has to be settled first."))
    payouts = _payouts_in(file)
    _require_no_member(person, payouts)
    file.confirmed_by, file.confirmed_at = person, now
    file.save(update_fields=["confirmed_by", "confirmed_at"])
    answer = GatewayAnswer(kind=AnswerKind.ACCEPTED, reference=file.message_id)
    for payout in payouts:
        book_answer(payout_id=payout.pk, answer=answer, now=now, actor=principal.actor)
    tell_file("bank_file.confirmed", file, principal.actor, now)
    crash_point("in_bank_file")
    return file


@transaction.atomic
def propose_discard(*, principal: Principal, file_id: UUID, reason: str, now: datetime) -> BankFile:
    """
    Propose to discard a file because it never reached the bank.

    :raises NotFoundOrHidden, NotPermitted:
    :raises InvalidInput: no reason
    :raises StaleState: it was confirmed, discarded or proposed for it, or the bank knows a transfer of it
    """
    person = require_finance(principal)
    check_reason(reason, needed=True)
    file = _lock_open(file_id)
    payouts = _payouts_in(file)
    _require_no_member(person, payouts)
    _require_unknown_to_the_bank(payouts)
    if file.discard_proposed_at is not None:
        raise StaleState(_("It is proposed already."))
    file.discard_reason, file.discard_proposed_by, file.discard_proposed_at = reason, person, now
    file.save(update_fields=["discard_reason", "discard_proposed_by", "discard_proposed_at"])
    tell_file("bank_file.discard_proposed", file, principal.actor, now)
    return file


@transaction.atomic
def withdraw_discard(*, principal: Principal, file_id: UUID, now: datetime) -> BankFile:
    """
    Take the proposal to discard a file back.

    :raises NotFoundOrHidden, NotPermitted:
    :raises StaleState: nobody proposed it, or it is done
    """
    require_finance(principal)
    file = _lock_proposed(file_id)
    file.discard_reason, file.discard_proposed_by, file.discard_proposed_at = "", None, None
    file.save(update_fields=["discard_reason", "discard_proposed_by", "discard_proposed_at"])
    tell_file("bank_file.discard_withdrawn", file, principal.actor, now)
    return file


@transaction.atomic
def discard_bank_file(*, principal: Principal, file_id: UUID, now: datetime) -> BankFile:
    """
    Discard a file as the second person: its payouts end unsent and get successors with keys of their own.

    No successor is made where the payment is in dispute or was charged back: people go on from there.

    :raises NotFoundOrHidden, NotPermitted:
    :raises SecondPersonNeeded: it is the person who proposed it
    :raises StaleState: nobody proposed it, it is done, or the bank knows a transfer of it
    """
    person = _second_person(principal)
    file = _lock_proposed(file_id)
    if file.discard_proposed_by_id == person.pk:
        raise SecondPersonNeeded
    payouts = _payouts_in(file)
    _require_no_member(person, payouts)
    _require_unknown_to_the_bank(payouts)
    file.discarded_by, file.discarded_at = person, now
    file.save(update_fields=["discarded_by", "discarded_at"])
    for client_id in sorted({payout.client_id for payout in payouts}):
        lock_client(client_id)
    for payout in payouts:
        _send_otherwise(payout, file, principal, now)
    tell_file("bank_file.discarded", file, principal.actor, now)
    crash_point("in_bank_file")
    return file


def _send_otherwise(found: Payout, file: BankFile, principal: Principal, now: datetime) -> None:
    """End a payout unsent and make its successor, by the two people of the discarded file."""
    payment = lock_payment(found.payment_id)
    payout = lock_payout(found.pk)
    payout.payment = payment
    move(
        payout, PayoutState.SUBMITTING, PayoutState.FAILED, table=PAYOUT,
        failure_code="file_discarded", ended_at=now, lease_until=None, next_look_up_at=None,
    )  # fmt: skip
    tell_payout("payout.failed", payout, principal.actor, now, code=payout.failure_code)
    if payment.status == PaymentStatus.CAPTURED:
        succeed(
            payout, payment, proposed_by=file.discard_proposed_by, confirmed_by=file.discarded_by,
            principal=principal, now=now, step=file.pk,
        )  # fmt: skip


def _second_person(principal: Principal) -> User:
    person = person_of(principal)
    if not principal.is_person or not (is_finance(person) or is_approver(person)):
        raise NotPermitted("The second person is one of Finance, or an Approver.")
    return person


def _lock_open(file_id: UUID) -> BankFile:
    file = BankFile.objects.select_for_update(no_key=True).filter(pk=file_id).first()
    if file is None:
        raise NotFoundOrHidden("There is no such bank file.")
    if not file.is_open:
        raise StaleState(_("This file was confirmed or discarded already."))
    return file


def _lock_proposed(file_id: UUID) -> BankFile:
    file = _lock_open(file_id)
    if file.discard_proposed_at is None:
        raise StaleState(_("Nobody has proposed to discard this file."))
    return file


def _payouts_in(file: BankFile) -> list[Payout]:
    return list(file.payouts.order_by("payment_id", "id"))


def _require_no_member(person: User, payouts: Collection[Payout]) -> None:
    if any(is_member(person, client_id) for client_id in {payout.client_id for payout in payouts}):
        raise NotPermitted("Nobody moves money of a client they belong to.")


def _require_unknown_to_the_bank(payouts: Collection[Payout]) -> None:
    if any(payout.state != PayoutState.SUBMITTING for payout in payouts):
        raise StaleState(_("The bank knows transfers of this file: it was uploaded."))
