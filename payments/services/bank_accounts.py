"""
Where a client wants money back that goes out through a bank.

One account counts at a time. Whoever steals a sign-in must not be able to turn money that is on its way: a
changed account can be used after a cooling period only, payouts that are ready wait for that, and everybody
who could notice is told.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils.crypto import salted_hmac
from django.views.decorators.debug import sensitive_variables

from accounts.models import User
from accounts.principals import Principal
from accounts.rights import require_finance
from contracts.models import Role
from contracts.selectors import client_of, lock_client, role_of
from events.services import record_event
from events.vault import open_secret, seal_secret
from kernel.errors import DomainError, Fault, InvalidInput, NotFoundOrHidden, NotPermitted
from payments.gateways.sepa import why_no_name
from payments.iban import InvalidIban, parse_iban
from payments.models import BankAccount, Payout, PayoutState, Rail
from payments.selectors import bank_accounts_of, current_bank_account

COOLING: Final = timedelta(days=3)
"""How long a changed account cannot be used."""

HOLDER_MAX: Final = 70
"""What a bank takes as a name (ISO 20022, Max70Text)."""

BANK_RAILS: Final = (Rail.BANK_FILE, Rail.MANUAL)
"""The rails on which money needs an account; the others send it back the way it came."""


CHANGES_A_DAY_MAX: Final = 5
"""So many accounts of a client within a day; each one is told by e-mail."""


class TooManyBankAccounts(DomainError):
    """The account was changed too often within a day."""

    code = "too_many_bank_accounts"
    title = "The bank account has been changed too often today."


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a payout goes, and from when on; both empty where money goes back the way it came."""

    account_id: UUID | None = None
    not_before: datetime | None = None


@sensitive_variables("iban")
@transaction.atomic
def save_bank_account(
    *, principal: Principal, client_id: UUID, holder: str, iban: str, now: datetime
) -> BankAccount:
    """
    Enter or change the account of a client; the same account again changes nothing.

    The first account can be used at once, a changed one after the cooling period. Payouts that are ready go
    to the new account and wait for it; one that is with Finance or further keeps the account it has.

    :raises NotFoundOrHidden: no such client for this principal
    :raises NotPermitted: not an owner of the client in person
    :raises InvalidInput: every fault of the fields
    :raises TooManyBankAccounts: it was changed too often within a day
    """
    client = client_of(principal, client_id)
    owner = _require_owner(principal, client.pk)
    name, number = _read(holder, iban)
    lock_client(client.pk)
    before = current_bank_account(client.pk)
    is_same = before is not None and open_secret(before.iban_encrypted) == number
    if before is not None and is_same and before.holder == name:
        return before
    _require_rarely(client.pk, now)
    if before is not None:
        before.replaced_at = now
        before.save(update_fields=["replaced_at"])
    account = BankAccount(
        client=client,
        holder=name,
        iban_encrypted=seal_secret(number),
        iban_last4=number[-4:],
        iban_sha256=iban_mark(number),
        created_at=now,
        created_by=owner,
        usable_from=_usable_from(before, is_same, now),
    )
    account.save(force_insert=True)
    _lead_payouts_to(account, is_first=before is None, now=now)
    _tell(account, before, principal, now)
    return account


def _require_owner(principal: Principal, client_id: UUID) -> User:
    person = principal.user if principal.is_person and not principal.is_staff else None
    if person is None or role_of(person, client_id) != Role.OWNER:
        raise NotPermitted("Only an owner of the client may change its bank account.")
    return person


def _require_rarely(client_id: UUID, now: datetime) -> None:
    lately = BankAccount.objects.filter(client=client_id, created_at__gt=now - timedelta(days=1))
    if lately.count() >= CHANGES_A_DAY_MAX:
        raise TooManyBankAccounts


@sensitive_variables()
def _read(holder: str, iban: str) -> tuple[str, str]:
    faults, number = [], ""
    name = " ".join(holder.split())
    if not name or len(name) > HOLDER_MAX or not name.isprintable():
        message = f"must be a name of at most {HOLDER_MAX} characters"
        faults.append(Fault(path="holder", message=message))
    elif why_no_name(name):
        message = (
            f"must be writable in at most {HOLDER_MAX} Latin letters and digits, as banks take no others"
        )
        faults.append(Fault(path="holder", message=message))
    try:
        number = parse_iban(iban)
    except InvalidIban as refusal:
        faults.append(Fault(path="iban", message=refusal.detail, code=refusal.code))
    if faults:
        raise InvalidInput("The bank account has faults.", faults=faults)
    return name, number


@sensitive_variables()
def iban_mark(number: str) -> str:
    """Give the mark by which the same IBAN is known again without being read: a keyed hash, 64 hex digits."""
    return salted_hmac("payments.iban", number, algorithm="sha256").hexdigest()


def _usable_from(before: BankAccount | None, is_same: bool, now: datetime) -> datetime:
    """The first account at once; another name for the same one as it was; a changed one after cooling."""
    if before is None:
        return now
    return max(before.usable_from, now) if is_same else now + COOLING


def _lead_payouts_to(account: BankAccount, *, is_first: bool, now: datetime) -> None:
    """Lead payouts that are ready to an account; the first one also those with Finance that have none."""
    waiting = Payout.objects.filter(client_id=account.client_id, rail__in=BANK_RAILS)
    waiting.filter(state=PayoutState.READY).update(
        destination=account, not_before=destination_from(account, now).not_before
    )
    if is_first:
        waiting.filter(state=PayoutState.MANUAL, destination=None).update(destination=account)


def destination_from(account: BankAccount, now: datetime) -> Destination:
    """Give an account as the destination of a payout: it waits if the account cannot be used yet."""
    return Destination(account.pk, account.usable_from if account.usable_from > now else None)


def destination_of(*, client_id: UUID, rail: str, now: datetime) -> Destination:
    """Find where a payout of a client goes on a rail; the client's row is locked."""
    account = current_bank_account(client_id) if rail in BANK_RAILS else None
    return Destination() if account is None else destination_from(account, now)


def _tell(account: BankAccount, before: BankAccount | None, principal: Principal, now: datetime) -> None:
    record_event(
        type="bank_account.added" if before is None else "bank_account.changed",
        subject_type="bank_account",
        subject_id=account.pk,
        client_id=account.client_id,
        actor=principal.actor,
        at=now,
        data={
            "before": None if before is None else before.pk,
            "usable_from": account.usable_from,
        },
    )


def read_iban(*, principal: Principal, account_id: UUID) -> str:
    """
    Give the whole IBAN, for Finance alone.

    :raises NotFoundOrHidden: no such account for this principal
    :raises NotPermitted: not one of Finance in person
    """
    account = bank_accounts_of(principal).filter(pk=account_id).first()
    if account is None:
        raise NotFoundOrHidden("There is no such bank account.")
    if not principal.is_person:
        raise NotPermitted("Only Finance may read this, in person.")
    require_finance(principal)
    return open_secret(account.iban_encrypted)
