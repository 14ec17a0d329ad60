"""Reading an amendment: which unpaid stages change, which are new, which go."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from contracts.drafts import values as v
from contracts.drafts.contracts import read_stage
from contracts.drafts.shapes import StageDraft
from kernel.errors import InvalidInput, Said
from kernel.reading import FaultList, Path, Reader, Wrong, read_fields


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedStage:
    """What changes of a stage; None leaves as it is. Shares by stage code, in minor units."""

    code: str
    title: str | None = None
    amount_minor: int | None = None
    shares: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedStage:
    """A new stage, behind the others; a prepayment may say what it prepays."""

    stage: StageDraft
    shares: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AmendmentDraft:
    """The changes of an amendment, free of faults in themselves."""

    change: tuple[ChangedStage, ...] = ()
    add: tuple[AddedStage, ...] = ()
    remove: tuple[str, ...] = ()


_FIELDS: Final[Mapping[str, Reader]] = {"change": v.anything, "add": v.anything, "remove": v.anything}


def parse_amendment(raw: object, *, currency: str) -> AmendmentDraft:
    """
    Read `{"change": [{"code", "title"?, "amount"?, "shares"?}], "add": [stage], "remove": [code]}`.

    :raises InvalidInput: every fault with its path, such as `change[0].amount`
    """
    faults = FaultList()
    if not isinstance(raw, dict):
        faults.add((), "must be an object")
        raise InvalidInput("The amendment has faults.", faults=faults.in_order_of(raw))
    values = read_fields(raw, _FIELDS, (), (), faults)
    change = _read_changes(values.get("change"), faults, currency)
    add = _read_added(values.get("add"), faults, currency)
    remove = _read_removed(values.get("remove"), faults)
    _check_codes(change, add, remove, faults)
    if not faults and not (change or add or remove):
        faults.add((), "changes nothing")
    if faults:
        raise InvalidInput("The amendment has faults.", faults=faults.in_order_of(raw))
    return AmendmentDraft(
        change=tuple(entry for entry in change if entry),
        add=tuple(entry for entry in add if entry),
        remove=tuple(entry for entry in remove if entry),
    )


def _read_changes(raw: Any, faults: FaultList, currency: str) -> list[ChangedStage | None]:
    fields: dict[str, Reader] = {
        "code": v.code,
        "title": v.text(200),
        "amount": v.amount(currency),
        "shares": v.anything,
    }
    read: list[ChangedStage | None] = []
    for index, entry in enumerate(v.list_of(raw, ("change",), faults)):
        at: Path = ("change", index)
        if not isinstance(entry, dict):
            faults.add(at, "must be an object")
            read.append(None)
            continue
        own = FaultList()
        values = read_fields(entry, fields, ("code",), at, own)
        shares = _read_free_shares(values.get("shares"), (*at, "shares"), own, currency)
        if not own and not values.keys() & {"title", "amount", "shares"}:
            own.add(at, "changes nothing")
        faults.extend(own)
        read.append(
            None
            if own
            else ChangedStage(
                code=values["code"],
                title=values.get("title"),
                amount_minor=values.get("amount"),
                shares=shares,
            )
        )
    return read


def _read_added(raw: Any, faults: FaultList, currency: str) -> list[AddedStage | None]:
    read: list[AddedStage | None] = []
    for index, entry in enumerate(v.list_of(raw, ("add",), faults)):
        own = FaultList()
        stage = read_stage(entry, ("add", index), own, currency)
        raw_shares = entry.get("shares") if isinstance(entry, dict) else None
        shares = _read_free_shares(raw_shares, ("add", index, "shares"), own, currency) if stage else None
        faults.extend(own)
        read.append(None if own or stage is None else AddedStage(stage=stage, shares=shares))
    return read


def _read_removed(raw: Any, faults: FaultList) -> list[str | None]:
    read: list[str | None] = []
    for index, entry in enumerate(v.list_of(raw, ("remove",), faults)):
        try:
            read.append(v.code(entry))
        except Wrong as wrong:
            faults.add(("remove", index), str(wrong))
            read.append(None)
    return read


def _read_free_shares(raw: Any, at: Path, faults: FaultList, currency: str) -> dict[str, int] | None:
    """Read shares of stages that are not known here; whether they exist and sum is seen with the contract."""
    if raw is None:
        return None
    if not isinstance(raw, dict):
        faults.add(at, "must be an object of stage codes and amounts")
        return None
    return read_fields(raw, dict.fromkeys(raw, v.amount(currency)), (), at, faults)


def _check_codes(
    change: list[ChangedStage | None],
    add: list[AddedStage | None],
    remove: list[str | None],
    faults: FaultList,
) -> None:
    """Each stage is named once in an amendment."""
    seen: set[str] = set()
    named: list[tuple[Path, str | None]] = [
        *((("change", index, "code"), entry.code if entry else None) for index, entry in enumerate(change)),
        *((("add", index, "code"), entry.stage.code if entry else None) for index, entry in enumerate(add)),
        *((("remove", index), entry) for index, entry in enumerate(remove)),
    ]
    for path, code in named:
        if code is not None and code in seen:
            faults.add(path, Said("“%(code)s” is named more than once", code=code))
        elif code is not None:
            seen.add(code)
