"""
Bank files: payouts gathered by one of Finance, to be uploaded to the bank by hand.

A payout in a file is `submitting` without a lease: no machine looks after it, and it belongs to that file for
ever. What became of a file is said by a second person (`bank_file_ends`).
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from accounts.models import User
from accounts.principals import Principal
from accounts.rights import require_finance
from contracts.selectors import is_member
from events.actors import Actor
from events.services import record_event
from events.vault import open_secret, seal_secret
from kernel.days import zone_of
from kernel.errors import DomainError, NotFoundOrHidden, NotPermitted, StaleState
from kernel.money import Money
from kernel.states import move
from payments.banking_days import execution_day
from payments.checks import money_is_safe
from payments.crashes import crash_point
from payments.gateways.sepa import OwnAccount, Transfer, message_id_of, why_no_transfer, write_file
from payments.models import BankFile, Payment, Payout, PayoutState, Rail
from payments.models.payments import PaymentStatus
from payments.restores import unreconciled_rails
from payments.selectors import lock_payment, lock_payout
from payments.services.booking import hand_to_finance
from payments.services.journal import tell_payout
from payments.states import PAYOUT
from payments.unexplained import without_unexplained

FILE_MAX: Final = 500
"""So many transfers in one file, so that it is made within one request."""


ACCOUNT_CHANGED: Final = "account_changed"
"""While the payouts were read their client got another account: the next look finds it."""


class NothingForTheBank(DomainError):
    """No payout can go into a bank file now."""

    code = "nothing_for_the_bank"
    kind = "conflict"
    title = "No payout can go into a bank file now."


class OtherPayouts(DomainError):
    """What waits for the bank is no longer what was shown."""

    code = "other_payouts"
    kind = "conflict"
    title = "Other payouts wait now than were shown. Please look at them again."


class SendingHalted(DomainError):
    """Something about the money is wrong, or this database was restored: nothing is sent."""

    code = "sending_halted"
    kind = "conflict"
    title = (
        "Sending is halted. Clear the open differences; after a restore, import every statement since then."
    )


@dataclass(frozen=True, slots=True)
class Waiting:
    """A payout that waits for a bank file; `why_not` says as a code why it cannot go into one."""

    payout: Payout
    why_not: str = ""


def payouts_for_the_bank(now: datetime) -> QuerySet[Payout]:
    """Give the payouts of the rail that are due and have an account, the oldest first."""
    rows = Payout.objects.filter(
        Q(not_before=None) | Q(not_before__lte=now),
        state=PayoutState.READY,
        rail=Rail.BANK_FILE,
        destination__isnull=False,
        payment__status=PaymentStatus.CAPTURED,
    )
    return without_unexplained(rows).select_related("payment", "destination", "client").order_by("id")


def waiting_for_the_bank(*, principal: Principal, now: datetime) -> list[Waiting]:
    """
    Say what a bank file would hold now, and what would be left out and why.

    :raises NotPermitted: bank files are for Finance
    """
    person = require_finance(principal)
    return [_judged(row, person) for row in payouts_for_the_bank(now)[:FILE_MAX]]


@sensitive_variables()
def _judged(payout: Payout, person: User) -> Waiting:
    if is_member(person, payout.client_id):
        return Waiting(payout, "own_client")
    return Waiting(payout, why_not_by_file(payout))


@sensitive_variables()
def why_not_by_file(payout: Payout) -> str:
    """Say as a code why a payout (with its destination) cannot go out in a bank file; empty if it can."""
    account = payout.destination
    if account is None:
        return ACCOUNT_CHANGED
    amount = Money(payout.amount_minor, payout.currency)
    return why_no_transfer(amount=amount, holder=account.holder, iban=open_secret(account.iban_encrypted))


def fingerprint(waiting: Iterable[Waiting]) -> str:
    """Name the file that would be made of what waits; empty if there is nothing for it."""
    keys = [one.payout.pk for one in waiting if not one.why_not]
    return message_id_of(keys) if keys else ""


@sensitive_variables()
@transaction.atomic
def make_bank_file(*, principal: Principal, now: datetime, expected: str = "") -> BankFile:
    """
    Gather what waits into a file and store its bytes; its payouts are on their way from then on.

    `expected` is the name of the file as it was shown (`fingerprint`); empty: whatever waits.

    :raises NotPermitted: bank files are for Finance, in person
    :raises SendingHalted: a safety invariant is violated, or this database was restored
    :raises NothingForTheBank, OtherPayouts:
    """
    person = require_finance(principal)
    if not principal.is_person:
        raise NotPermitted("A bank file is made by a person.")
    if not money_is_safe(now) or unreconciled_rails([Rail.BANK_FILE.value]):
        raise SendingHalted
    rows = payouts_for_the_bank(now).select_for_update(no_key=True, skip_locked=True, of=("self", "payment"))[
        :FILE_MAX
    ]
    waiting = [_judged(row, person) for row in rows]
    payouts = [one.payout for one in waiting if not one.why_not]
    if not payouts:
        raise NothingForTheBank
    if expected not in ("", message_id_of([payout.pk for payout in payouts])):
        raise OtherPayouts
    file = _store(payouts, person, now)
    crash_point("bank_file_stored")
    for payout in payouts:
        _put_into(payout, file, principal.actor, now)
    tell_file("bank_file.created", file, principal.actor, now)
    crash_point("in_bank_file")
    return file


@sensitive_variables()
def _store(payouts: list[Payout], person: User, now: datetime) -> BankFile:
    local_now = now.astimezone(zone_of(settings.COMPANY_TIME_ZONE))
    execution_on = execution_day(local_now)
    content = write_file(
        account=OwnAccount(name=settings.COMPANY_NAME, iban=settings.COMPANY_IBAN, bic=settings.COMPANY_BIC),
        transfers=[_transfer(payout) for payout in payouts],
        execution_on=execution_on,
        local_now=local_now,
    )
    return BankFile.objects.create(
        message_id=message_id_of([payout.pk for payout in payouts]),
        content_sealed=seal_secret(content.decode()),
        sha256=hashlib.sha256(content).hexdigest(),
        execution_on=execution_on,
        payouts_count=len(payouts),
        total_minor=sum(payout.amount_minor for payout in payouts),
        currency=payouts[0].currency,
        created_at=now,
        created_by=person,
    )


@sensitive_variables()
def _transfer(payout: Payout) -> Transfer:
    account = payout.destination
    assert account is not None
    return Transfer(
        key=payout.pk,
        amount=Money(payout.amount_minor, payout.currency),
        holder=account.holder,
        iban=open_secret(account.iban_encrypted),
        remittance=f"Refund of payment {payout.payment.number}",
    )


def _put_into(payout: Payout, file: BankFile, actor: Actor, now: datetime) -> None:
    """Lock a payout (ready) to a file: it is on its way without a lease."""
    move(
        payout, PayoutState.READY, PayoutState.SUBMITTING, table=PAYOUT,
        bank_file=file, lease_until=None, next_look_up_at=None,
        attempts_made=F("attempts_made") + 1, key_first_used_at=now,
    )  # fmt: skip
    payout.refresh_from_db(fields=["attempts_made"])
    tell_payout("payout.submitted", payout, actor, now, attempt=payout.attempts_made)


@sensitive_variables()
def export_bank_file(*, principal: Principal, file_id: UUID, now: datetime) -> bytes:
    """
    Give the bytes of a file, the same ones every time.

    :raises NotFoundOrHidden: there is no such file
    :raises NotPermitted: they hold whole IBANs, which are for Finance, in person, and for the portal's host
    :raises StaleState: it was discarded, what is stored is not what was made, or it was not uploaded yet and
        holds money of a payment that is in dispute or was charged back
    """
    if not principal.is_system:
        require_finance(principal)
        if not principal.is_person:
            raise NotPermitted("Only Finance may read this, in person.")
    file = BankFile.objects.filter(pk=file_id).first()
    if file is None:
        raise NotFoundOrHidden("There is no such bank file.")
    if file.discarded_at is not None:
        raise StaleState(_("This file was discarded: it must not reach the bank."))
    if file.is_open and file.payouts.exclude(payment__status=PaymentStatus.CAPTURED).exists():
        raise StaleState(
            _(
                "A payment in this file is in dispute or was charged back: the file must not reach the bank. "
                "Discard it; what is not in dispute goes out in another one."
            )
        )
    content = open_secret(file.content_sealed).encode()
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise StaleState(_("What is stored is not what was made: the file must not reach the bank."))
    tell_file("bank_file.exported", file, principal.actor, now)
    return content


def hand_over_unfit_payouts(*, now: datetime, batch_max: int = FILE_MAX) -> int:
    """Give payouts that no bank file can take (not in euros, outside SEPA) to Finance; give how many."""
    handed = 0
    for found in payouts_for_the_bank(now)[:batch_max]:
        why = why_not_by_file(found)
        if why in ("", ACCOUNT_CHANGED):
            continue
        with transaction.atomic():
            payment: Payment = lock_payment(found.payment_id)
            payout = lock_payout(found.pk)
            payout.payment = payment
            if payout.state == PayoutState.READY and payout.destination_id == found.destination_id:
                hand_to_finance(payout, now=now, code=why)
                handed += 1
    return handed


def tell_file(type: str, file: BankFile, actor: Actor, now: datetime, **data: Any) -> None:
    record_event(
        type=type,
        subject_type="bank_file",
        subject_id=file.pk,
        client_id=None,
        actor=actor,
        at=now,
        data={
            "message": file.message_id,
            "payouts": file.payouts_count,
            "total": Money(file.total_minor, file.currency).text,
            "currency": file.currency,
            "sha256": file.sha256,
            **data,
        },
    )
