"""Files of statements: what is read, and what is refused without a trace."""

from datetime import date
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from payments.gateways.camt import SIZE_MAX, StatementRefused, read_statements
from payments.models import (
    Statement,
)
from payments.services.statements import NoOwnAccount
from payments.tests.bank_book import (
    VIENNA,
    Entry,
    counts,
    paid,
    statement,
    take,
)
from payments.tests.scenes import state_of

LAUGHS = b"""<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY a "&lol;&lol;&lol;&lol;&lol;&lol;">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><Document>&c;</Document>"""
OUTSIDE = (
    b"""<?xml version="1.0"?><!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><Document>&x;</Document>"""
)
GOOD = statement(Entry(amount="10.00", text="Hello"))
NUMBERS = "<TxsSummry><TtlNtries><NbOfNtries>{}</NbOfNtries><Sum>{}</Sum></TtlNtries></TxsSummry>"
HOSTILE = {
    "nothing": b"",
    "no xml": b"IBAN;amount",
    "half a file": GOOD[: len(GOOD) // 2],
    "billion laughs": LAUGHS,
    "external entity": OUTSIDE,
    "document type": GOOD.replace(
        b"<Document", b'<!DOCTYPE Document SYSTEM "http://127.0.0.1/x"><Document', 1
    ),
    "too large": b"<" + b" " * SIZE_MAX,
    "another document": GOOD.replace(b"camt.053", b"camt.052"),
    "no namespace": GOOD.replace(b" xmlns=", b" x="),
    "no statement": GOOD.replace(b"<Stmt>", b"<Stm>").replace(b"</Stmt>", b"</Stm>"),
    "other encoding": GOOD.replace(b"UTF-8", b"klingon"),
    "no text": GOOD.replace(b"Hello", b"\xff\xfe"),
    "wrong total": statement(Entry(amount="10.00"), closing="1010.01"),
    "wrong count": statement(Entry(amount="10.00"), summary=NUMBERS.format(2, "10.00")),
    "wrong checksum": statement(Entry(amount="10.00"), summary=NUMBERS.format(1, "10.01")),
    "count is no number": statement(Entry(amount="10.00"), summary=NUMBERS.format("one", "10.00")),
    "no opening": GOOD.replace(b"OPBD", b"ITBD"),
    "no closing": GOOD.replace(b"CLBD", b"CLAV"),
    "another account": statement(Entry(amount="10.00"), iban=VIENNA),
    "no account": GOOD.replace(b"DE02120300000000202051", b""),
    "another currency": statement(Entry(amount="10.00", currency="USD")),
    "account in dollars": GOOD.replace(b"EUR", b"USD"),
    "no currency": GOOD.replace(b' Ccy="EUR"', b"", 1),
    "half a cent": GOOD.replace(b">10.00<", b">10.001<"),
    "not a number": GOOD.replace(b">10.00<", b">NaN<"),
    "below zero": GOOD.replace(b">10.00<", b">-10.00<"),
    "beyond all": GOOD.replace(b">10.00<", b">99999999999999999.00<"),
    "no direction": GOOD.replace(b"<CdtDbtInd>CRDT</CdtDbtInd><Sts>", b"<Sts>"),
    "no date": GOOD.replace(b"<BookgDt><Dt>2026-06-02", b"<BookgDt><Dt>02.06.26"),
    "no such day": GOOD.replace(b"<BookgDt><Dt>2026-06-02", b"<BookgDt><Dt>2026-06-31"),
    "no status": GOOD.replace(b"BOOK", b"BOKO"),
    "no name": GOOD.replace(b"<Stmt><Id>2026-06-02/1</Id>", b"<Stmt>"),
    "one page of two": statement(more="<MsgPgntn><PgNb>1</PgNb><LastPgInd>false</LastPgInd></MsgPgntn>"),
    "the second page": statement(more="<MsgPgntn><PgNb>2</PgNb><LastPgInd>true</LastPgInd></MsgPgntn>"),
    "nested without end": GOOD.replace(b"<Ntry>", b"<x>" * 3000 + b"</x>" * 3000 + b"<Ntry>", 1),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_whole_statement_of_ours_is_refused_with_a_reason(cast, name):
    before = counts()

    with pytest.raises(StatementRefused) as caught:
        take(cast, HOSTILE[name])

    assert caught.value.faults[0].message
    assert counts() == before


def test_one_bad_statement_in_a_file_spoils_the_whole_file(cast, payouts):
    good, bad = statement(paid(payouts[0])).decode(), HOSTILE["wrong total"].decode()
    inside = bad[bad.index("<Stmt>") : bad.index("</Stmt>")].replace("2026-06-02/1", "2026-06-02/2")
    before = counts()

    with pytest.raises(StatementRefused):
        take(cast, good.replace("</Stmt>", f"</Stmt>{inside}</Stmt>").encode())

    assert counts() == before
    assert state_of(payouts[0]) == "accepted"


@pytest.mark.parametrize("version", ["02", "04", "08"])
def test_statements_of_every_usual_version_are_read(version):
    (found,) = read_statements(statement(Entry(amount="-10.00", text="Rent", name="A & B"), version=version))

    (movement,) = found.movements
    assert (movement.signed_minor, movement.counterparty, movement.remittance) == (-1000, "A & B", "Rent")
    assert movement.counterparty_iban.startswith("DE89")


def test_a_debt_is_a_balance_below_zero():
    (found,) = read_statements(statement(Entry(amount="-10.00"), opening="5.00"))

    assert (found.opening_minor, found.closing_minor) == (500, -500)


def test_entries_that_are_not_booked_yet_are_left_to_a_later_statement(cast, payouts):
    (result,) = take(cast, statement(paid(payouts[0], status="PDNG")))

    assert (result.pending, result.settled) == (1, 0)
    assert state_of(payouts[0]) == "accepted"


def test_an_entry_of_many_transfers_is_read_one_by_one():
    parts = "".join(
        f'<TxDtls><Refs><EndToEndId>{name}</EndToEndId></Refs><Amt Ccy="EUR">{amount}</Amt></TxDtls>'
        for name, amount in (("A", "4.00"), ("B", "6.00"))
    )
    content = statement(Entry(amount="10.00")).decode()
    start, end = content.index("<TxDtls>"), content.index("</NtryDtls>")

    (found,) = read_statements((content[:start] + parts + content[end:]).encode())
    (other,) = read_statements((content[:start] + parts.replace("6.00", "5.00") + content[end:]).encode())

    assert [(one.end_to_end_id, one.amount.minor) for one in found.movements] == [("A", 400), ("B", 600)]
    assert [(one.end_to_end_id, one.amount.minor) for one in other.movements] == [("", 1000)]


def test_a_statement_that_does_not_go_on_from_the_one_before_is_told(cast):
    take(cast, statement(name="1"))

    (second,) = take(cast, statement(name="2", day=date(2026, 6, 3), opening="900.00"))

    assert second.has_gap


def test_without_an_account_of_its_own_the_company_imports_nothing(cast, settings):
    settings.COMPANY_IBAN = ""

    with pytest.raises(NoOwnAccount):
        take(cast, GOOD)


def test_the_command_imports_once_and_refuses_what_is_broken(cast, tmp_path):
    good, half = tmp_path / "good.xml", tmp_path / "half.xml"
    good.write_bytes(GOOD)
    half.write_bytes(HOSTILE["half a file"])
    said, faults = StringIO(), StringIO()

    call_command("import_statement", str(good), dry_run=True, stdout=said)
    assert not Statement.objects.exists()
    call_command("import_statement", str(good), stdout=said)
    call_command("import_statement", str(good), stdout=said)
    with pytest.raises(CommandError):
        call_command("import_statement", str(half), stderr=faults)
    with pytest.raises(CommandError):
        call_command("import_statement", str(tmp_path / "none.xml"))

    assert Statement.objects.count() == 1
    assert "1 open" in said.getvalue()
    assert "was imported already" in said.getvalue()
    assert "not whole" in faults.getvalue()
