"""Reading a contract: the one parser for REST, import and the authoring form. All faults at once."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from contracts.drafts import values as v
from contracts.drafts.shapes import ContractDraft, ItemDraft, MeterDraft, StageDraft
from contracts.models import MeterKind, StageKind
from contracts.policy.terms import RefundTerms, read_terms
from contracts.shares import in_proportion
from kernel.currencies import CURRENCY_DIGITS
from kernel.errors import InvalidInput, Said
from kernel.exact import scaled_text
from kernel.reading import FaultList, Path, Reader, Wrong, one_of, read_fields, whole_number


def _currency(value: Any) -> str:
    if isinstance(value, str) and value in CURRENCY_DIGITS:
        return value
    raise Wrong("must be an active ISO 4217 currency code in upper case, such as EUR")


CONTRACT_FIELDS: Final[Mapping[str, Reader]] = {
    "client": v.uuid,
    "reference": v.text_or_empty(60),
    "title": v.text(200),
    "summary": v.text_or_empty(4000, lines=True),
    "currency": _currency,
    "total": v.anything,
    "payment_days": whole_number(0, 365),
    "terms": v.anything,
    "stages": v.anything,
    "meters": v.anything,
}
CONTRACT_REQUIRED: Final = ("client", "title", "currency", "stages")
STAGE_FIELDS: Final[Mapping[str, Reader]] = {
    "code": v.code,
    "title": v.text(200),
    "kind": one_of({kind.value: kind for kind in StageKind}),
    "amount": v.anything,
    "items": v.anything,
    "shares": v.anything,
}
_ITEM_FIELDS: Final[Mapping[str, Reader]] = {
    "code": v.code,
    "statement": v.text(1000, lines=True),
    "weight": v.scaled(6, least=1, most=v.WEIGHT_MICRO_MAX),
    "reference": v.text_or_empty(200),
}
_METER_FIELDS: Final[Mapping[str, Reader]] = {
    "code": v.code,
    "title": v.text(200),
    "kind": one_of({kind.value: kind for kind in MeterKind}),
    "unit": v.text_or_empty(40),
    "price": v.scaled(9, least=0, most=v.PRICE_NANO_MAX),
}


def parse_contract(raw: object, *, default_time_zone: str) -> ContractDraft:
    """
    Read a contract with stages, shares, items, meters and terms in one object.

    :raises InvalidInput: every fault with its path, such as `stages[1].amount`
    """
    faults = FaultList(CONTRACT_REQUIRED)
    draft = read_contract(raw, (), faults, default_time_zone)
    if draft is None or faults:
        raise InvalidInput("The contract has faults.", faults=faults.in_order_of(raw))
    return draft


def read_contract(
    raw: object,
    at: Path,
    faults: FaultList,
    default_time_zone: str,
    *,
    fields: Mapping[str, Reader] = CONTRACT_FIELDS,
    stage_fields: Mapping[str, Reader] = STAGE_FIELDS,
    required: tuple[str, ...] = CONTRACT_REQUIRED,
) -> ContractDraft | None:
    """Read a contract that stands at a path of a larger document; None if it has faults (which are noted)."""
    if not isinstance(raw, dict):
        faults.add(at, "must be an object")
        return None
    own = FaultList()
    values = read_fields(raw, fields, required, at, own)
    currency = values.get("currency")
    stages = read_stages(raw.get("stages"), (*at, "stages"), own, currency, stage_fields)
    meters = _read_meters(values.get("meters"), (*at, "meters"), own)
    terms = _read_terms(values, default_time_zone, at, own)
    _check_total(values, stages, currency, at, own)
    if own or terms is None:
        faults.extend(own)
        return None
    client = values.get("client")
    return ContractDraft(
        client_id=client if isinstance(client, UUID) else None,
        reference=values.get("reference", ""),
        title=values["title"],
        summary=values.get("summary", ""),
        currency=values["currency"],
        payment_days=values.get("payment_days", 14),
        terms=terms,
        stages=tuple(stage for stage in stages if stage is not None),
        meters=meters,
    )


def _read_terms(
    values: dict[str, Any], default_time_zone: str, at: Path, faults: FaultList
) -> RefundTerms | None:
    return read_terms(values.get("terms", {}), default_time_zone, (*at, "terms"), faults)


def read_stages(
    raw: Any, at: Path, faults: FaultList, currency: str | None, fields: Mapping[str, Reader] = STAGE_FIELDS
) -> list[StageDraft | None]:
    """Read a contract's stages; one that has faults is None."""
    entries = v.list_of(raw, at, faults, least=1)
    own = FaultList()
    read = [read_stage(entry, (*at, index), own, currency, fields) for index, entry in enumerate(entries)]
    v.only_once([stage.code if stage else None for stage in read], at, "code", own)
    drafts: list[StageDraft | None] = list(read)
    if not own and entries:
        drafts = [
            _with_shares(stage, entries, at, index, read, own, currency) for index, stage in enumerate(read)
        ]
    faults.extend(own)
    return drafts


