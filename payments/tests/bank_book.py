"""Statements as a bank writes them, and bank files to be on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape

from accounts.groups import FINANCE
from accounts.principals import Principal
from accounts.services import create_user
from contracts.models import Contract
from contracts.tests.cast import NOW, Cast
from events.models import Event
from kernel.money import Money
from payments.models import Break, Payment, Payout, Reconciliation, Statement, StatementLine, Transfer
from payments.services import import_statement, save_bank_account
from payments.services.statements import StatementResult
from payments.tests.scenes import captured_payment, ready_payout

TUESDAY = NOW + timedelta(days=1)
OWN_IBAN = "DE02120300000000202051"
BERLIN, VIENNA = "DE89370400440532013000", "AT611904300234573201"
SPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of a statement; the amount is below zero for money that went."""

    amount: str
    end_to_end: str = "NOTPROVIDED"
    text: str = ""
    name: str = "Acme Ltd"
    returned: str = ""
    status: str = "BOOK"
    bank_reference: str = ""
    currency: str = "EUR"


def paid(payout: Payout, **changes: Any) -> Entry:
    """The transfer of a payout, booked."""
    amount = Money(-payout.amount_minor, payout.currency).text
    return Entry(
        **{
            "amount": amount,
            "end_to_end": payout.pk.hex,
            "bank_reference": f"D{payout.pk.hex[:8]}",
            **changes,
        }
    )


def come_back(payout: Payout, **changes: Any) -> Entry:
    """The transfer of a payout, returned because the account is closed."""
    amount = Money(payout.amount_minor, payout.currency).text
    return Entry(**{"amount": amount, "end_to_end": payout.pk.hex, "returned": "AC04", **changes})


def statement(
    *entries: Entry,
    name: str = "2026-06-02/1",
    day: date = date(2026, 6, 2),
    opening: str = "1000.00",
    closing: str | None = None,
    iban: str = OWN_IBAN,
    version: str = "08",
    summary: str = "",
    more: str = "",
) -> bytes:
    """Write a statement with one entry per line; `closing` is what they make unless given."""
    booked = [entry for entry in entries if entry.status == "BOOK"]
    made = sum(
        (Money.parse(entry.amount, "EUR").minor for entry in booked), Money.parse(opening, "EUR").minor
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="{SPACE}.{version}"><BkToCstmrStmt>
<GrpHdr><MsgId>{name}</MsgId><CreDtTm>{day}T22:00:00+02:00</CreDtTm>{more}</GrpHdr>
<Stmt><Id>{name}</Id><ElctrncSeqNb>1</ElctrncSeqNb><CreDtTm>{day}T22:00:00+02:00</CreDtTm>
<Acct><Id><IBAN>{iban}</IBAN></Id><Ccy>EUR</Ccy></Acct>
{balance("OPBD", opening, day)}{balance("CLBD", closing or Money(made, "EUR").text, day)}{summary}
{"".join(written(entry, day, version) for entry in entries)}
</Stmt></BkToCstmrStmt></Document>""".encode()


def balance(code: str, amount: str, day: date) -> str:
    way = "DBIT" if amount.startswith("-") else "CRDT"
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
        f'<Amt Ccy="EUR">{amount.lstrip("-")}</Amt><CdtDbtInd>{way}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>'
    )


def written(entry: Entry, day: date, version: str) -> str:
    way, other = ("DBIT", "Cdtr") if entry.amount.startswith("-") else ("CRDT", "Dbtr")
    status = f"<Cd>{entry.status}</Cd>" if version >= "08" else entry.status
    name = f"<Nm>{escape(entry.name)}</Nm>"
    party = f"<Pty>{name}</Pty>" if version >= "08" else name
    returned = f"<RtrInf><Rsn><Cd>{entry.returned}</Cd></Rsn></RtrInf>" if entry.returned else ""
    text = f"<RmtInf><Ustrd>{escape(entry.text)}</Ustrd></RmtInf>" if entry.text else ""
    account = f"<{other}Acct><Id><IBAN>{BERLIN}</IBAN></Id></{other}Acct>"
    return (
        f'<Ntry><Amt Ccy="{entry.currency}">{entry.amount.lstrip("-")}</Amt><CdtDbtInd>{way}</CdtDbtInd>'
        f"<Sts>{status}</Sts><BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt>"
        f"<AcctSvcrRef>{entry.bank_reference}</AcctSvcrRef><NtryDtls><TxDtls>"
        f"<Refs><EndToEndId>{entry.end_to_end}</EndToEndId></Refs>"
        f"<RltdPties><{other}>{party}</{other}>{account}</RltdPties>{text}{returned}"
        "</TxDtls></NtryDtls></Ntry>"
    )


def another_of_finance(name: str = "flo") -> Principal:
    return Principal(
        user=create_user(email=f"{name}@company.example", name=name.title(), is_staff=True, groups=[FINANCE])
    )


def account_of(
    cast: Cast, iban: str = BERLIN, *, holder: str = "Jörg Müller & Söhne", now: datetime = NOW
) -> None:
    save_bank_account(principal=cast.as_alice, client_id=cast.client.pk, holder=holder, iban=iban, now=now)


def bank_payment(contract: Contract, code: str = "S1", amount: str = "1000.00") -> Payment:
    """A payment whose refunds go out in bank files."""
    return captured_payment(contract, code, amount, rail="bank_file")


def bank_payouts(payment: Payment, amounts: Sequence[str] = ("100.00", "200.00")) -> list[Payout]:
    return [ready_payout(payment, amount) for amount in amounts]


def take(cast: Cast, content: bytes, *, now: datetime = TUESDAY, **more: Any) -> tuple[StatementResult, ...]:
    """Finn imports a statement."""
    return import_statement(principal=cast.as_finn, content=content, now=now, **more)


def line() -> StatementLine:
    """The only line there is."""
    return StatementLine.objects.get()


def counts() -> list[int]:
    """How many rows there are of everything that an import may leave."""
    models = (Statement, StatementLine, Event, Break, Transfer, Reconciliation)
    return [model.objects.count() for model in models]
