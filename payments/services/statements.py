"""
Importing the bank's statements (camt.053): each is kept once, with every line, in one transaction.

What a line says of our payouts and of expected payments is booked with it; a refused file leaves nothing.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction

from accounts.principals import Principal
from accounts.rights import require_money
from events.services import record_event
from kernel.errors import DomainError, Fault
from payments.crashes import crash_point
from payments.gateways.camt import BankStatement, Movement, StatementRefused, read_statements
from payments.models import LineState, Rail, Statement, StatementLine
from payments.services.bank_reconciliation import compare_with_bank
from payments.services.matching import match_by_machine

CURRENCY = "EUR"
"""Of the company's account."""


class StatementKnown(DomainError):
    """The bank's name of the statement was imported already, with other content."""

    code = "statement_known"
    kind = "conflict"
    title = "A statement of this name was imported already, with other content."


class NoOwnAccount(DomainError):
    """The company's account is not set, so no statement can be its own."""

    code = "no_own_account"
    title = "The company's account is not set (COMPANY_IBAN)."


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementResult:
    """
    What became of one statement: `known` ones change nothing. `pending` entries are left to a later
    one; `has_gap`: it does not go on from the balance at which the one before ended.
    """

    statement: Statement
    known: bool
    has_gap: bool = False
    pending: int = 0
    captured: int = 0
    settled: int = 0
    returned: int = 0
    open: int = 0
    disputed: int = 0
    lines: tuple[StatementLine, ...] = ()


@transaction.atomic
def import_statement(
    *, principal: Principal, content: bytes, now: datetime, dry_run: bool = False
) -> tuple[StatementResult, ...]:
    """
    Import the statements of a file: all of them or none. With `dry_run` everything is tried and nothing kept.

    :raises NotPermitted: statements are for Finance and the portal's host
    :raises StatementRefused: no whole and coherent statement of the company's account
    :raises StatementKnown: a statement of the same name has other content
    :raises NoOwnAccount: the company's account is not set
    """
    require_money(principal)
    if not settings.COMPANY_IBAN:
        raise NoOwnAccount
    statements = read_statements(content)
    _check_accounts(statements)
    results = tuple(_import(one, principal, now) for one in statements)
    if not all(result.known for result in results):
        compare_with_bank(
            lines_read=sum(result.statement.lines_count for result in results if not result.known),
            principal=principal,
            now=now,
            after_statement=True,
        )
    crash_point("in_import")
    transaction.set_rollback(dry_run)
    return results


def _check_accounts(statements: Iterable[BankStatement]) -> None:
    faults = []
    for place, one in enumerate(statements, 1):
        if one.iban != settings.COMPANY_IBAN:
            ending = one.iban[-4:] or "?"
            faults.append(Fault(path=f"Stmt[{place}]/Acct", message=f"It is of another account, …{ending}."))
        elif one.currency != CURRENCY:
            faults.append(
                Fault(
                    path=f"Stmt[{place}]/Bal", message=f"The account is in {CURRENCY}, not in {one.currency}."
                )
            )
    if faults:
        raise StatementRefused(faults[0].message, faults=faults)


def _import(one: BankStatement, principal: Principal, now: datetime) -> StatementResult:
    statement, is_new = _keep(one, principal, now)
    if not is_new:
        if statement.sha256 != one.sha256:
            raise StatementKnown(statement=one.external_id)
        return StatementResult(statement=statement, known=True)
    has_gap = _has_gap(statement)
    lines = [_line(statement, movement, now) for movement in one.movements]
    StatementLine.objects.bulk_create(lines, batch_size=500)
    # Contracts are locked before payments and payouts: what comes in is booked first.
    ordered = sorted(lines, key=lambda line: (not line.is_credit or line.is_return, line.external_id))
    booked = Counter(match_by_machine(line, principal=principal, now=now) for line in ordered)
    states = Counter(line.state for line in lines)
    result = StatementResult(
        statement=statement,
        known=False,
        has_gap=has_gap,
        pending=one.pending,
        captured=booked["captured"],
        settled=booked["settled"],
        returned=booked["returned"],
        open=states[LineState.OPEN],
        disputed=states[LineState.DISPUTED],
        lines=tuple(lines),
    )
    _tell(result, principal, now)
    return result


def _keep(one: BankStatement, principal: Principal, now: datetime) -> tuple[Statement, bool]:
    """Store a statement, or find the one of its name; of two at once the second waits and finds it."""
    wanted = Statement(
        external_id=one.external_id,
        sha256=one.sha256,
        opening_minor=one.opening_minor,
        closing_minor=one.closing_minor,
        currency=one.currency,
        opens_on=one.opens_on,
        closes_on=one.closes_on,
        lines_count=len(one.movements),
        imported_at=now,
        imported_by=principal.user,
    )
    Statement.objects.bulk_create([wanted], ignore_conflicts=True)
    found = Statement.objects.get(external_id=one.external_id)
    return found, found.pk == wanted.pk


def _has_gap(statement: Statement) -> bool:
    """Tell whether the statement before, by its days, ended at another balance."""
    before = Statement.objects.filter(closes_on__lte=statement.closes_on).exclude(pk=statement.pk)
    last = before.order_by("-closes_on", "-imported_at", "-id").first()
    return last is not None and last.closing_minor != statement.opening_minor


def _line(statement: Statement, movement: Movement, now: datetime) -> StatementLine:
    return StatementLine(
        statement=statement,
        source=Rail.BANK_FILE.value,
        external_id=f"{statement.external_id}#{movement.number:05d}",
        booked_on=movement.booked_on,
        value_date=movement.value_date,
        amount_minor=movement.amount.minor,
        currency=movement.amount.currency,
        is_credit=movement.is_credit,
        is_return=movement.is_return,
        return_code=movement.return_code,
        reference=movement.remittance,
        bank_reference=movement.bank_reference,
        end_to_end_id=movement.end_to_end_id,
        counterparty=movement.counterparty,
        counterparty_last4=movement.counterparty_iban[-4:],
        imported_at=now,
    )


def _tell(result: StatementResult, principal: Principal, now: datetime) -> None:
    record_event(
        type="statement.imported",
        subject_type="statement",
        subject_id=result.statement.pk,
        client_id=None,
        actor=principal.actor,
        at=now,
        data={
            "sha256": result.statement.sha256,
            "lines": result.statement.lines_count,
            "captured": result.captured,
            "settled": result.settled,
            "returned": result.returned,
            "open": result.open,
            "disputed": result.disputed,
        },
    )
