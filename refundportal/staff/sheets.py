"""
The sheet on which a contract is written: what was typed, by the same paths as its faults.

Every field of the page is named like its place in the contract's JSON (`stages[1].items[0].weight`), so the
sheet is read into that JSON and the faults of the one parser find their fields without a table between.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contracts.models import Contract, MeterKind, StageKind
from contracts.selectors import items_of
from contracts.shares import in_proportion
from kernel.currencies import UnknownCurrency
from kernel.errors import Fault
from kernel.exact import scaled_text
from kernel.money import InvalidAmount, Money
from refundportal.web.faults import fault_words

ROWS_MAX: Final = 200
_STEP: Final = re.compile(r"([a-z_]+)(?:\[([0-9]{1,3})\])?")
_SHARE: Final = re.compile(r"\s*([^\s=;,]+)\s*(?:=|\s)\s*([^\s;,]+)\s*")

HEAD: Final = ("client", "title", "reference", "currency", "total", "payment_days", "summary")
STAGE: Final = ("code", "title", "kind", "amount", "shares")
ITEM: Final = ("code", "statement", "weight", "reference")
METER: Final = ("code", "title", "kind", "unit", "price")
_TELLING: Final[Mapping[str, tuple[str, ...]]] = {
    "stages": ("title", "amount", "items"),
    "items": ("statement", "weight"),
    "meters": ("title", "price"),
}
"""What makes a row of each list count: one in which all of this is empty was not written."""

LABELS: Final[Mapping[str, Any]] = {
    "client": _("Client"),
    "title": _("Title"),
    "reference": _("Reference"),
    "currency": _("Currency"),
    "total": _("Total"),
    "payment_days": _("Days to pay"),
    "summary": _("What is built"),
    "code": _("Code"),
    "kind": _("Kind"),
    "amount": _("Amount"),
    "shares": _("Prepays"),
    "statement": _("What must be so"),
    "weight": _("Weight"),
    "unit": _("Unit"),
    "price": _("Price"),
    "stages": _("Stage"),
    "items": _("Item"),
    "meters": _("Meter"),
    "terms": _("Refund terms"),
}
KINDS: Final[Mapping[str, Any]] = {"stages": StageKind.choices, "meters": MeterKind.choices}


@dataclass(frozen=True, slots=True)
class Cell:
    """One field of the sheet, with what was typed and what is wrong with it."""

    name: str
    label: str
    value: str
    faults: Sequence[str]
    choices: Sequence[tuple[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One stage, item or meter; `items` are the rows of a stage."""

    path: str
    cells: Mapping[str, Cell]
    items: Sequence["Row"] = ()


def typed_in(posted: Mapping[str, str]) -> dict[str, Any]:
    """Read what was typed into nested objects and lists of text; rows that were left empty are gone."""
    typed: dict[str, Any] = {"stages": {}, "meters": {}}
    for name, text in posted.items():
        if steps := _steps(name):
            _put(typed, steps, text.strip())
    return {**typed, "stages": _rows(typed["stages"], "stages"), "meters": _rows(typed["meters"], "meters")}


def _steps(name: str) -> list[tuple[str, int | None]]:
    """Take a name apart if it is one of the sheet's."""
    found = [_STEP.fullmatch(part) for part in name.split(".")]
    steps = [(one[1], None if one[2] is None else int(one[2])) for one in found if one is not None]
    if len(steps) != len(found):
        return []
    shape = tuple(step for step, _index in steps)
    is_ours = (
        (len(shape) == 1 and shape[0] in HEAD)
        or (len(shape) == 2 and (shape[0], shape[1]) in _PAIRS)
        or (len(shape) == 3 and shape[:2] == ("stages", "items") and shape[2] in ITEM)
    )
    return (
        steps if is_ours and all((index is None) is (step not in _TELLING) for step, index in steps) else []
    )


_PAIRS: Final = {*(("stages", name) for name in STAGE), *(("meters", name) for name in METER)}


def _put(typed: dict[str, Any], steps: Sequence[tuple[str, int | None]], text: str) -> None:
    for name, index in steps[:-1]:
        typed = typed.setdefault(name, {}).setdefault(index, {})
    typed[steps[-1][0]] = text


