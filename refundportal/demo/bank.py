"""Yesterday's statement of the bank: a fee, and money that only a person can recognise."""

from datetime import datetime
from xml.sax.saxutils import escape

from django.conf import settings

from kernel.days import local_date, zone_of
from kernel.money import Money
from payments.models import Payment, PaymentStatus, Statement
from payments.services.line_acts import set_line_aside
from payments.services.statements import import_statement
from refundportal.demo.teller import Teller

OPENING = Money(4_812_365, "EUR")
FEE = Money(-1190, "EUR")


def tell_statement(tell: Teller) -> None:
    """Finn imports a statement: he knows the fee, and has still to find out what the rest is."""
    if Statement.objects.exists() or not settings.COMPANY_IBAN:
        return
    expected = Payment.objects.filter(
        client=tell.people.joinery, status=PaymentStatus.PENDING, currency=OPENING.currency
    ).first()
    if expected is None:
        return
    came = Money(expected.amount_minor, expected.currency)
    (result,) = import_statement(
        principal=tell.people.finn,
        content=_statement(tell.ago(1), came, f"Part payment showroom {expected.stage.title}"),
        now=tell.ago(0.4),
    )
    fee = next(line for line in result.lines if not line.is_credit)
    set_line_aside(
        principal=tell.people.finn, line_id=fee.pk, reason="The bank's monthly fee.", now=tell.ago(0.3)
    )


def _statement(at: datetime, came: Money, text: str) -> bytes:
    day = local_date(at, zone_of(settings.COMPANY_TIME_ZONE))
    closing = OPENING + came + FEE
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>
<GrpHdr><MsgId>DEMO-{day:%Y%m%d}</MsgId><CreDtTm>{day}T22:00:00</CreDtTm></GrpHdr>
<Stmt><Id>{day}/1</Id><CreDtTm>{day}T22:00:00</CreDtTm>
<Acct><Id><IBAN>{settings.COMPANY_IBAN}</IBAN></Id></Acct>
{_balance("OPBD", OPENING, day)}{_balance("CLBD", closing, day)}
{_entry(came, "CRDT", day, text, "Dbtr", "Brandt Joinery")}
{_entry(-FEE, "DBIT", day, "Account fee", "Cdtr", "Bank")}
</Stmt></BkToCstmrStmt></Document>""".encode()


def _balance(code: str, amount: Money, day: object) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{_amount(amount)}"
        f"<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def _entry(amount: Money, way: str, day: object, text: str, other: str, name: str) -> str:
    return (
        f"<Ntry>{_amount(amount)}<CdtDbtInd>{way}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>"
        f"<BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt><NtryDtls><TxDtls>"
        f"<RltdPties><{other}><Pty><Nm>{name}</Nm></Pty></{other}></RltdPties>"
        f"<RmtInf><Ustrd>{escape(text)}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
    )


def _amount(amount: Money) -> str:
    return f'<Amt Ccy="{amount.currency}">{amount.text}</Amt>'
