"""
Reading a bank's statement: camt.053 (versions 02 to 13) as frozen facts, or a refusal that says why.

Nothing is looked up and nothing is stored here. Document types, entities and what they point to are refused
before a single element is read; balances, sums and counts have to agree.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final
from xml.etree.ElementTree import Element, ParseError, canonicalize, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from kernel.currencies import UnknownCurrency
from kernel.errors import Fault, InvalidInput
from kernel.money import InvalidAmount, Money

SIZE_MAX: Final = 10 * 1024 * 1024
ENTRIES_MAX: Final = 20_000
_NAMESPACE: Final = re.compile(r"\{(urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.\d{2})\}Document")
_OPENING: Final = ("OPBD", "PRCD")
_CLOSING: Final = ("CLBD",)
_SUMMARIES: Final = (
    ("TtlNtries", ("CRDT", "DBIT")),
    ("TtlCdtNtries", ("CRDT",)),
    ("TtlDbtNtries", ("DBIT",)),
)
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


class StatementRefused(InvalidInput):
    """A file that is no whole, coherent statement; nothing of it is kept."""

    code = "statement_refused"
    title = "The statement cannot be imported."


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """
    One booked movement. `is_credit`: money came. `is_return`: the bank calls it money that came back.

    `number` counts the movements of a statement from 1; `counterparty_iban` may be empty.
    """

    number: int
    amount: Money
    is_credit: bool
    is_return: bool
    is_reversal: bool
    return_code: str
    booked_on: date
    value_date: date | None
    bank_reference: str
    end_to_end_id: str
    remittance: str
    counterparty: str
    counterparty_iban: str

    @property
    def signed_minor(self) -> int:
        return self.amount.minor if self.is_credit else -self.amount.minor


@dataclass(frozen=True, slots=True, kw_only=True)
class BankStatement:
    """One statement of one account; `pending` entries are not booked yet and are left to a later one."""

    external_id: str
    sha256: str
    iban: str
    currency: str
    opening_minor: int
    closing_minor: int
    opens_on: date
    closes_on: date
    movements: tuple[Movement, ...]
    pending: int


def read_statements(content: bytes) -> tuple[BankStatement, ...]:
    """
    Read the statements of a file, in its order.

    :raises StatementRefused: too large, no XML, hostile, not camt.053, not whole, or sums that do not agree
    """
    if len(content) > SIZE_MAX:
        raise _refused("", f"The file is larger than {SIZE_MAX // 1024 // 1024} MB.")
    root = _parse(content)
    matched = _NAMESPACE.fullmatch(root.tag)
    if matched is None:
        raise _refused("Document", "This is no statement of the form camt.053.")
    space = {"": matched.group(1)}
    body = root.find("BkToCstmrStmt", space)
    found = [] if body is None else body.findall("Stmt", space)
    if body is None or not found:
        raise _refused("BkToCstmrStmt", "There is no statement in the file.")
    _require_whole(body.find("GrpHdr/MsgPgntn", space), "GrpHdr/MsgPgntn", space)
    try:
        return tuple(_Reader(stmt, f"Stmt[{place}]", space).read() for place, stmt in enumerate(found, 1))
    except RecursionError:
        raise _refused("Stmt", "The file is nested too deeply.") from None


def _parse(content: bytes) -> Element:
    try:
        root: Element = fromstring(content, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    except DefusedXmlException:
        raise _refused(
            "", "The file declares a document type or entities, which no statement needs."
        ) from None
    except (ParseError, ValueError, LookupError) as error:
        raise _refused("", f"The file is not whole or not XML: {error}.") from None
    return root


def _require_whole(pages: Element | None, path: str, space: dict[str, str]) -> None:
    """Refuse one page of several: its balances are not those of the statement."""
    if pages is None:
        return
    page, last = pages.findtext("PgNb", "1", space), pages.findtext("LastPgInd", "true", space)
    if page.strip().lstrip("0") != "1" or last.strip() not in ("true", "1"):
        raise _refused(path, "This is only a part of a statement of several pages.")


def _refused(path: str, message: str) -> StatementRefused:
    return StatementRefused(message, faults=[Fault(path=path, message=message, code=StatementRefused.code)])


class _Reader:
    """Reads one statement; `path` is its place in the file, for refusals."""

    def __init__(self, stmt: Element, path: str, space: dict[str, str]) -> None:
        self.stmt, self.path, self.space = stmt, path, space

    def read(self) -> BankStatement:
        _require_whole(self.stmt.find("StmtPgntn", self.space), f"{self.path}/StmtPgntn", self.space)
        opening, opens_on = self._balance(_OPENING)
        closing, closes_on = self._balance(_CLOSING)
        entries = self.stmt.findall("Ntry", self.space)
        if len(entries) > ENTRIES_MAX:
            raise self._no("Ntry", f"There are more than {ENTRIES_MAX} entries.")
        booked = [(place, entry) for place, entry in enumerate(entries, 1) if self._is_booked(entry, place)]
        movements: list[Movement] = []
        for place, entry in booked:
            movements += self._movements(entry, f"Ntry[{place}]", len(movements))
        self._check_sums(movements, opening, closing)
        self._check_summary([entry for _, entry in booked], opening.currency)
        return BankStatement(
            external_id=self._needed(self.stmt, "Id", "Id")[:140],
            sha256=hashlib.sha256(canonicalize(tostring(self.stmt), strip_text=True).encode()).hexdigest(),
            iban=self._text(self.stmt, "Acct/Id/IBAN").replace(" ", "").upper(),
            currency=opening.currency,
            opening_minor=opening.minor,
            closing_minor=closing.minor,
            opens_on=opens_on,
            closes_on=closes_on,
            movements=tuple(movements),
            pending=len(entries) - len(booked),
        )

    def _check_sums(self, movements: list[Movement], opening: Money, closing: Money) -> None:
        """Opening balance and movements make the closing balance, all in one currency."""
        for one in movements:
            if one.amount.currency != opening.currency:
                raise self._no(
                    "Ntry", f"An entry is in {one.amount.currency}, the account in {opening.currency}."
                )
        if closing.currency != opening.currency:
            raise self._no("Bal", "The two balances are in different currencies.")
        reached = opening.minor + sum(one.signed_minor for one in movements)
        if reached != closing.minor:
            made = Money(reached, opening.currency)
            raise self._no(
                "Bal", f"Opening balance and entries make {made}, the closing balance is {closing}."
            )

    def _check_summary(self, booked: list[Element], currency: str) -> None:
        """Hold the bank's own counts and sums against the entries that are booked, or against all."""
        for name, kinds in _SUMMARIES:
            total = self.stmt.find(f"TxsSummry/{name}", self.space)
            if total is None:
                continue
            told_count, told_sum = self._text(total, "NbOfNtries"), self._text(total, "Sum")
            for entries in (booked, self.stmt.findall("Ntry", self.space)):
                counted = [one for one in entries if self._text(one, "CdtDbtInd") in kinds]
                made = Money(sum(self._amount(one, "Ntry").minor for one in counted), currency)
                if _agrees(told_count, len(counted)) and (
                    not told_sum or self._money(told_sum, currency, name) == made
                ):
                    break
            else:
                told = f"{told_count or '?'} entries of {told_sum or '?'}"
                raise self._no(name, f"The bank counts {told}; the file holds others.")

    def _balance(self, codes: tuple[str, ...]) -> tuple[Money, date]:
        """Find the balance of one of these codes; below zero for a debt."""
        for code in codes:
            for one in self.stmt.findall("Bal", self.space):
                if self._text(one, "Tp/CdOrPrtry/Cd") == code:
                    amount = self._amount(one, f"Bal {code}")
                    signed = amount if self._is_credit(one, f"Bal {code}") else -amount
                    return signed, self._day(one, "Dt", f"Bal {code}")
        raise self._no("Bal", f"There is no booked balance of the kind {codes[0]}.")

    def _is_booked(self, entry: Element, place: int) -> bool:
        status = self._text(entry, "Sts/Cd") or self._text(entry, "Sts")
        if status not in ("BOOK", "PDNG", "INFO", "FUTR"):
            raise self._no(f"Ntry[{place}]/Sts", "It does not say whether the entry is booked.")
        return status == "BOOK"

    def _movements(self, entry: Element, path: str, before: int) -> Iterator[Movement]:
        """One movement per entry, or per transaction of an entry if their amounts make the entry's."""
        whole = self._amount(entry, path)
        parts = entry.findall("NtryDtls/TxDtls", self.space)
        amounts = [self._part_amount(part, path) for part in parts]
        way = {self._text(entry, "CdtDbtInd"), ""}
        is_mixed = any(self._text(part, "CdtDbtInd") not in way for part in parts)
        sums = sum(one.minor for one in amounts if one)
        if len(parts) < 2 or is_mixed or sums != whole.minor or None in amounts:
            parts, amounts = parts if len(parts) == 1 else [entry], [whole]
        for number, (part, amount) in enumerate(zip(parts, amounts, strict=True), before + 1):
            yield self._movement(entry, part, amount or whole, number, path)

    def _movement(self, entry: Element, part: Element, amount: Money, number: int, path: str) -> Movement:
        is_credit = self._is_credit(entry, path)
        other = "Dbtr" if is_credit else "Cdtr"
        is_reversal = self._text(entry, "RvslInd") in ("true", "1")
        returned = part.find("RtrInf", self.space)
        texts = [one.text or "" for one in part.findall("RmtInf/Ustrd", self.space)]
        texts += [one.text or "" for one in part.findall("RmtInf/Strd/CdtrRefInf/Ref", self.space)]
        texts += [] if any(texts) else [self._text(entry, "AddtlNtryInf")]
        return Movement(
            number=number,
            amount=amount,
            is_credit=is_credit,
            is_return=returned is not None or (is_reversal and is_credit),
            is_reversal=is_reversal,
            return_code="" if returned is None else self._text(returned, "Rsn/Cd")[:35],
            booked_on=self._day(entry, "BookgDt", path),
            value_date=self._day(entry, "ValDt", path)
            if entry.find("ValDt", self.space) is not None
            else None,
            bank_reference=(self._text(part, "Refs/AcctSvcrRef") or self._text(entry, "AcctSvcrRef"))[:140],
            end_to_end_id=self._text(part, "Refs/EndToEndId")[:35],
            remittance=_plain(texts)[:500],
            counterparty=_plain([self._first(part, f"RltdPties/{other}/Nm", f"RltdPties/{other}/Pty/Nm")])[
                :140
            ],
            counterparty_iban=self._text(part, f"RltdPties/{other}Acct/Id/IBAN").replace(" ", ""),
        )

    def _part_amount(self, part: Element, path: str) -> Money | None:
        for place in ("Amt", "AmtDtls/TxAmt/Amt"):
            found = part.find(place, self.space)
            if found is not None:
                return self._money(found.text or "", found.get("Ccy", ""), path)
        return None

    def _amount(self, node: Element, path: str) -> Money:
        found = node.find("Amt", self.space)
        if found is None:
            raise self._no(f"{path}/Amt", "There is no amount.")
        return self._money(found.text or "", found.get("Ccy", ""), f"{path}/Amt")

    def _money(self, text: str, currency: str, path: str) -> Money:
        try:
            amount = Money.parse(text.strip(), currency)
        except (InvalidAmount, UnknownCurrency) as fault:
            raise self._no(path, f"“{text[:40]} {currency[:10]}” is no amount.") from fault
        if not 0 <= amount.minor < 10**17:
            raise self._no(path, "An amount is below zero or too large.")
        return amount

    def _is_credit(self, node: Element, path: str) -> bool:
        found = self._text(node, "CdtDbtInd")
        if found not in ("CRDT", "DBIT"):
            raise self._no(f"{path}/CdtDbtInd", "It does not say whether money came or went.")
        return found == "CRDT"

    def _day(self, node: Element, name: str, path: str) -> date:
        text = self._first(node, f"{name}/Dt", f"{name}/DtTm")[:10]
        try:
            return date.fromisoformat(text if _DAY.fullmatch(text) else "")
        except ValueError:
            raise self._no(f"{path}/{name}", "There is no date.") from None

    def _needed(self, node: Element, name: str, path: str) -> str:
        text = self._text(node, name)
        if not text:
            raise self._no(path, "It is missing.")
        return text

    def _first(self, node: Element, *names: str) -> str:
        return next((text for name in names if (text := self._text(node, name))), "")

    def _text(self, node: Element, name: str) -> str:
        return _plain([node.findtext(name, "", self.space) or ""])

    def _no(self, path: str, message: str) -> StatementRefused:
        return _refused(f"{self.path}/{path}", message)


def _agrees(told: str, count: int) -> bool:
    """Tell whether a count as the bank writes it, perhaps with zeros in front, is this one; none agrees."""
    return not told or (told.isascii() and told.isdigit() and len(told) < 16 and int(told) == count)


def _plain(texts: Iterable[str]) -> str:
    """Write texts of the bank on one line, without signs that no reader sees."""
    joined = " ".join(" ".join(texts).split())
    return "".join(sign for sign in joined if sign.isprintable())