def _rows(found: Mapping[int, dict[str, Any]], name: str) -> list[dict[str, Any]]:
    rows = [dict(found[index]) for index in sorted(found)][:ROWS_MAX]
    for row in rows:
        if name == "stages":
            row["items"] = _rows(row.get("items", {}), "items")
    return [row for row in rows if any(row.get(field) for field in _TELLING[name])]


def with_row(typed: dict[str, Any], path: str) -> dict[str, Any]:
    """Add an empty row to one of the lists: `stages`, `meters` or `stages[2].items`."""
    if path in ("stages", "meters"):
        typed[path].append({"items": [{}]} if path == "stages" else {})
        return typed
    found = re.fullmatch(r"stages\[([0-9]{1,3})\]\.items", path)
    if found and int(found[1]) < len(typed["stages"]):
        typed["stages"][int(found[1])]["items"].append({})
    return typed


def as_contract(typed: Mapping[str, Any], *, client: str | None, terms: Mapping[str, Any]) -> dict[str, Any]:
    """Give what was typed as a contract's JSON; what was left empty is left out."""
    raw: dict[str, Any] = {name: typed[name] for name in HEAD if name != "client" and typed.get(name)}
    if client is not None:
        raw["client"] = client
    if str(raw.get("payment_days", "")).isdecimal():
        raw["payment_days"] = int(raw["payment_days"])
    raw["terms"] = dict(terms)
    raw["stages"] = [_stage(row) for row in typed["stages"]]
    raw["meters"] = [{name: row[name] for name in METER if row.get(name)} for row in typed["meters"]]
    return raw


def _stage(row: Mapping[str, Any]) -> dict[str, Any]:
    stage: dict[str, Any] = {name: row[name] for name in STAGE if name != "shares" and row.get(name)}
    if row.get("items"):
        stage["items"] = [{name: one[name] for name in ITEM if one.get(name)} for one in row["items"]]
    if row.get("shares"):
        stage["shares"] = _shares(row["shares"])
    return stage


def _shares(text: str) -> dict[str, str] | str:
    """Read `S1 100.00; S2 50.00`; what cannot be read is left to the parser to refuse."""
    found = [_SHARE.fullmatch(part) for part in re.split(r"[;,\n]", text) if part.strip()]
    return text if None in found else {one[1]: one[2] for one in found if one is not None}


def sum_of(typed: Mapping[str, Any]) -> tuple[Money | None, Money | None]:
    """Sum the amounts of the stages as far as they can be read; beside it the total, if one is stated."""
    currency = typed.get("currency", "")
    read = _reader(currency)
    if read("0") is None:
        return None, None
    read_ones = [read(row.get("amount", "")) for row in typed["stages"]]
    amounts = [one for one in read_ones if one is not None]
    return sum(amounts, Money.zero(currency)), read(typed.get("total", ""))


@dataclass(frozen=True, slots=True)
class Prepaid:
    """What one prepayment prepays as it is typed, or in proportion where nothing is."""

    code: str
    parts: tuple[tuple[str, Money], ...]
    amount: Money
    is_proportional: bool

    @property
    def sum(self) -> Money:
        return sum((amount for _code, amount in self.parts), Money.zero(self.amount.currency))

    @property
    def missing(self) -> Money:
        return self.amount - self.sum


def prepaid_of(typed: Mapping[str, Any]) -> Iterator[Prepaid]:
    """Say what each prepayment of the sheet prepays, as far as it can be read."""
    read = _reader(typed.get("currency", ""))
    amounts = [(row, read(row.get("amount", ""))) for row in typed["stages"]]
    work = {
        row.get("code", ""): amount
        for row, amount in amounts
        if row.get("kind") == StageKind.WORK and amount is not None and amount.minor >= 0
    }
    for row, amount in amounts:
        if row.get("kind") != StageKind.PREPAYMENT or amount is None or amount.minor < 0 or not work:
            continue
        shares = _shares(row.get("shares", ""))
        if isinstance(shares, dict):
            parts = [(code, read(text)) for code, text in shares.items()]
            if not parts:
                minors = in_proportion(amount.minor, [one.minor for one in work.values()])
                parts = [
                    (code, Money(minor, amount.currency)) for code, minor in zip(work, minors, strict=True)
                ]
            yield Prepaid(
                row.get("code", ""),
                tuple((code, part) for code, part in parts if part is not None),
                amount,
                not shares,
            )