def read_stage(
    raw: Any, at: Path, faults: FaultList, currency: str | None, fields: Mapping[str, Reader] = STAGE_FIELDS
) -> StageDraft | None:
    """Read one stage without its shares; None if it has faults."""
    if not isinstance(raw, dict):
        faults.add(at, "must be an object")
        return None
    own = FaultList()
    values = read_fields(
        raw, {**fields, "amount": v.amount(currency)}, ("code", "title", "kind", "amount"), at, own
    )
    items = _read_items(values.get("items"), (*at, "items"), own)
    if values.get("kind") == StageKind.PREPAYMENT and values.get("items"):
        own.add((*at, "items"), "a prepayment is never delivered and has no acceptance items")
    if values.get("kind") == StageKind.WORK and "shares" in values:
        own.add((*at, "shares"), "only a prepayment has shares")
    faults.extend(own)
    if own:
        return None
    return StageDraft(
        code=values["code"],
        title=values["title"],
        kind=values["kind"],
        amount_minor=values["amount"] or 0,
        items=items,
    )


def _read_items(raw: Any, at: Path, faults: FaultList) -> tuple[ItemDraft, ...]:
    entries = v.list_of(raw, at, faults)
    items: list[ItemDraft] = []
    codes: list[str | None] = []
    for index, entry in enumerate(entries):
        if not isinstance(entry, dict):
            faults.add((*at, index), "must be an object")
            codes.append(None)
            continue
        own = FaultList()
        values = read_fields(entry, _ITEM_FIELDS, ("code", "statement", "weight"), (*at, index), own)
        codes.append(values.get("code"))
        faults.extend(own)
        if not own:
            items.append(
                ItemDraft(
                    code=values["code"],
                    statement=values["statement"],
                    weight_micro=values["weight"],
                    reference=values.get("reference", ""),
                )
            )
    v.only_once(codes, at, "code", faults)
    return tuple(items)


def _with_shares(
    stage: StageDraft | None,
    entries: Any,
    at: Path,
    index: int,
    stages: list[StageDraft | None],
    faults: FaultList,
    currency: str | None,
) -> StageDraft | None:
    if stage is None or stage.kind != StageKind.PREPAYMENT:
        return stage
    work = {other.code: other.amount_minor for other in stages if other and other.kind == StageKind.WORK}
    raw = entries[index].get("shares")
    shares = read_shares(raw, (*at, index, "shares"), faults, currency, stage.amount_minor, work)
    return StageDraft(
        code=stage.code, title=stage.title, kind=stage.kind, amount_minor=stage.amount_minor, shares=shares
    )


def read_shares(
    raw: Any, at: Path, faults: FaultList, currency: str | None, amount_minor: int, work: Mapping[str, int]
) -> tuple[tuple[str, int], ...]:
    """
    Read which work a prepayment prepays; left out, it is in proportion to the work's amounts.

    `work` maps the code of each stage of work to its amount, in order; shares are minor units.
    """
    if not work:
        faults.add(at[:-1], "a prepayment needs at least one stage of work that it prepays")
        return ()
    if raw is None:
        return tuple(zip(work, in_proportion(amount_minor, list(work.values())), strict=True))
    if not isinstance(raw, dict):
        faults.add(at, "must be an object of stage codes and amounts")
        return ()
    own = FaultList()
    values = read_fields(raw, dict.fromkeys(work, v.amount(currency)), (), at, own)
    if not own and currency and sum(values.values()) != amount_minor:
        wanted = scaled_text(amount_minor, CURRENCY_DIGITS[currency])
        own.add(at, Said("must sum to the prepayment, %(wanted)s", wanted=wanted))
    faults.extend(own)
    return tuple((code, values[code]) for code in work if values.get(code))


def _read_meters(raw: Any, at: Path, faults: FaultList) -> tuple[MeterDraft, ...]:
    meters: list[MeterDraft] = []
    codes: list[str | None] = []
    for index, entry in enumerate(v.list_of(raw, at, faults)):
        if not isinstance(entry, dict):
            faults.add((*at, index), "must be an object")
            codes.append(None)
            continue
        own = FaultList()
        values = read_fields(entry, _METER_FIELDS, ("code", "title", "kind", "price"), (*at, index), own)
        codes.append(values.get("code"))
        faults.extend(own)
        if not own:
            meters.append(
                MeterDraft(
                    code=values["code"],
                    title=values["title"],
                    kind=values["kind"],
                    unit=values.get("unit", ""),
                    price_nano=values["price"],
                )
            )
    v.only_once(codes, at, "code", faults)
    return tuple(meters)


def _check_total(
    values: dict[str, Any], stages: list[StageDraft | None], currency: str | None, at: Path, faults: FaultList
) -> None:
    """The stages sum to something, and to the total if the contract names one."""
    stated: int | None = None
    if "total" in values:
        try:
            stated = v.amount(currency)(values["total"])
        except Wrong as wrong:
            faults.add((*at, "total"), str(wrong))
    if currency is None or not stages or None in stages:
        return
    total = sum(stage.amount_minor for stage in stages if stage is not None)
    if total == 0:
        faults.add((*at, "stages"), "must sum to more than 0")
    elif total > v.AMOUNT_MINOR_MAX:
        faults.add((*at, "stages"), "sum to more than a contract can hold")
    elif stated is not None and stated != total:
        wanted = scaled_text(total, CURRENCY_DIGITS[currency])
        faults.add((*at, "total"), Said("must be the sum of the stages, %(wanted)s", wanted=wanted))
