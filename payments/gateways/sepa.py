"""
Writing a bank file: SEPA credit transfers as pain.001.001.09.

Pure: the same orders under the same name give the same bytes. Each transfer stands for itself (no batch
booking), so that the bank books and returns each under its own EndToEndId.
"""

import hashlib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib import resources
from typing import Any, Final
from uuid import UUID
from xml.etree import ElementTree

import schwifty
from django.views.decorators.debug import sensitive_variables
from sepaxml import SepaTransfer
from text_unidecode import unidecode

from kernel.money import Money

SCHEMA: Final = "pain.001.001.09"
NAME_MAX: Final = 70
REMITTANCE_MAX: Final = 140
AMOUNT_MINOR_MAX: Final = 99_999_999_999
"""The largest SEPA credit transfer: 999,999,999.99 EUR."""

_GERMAN: Final = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "&": "+", "_": "-"}
)
_FOREIGN: Final = re.compile(r"[^A-Za-z0-9/\-?:().,'+ ]+")


class FileRefused(Exception):
    """The bank's schema does not take the file: a fault of this program, nothing may be sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnAccount:
    """The account that the money leaves: the company's name, IBAN and BIC."""

    name: str
    iban: str
    bic: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """One transfer: `key` is the payout's, `remittance` what the receiver reads beside the amount."""

    key: UUID
    amount: Money
    holder: str
    iban: str
    remittance: str

    @property
    def end_to_end_id(self) -> str:
        return self.key.hex


class _NamedTransfer(SepaTransfer):  # type: ignore[misc]
    """A file with derived names and a given instant where the library puts random ones and its own clock."""

    def name(self, message_id: str, local_now: datetime) -> None:
        parts = list(self._xml.iter("PmtInfId"))
        _set(self._xml.iter("MsgId"), [message_id])
        _set(self._xml.iter("CreDtTm"), [local_now.strftime("%Y-%m-%dT%H:%M:%S")])
        _set(parts, [f"{message_id}-{number}" for number in range(1, len(parts) + 1)])


def sepa_text(text: str, most: int | None = None) -> str:
    """Write a text in the signs that every bank takes (EPC217-08), in Latin letters; may be empty."""
    latin = unidecode(text.translate(_GERMAN))
    plain = " ".join(_FOREIGN.sub(" ", latin).split())
    # A leading or a double slash has a meaning of its own.
    plain = re.sub(r"/{2,}", "/", plain).strip("/ ")
    return plain if most is None else plain[:most].strip("/ ")


def why_no_name(name: str) -> str:
    """Say as a code why a name cannot stand in a bank file: `letters` or `length`; empty if it can."""
    plain = sepa_text(name)
    if not any(sign.isalnum() for sign in plain):
        return "letters"
    return "length" if len(plain) > NAME_MAX else ""


@sensitive_variables()
def why_no_transfer(*, amount: Money, holder: str, iban: str) -> str:
    """Say as a code why money cannot go out in a bank file; empty if it can."""
    if amount.currency != "EUR":
        return "not_in_euros"
    if not 0 < amount.minor <= AMOUNT_MINOR_MAX:
        return "amount_too_large"
    number = schwifty.IBAN(iban, allow_invalid=True)
    if not number.is_valid:
        return "iban_invalid"
    if not number.in_sepa_zone:
        return "outside_sepa"
    return "name_unusable" if why_no_name(holder) else ""


def message_id_of(keys: Collection[UUID]) -> str:
    """Name the file of these payouts: the same ones in any order give the same name, 28 characters."""
    joined = "".join(sorted(key.hex for key in keys))
    return "RP" + hashlib.sha256(joined.encode()).hexdigest()[:26].upper()


@sensitive_variables()
def write_file(
    *, account: OwnAccount, transfers: Collection[Transfer], execution_on: date, local_now: datetime
) -> bytes:
    """
    Write the file of these transfers, valid by the schema; `local_now` is when it is made.

    :raises FileRefused: it would not be valid
    """
    ordered = sorted(transfers, key=lambda one: one.key)
    config = {
        "name": sepa_text(account.name, NAME_MAX), "IBAN": account.iban, "BIC": account.bic,
        "batch": False, "currency": "EUR",
    }  # fmt: skip
    file = _NamedTransfer(config, schema=SCHEMA, clean=False)
    for one in ordered:
        file.add_payment(_payment(one, execution_on))
    file.name(message_id_of([one.key for one in ordered]), local_now)
    return _valid(file.export(validate=False))


@sensitive_variables()
def _payment(one: Transfer, execution_on: date) -> dict[str, Any]:
    return {
        "name": sepa_text(one.holder, NAME_MAX),
        "IBAN": one.iban,
        "amount": one.amount.minor,
        "execution_date": execution_on,
        "description": sepa_text(one.remittance, REMITTANCE_MAX) or one.end_to_end_id,
        "endtoend_id": one.end_to_end_id,
    }


def _set(nodes: Iterable[ElementTree.Element], texts: list[str]) -> None:
    for node, text in zip(nodes, texts, strict=True):
        node.text = text


@sensitive_variables()
def _valid(content: bytes) -> bytes:
    fault = next(_schema().iter_errors(content.decode()), None)
    if fault is not None:
        raise FileRefused(f"The bank file is not valid at {fault.path}.")
    return content


@cache
def _schema() -> Any:
    # Importing it changes how elements are written; sepaxml puts it off for that reason, too.
    import xmlschema

    return xmlschema.XMLSchema(str(resources.files("sepaxml") / "schemas" / f"{SCHEMA}.xsd"))