def _reader(currency: str) -> Callable[[str], Money | None]:
    """Give what reads an amount in a currency, or None where there is none."""

    def read(text: str) -> Money | None:
        try:
            return Money.parse(text, currency)
        except (InvalidAmount, UnknownCurrency):
            return None

    return read


def head_cells(typed: Mapping[str, Any], faults: Mapping[str, list[str]]) -> dict[str, Cell]:
    """Give the fields at the top of the sheet."""
    return _cells("", HEAD, typed, faults)


def list_rows(typed: Mapping[str, Any], faults: Mapping[str, list[str]], name: str) -> list[Row]:
    """Give the rows of one list with their fields."""
    fields = STAGE if name == "stages" else METER
    return [
        Row(
            path=f"{name}[{place}]",
            cells=_cells(f"{name}[{place}].", fields, row, faults, KINDS[name]),
            items=[
                Row(
                    f"{name}[{place}].items[{at}]",
                    _cells(f"{name}[{place}].items[{at}].", ITEM, one, faults),
                )
                for at, one in enumerate(row.get("items", ()))
            ],
        )
        for place, row in enumerate(typed[name])
    ]


def _cells(
    before: str,
    fields: Sequence[str],
    row: Mapping[str, Any],
    faults: Mapping[str, list[str]],
    kinds: Sequence[tuple[str, Any]] = (),
) -> dict[str, Cell]:
    return {
        name: Cell(
            name=before + name,
            label=str(LABELS[name]),
            value=row.get(name, ""),
            faults=faults.get(before + name, ()),
            choices=kinds if name == "kind" else (),
        )
        for name in fields
    }


def place_words(path: str) -> str:
    """Say a place of the sheet as people count: `stages[1].amount` is stage 2, its amount."""
    words = []
    for part in path.split("."):
        found = _STEP.fullmatch(part)
        label = str(LABELS.get(found[1], found[1])) if found else part
        words.append(f"{label} {int(found[2]) + 1}" if found and found[2] else label)
    return ", ".join(words)


def faults_by_path(faults: Sequence[Fault]) -> dict[str, list[str]]:
    """Put faults where their field stands; a share that is wrong stands at the shares of its stage."""
    found: dict[str, list[str]] = {}
    for fault in faults:
        path, mark, code = fault.path.partition(".shares.")
        place = f"{path}.shares" if mark else fault.path
        said = fault_words(fault)
        found.setdefault(place, []).append(f"{code}: {said}" if mark else said)
    return found


def blank_sheet() -> dict[str, Any]:
    """Begin with a prepayment, one stage of work and one meter to be filled in."""
    return {
        "currency": "EUR",
        "payment_days": "14",
        "stages": [
            {"code": "P1", "title": gettext("Prepayment"), "kind": StageKind.PREPAYMENT.value, "items": []},
            {"code": "S1", "kind": StageKind.WORK.value, "items": [{"code": "AC-1"}]},
        ],
        "meters": [{}],
    }


def sheet_of(contract: Contract) -> dict[str, Any]:
    """Give a draft as it would have been typed. Four queries."""
    stages = list(contract.stages.filter(is_removed=False).prefetch_related("shares__work"))
    items = items_of(stage.pk for stage in stages)
    return {
        **{name: getattr(contract, name) for name in ("title", "reference", "summary", "currency")},
        "client": contract.client.name,
        "total": Money(contract.total_minor, contract.currency).text,
        "payment_days": str(contract.payment_days),
        "stages": [
            {
                "code": stage.code,
                "title": stage.title,
                "kind": stage.kind,
                "amount": Money(stage.amount_minor, contract.currency).text,
                "shares": "; ".join(_share_words(stage, contract.currency)),
                "items": [
                    {
                        "code": item.code,
                        "statement": item.statement,
                        "weight": _plain(item.weight_micro, 6),
                        "reference": item.reference,
                    }
                    for item in items.get(stage.pk, ())
                ],
            }
            for stage in stages
        ],
        "meters": [
            {
                "code": meter.code,
                "title": meter.title,
                "kind": meter.kind,
                "unit": meter.unit,
                "price": _plain(meter.price_nano, 9),
            }
            for meter in contract.meters.all()
        ],
    }


def _share_words(stage: Any, currency: str) -> Iterator[str]:
    for share in stage.shares.all():
        yield f"{share.work.code} {Money(share.amount_minor, currency).text}"


def _plain(scaled: int, digits: int) -> str:
    return scaled_text(scaled, digits).rstrip("0").rstrip(".")
