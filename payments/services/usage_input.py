"""Reading usage records as systems send them: every fault at once, with its path."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from accounts.principals import Principal
from contracts.models import ContractState, Meter, MeterKind, Stage, StageKind
from contracts.selectors import UsageFrame, usage_frames
from contracts.services import UsageRow
from kernel.errors import InvalidInput
from kernel.exact import parse_scaled
from kernel.instants import InvalidInstant, parse_instant
from kernel.reading import FaultList, Wrong, name_text, read_fields

RECORDS_MAX: Final = 1000
QUANTITY_DIGITS: Final = 6
QUANTITY_MICRO_MAX: Final = 10**18
VALUE_FEMTO_MAX: Final = 10**26
"""A record is worth less than 10^11 major units: totals stay within what is kept."""

_OF_KIND: Final = {
    MeterKind.METERED: ("quantity", "occurred_at"),
    MeterKind.TIME: ("start", "end"),
}
_REQUIRED: Final = ("source", "external_id", "contract", "meter")
_ALL_REQUIRED: Final = (*_REQUIRED, "quantity", "occurred_at", "start", "end")


def _text(most: int) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        text = name_text(value)
        if len(text) > most or not text.isprintable():
            raise Wrong(f"must be at most {most} printable characters")
        return text

    return read


def _uuid(value: Any) -> UUID:
    try:
        return UUID(name_text(value))
    except ValueError:
        raise Wrong("must be the id of a contract") from None


def _quantity(value: Any) -> int:
    """Take a decimal string and give it in millionths."""
    micro = parse_scaled(value, QUANTITY_DIGITS) if isinstance(value, str) else None
    if micro is None:
        raise Wrong(f"must be a decimal string with at most {QUANTITY_DIGITS} decimals")
    if abs(micro) >= QUANTITY_MICRO_MAX:
        raise Wrong("must be below 10^12")
    return micro


def _instant(value: Any) -> datetime:
    try:
        return parse_instant(name_text(value))
    except InvalidInstant as error:
        raise Wrong(error.detail) from None


_FIELDS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "source": _text(60),
    "external_id": _text(120),
    "contract": _uuid,
    "meter": name_text,
    "stage": name_text,
    "quantity": _quantity,
    "occurred_at": _instant,
    "start": _instant,
    "end": _instant,
}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a record stands in its batch, and where its faults go."""

    index: int
    raw: Mapping[str, Any]
    faults: FaultList
    now: datetime

    def fault(self, name: str, message: str) -> None:
        self.faults.add(("records", self.index, name), message)

    def missing(self, name: str) -> None:
        self.faults.add_missing(("records", self.index, name))


def read_usage(principal: Principal, records: Sequence[Any], now: datetime) -> list[UsageRow]:
    """
    Read a batch of usage records into rows, prices copied from the contracts' meters. Three queries.

    Each is an object of `source`, `external_id`, `contract` (id), `meter` and `stage` (codes; the latter
    may be left out), and `quantity` and `occurred_at`, or `start` and `end` for a time meter.

    :raises InvalidInput: every fault of every record, at paths such as `records[0].quantity`
    """
    document = {"records": list(records)}
    faults = FaultList(_ALL_REQUIRED)
    if not 0 < len(records) <= RECORDS_MAX:
        faults.add(("records",), f"must be a list of 1 to {RECORDS_MAX} records")
        raise InvalidInput(faults=faults.in_order_of(document))
    values = [_read_shape(raw, index, faults) for index, raw in enumerate(document["records"])]
    frames = usage_frames(principal, {value["contract"] for value in values if "contract" in value})
    rows = [
        _read_meaning(value, _Place(index, raw, faults, now), frames)
        for index, (raw, value) in enumerate(zip(document["records"], values, strict=True))
        if isinstance(raw, dict)
    ]
    if faults:
        raise InvalidInput("Usage records have faults.", faults=faults.in_order_of(document))
    return [row for row in rows if row is not None]


def _read_shape(raw: Any, index: int, faults: FaultList) -> dict[str, Any]:
    if not isinstance(raw, dict):
        faults.add(("records", index), "must be an object")
        return {}
    return read_fields(raw, _FIELDS, _REQUIRED, ("records", index), faults)


def _read_meaning(value: dict[str, Any], place: _Place, frames: Mapping[UUID, UsageFrame]) -> UsageRow | None:
    """Read what a record means in its contract; None if that cannot be said."""
    frame = frames.get(value.get("contract"))  # type: ignore[arg-type]
    if frame is None:
        if "contract" in value:
            place.fault("contract", "is not the id of a contract that you can use")
        return None
    if frame.contract.state == ContractState.DRAFT:
        place.fault("contract", "is not signed yet")
    stage = _stage_of(value, place, frame)
    meter = frame.meters.get(value.get("meter", ""))
    if meter is None:
        if "meter" in value:
            place.fault("meter", "is not a meter of this contract")
        return None
    _check_kind(value, place, meter)
    _check_instants(value, place, meter)
    _check_value(value, place, meter)
    return None if place.faults else _row(value, place.now, frame, meter, stage)


def _stage_of(value: dict[str, Any], place: _Place, frame: UsageFrame) -> Stage | None:
    code = value.get("stage")
    if code is None:
        return None
    stage = frame.stages.get(code)
    if stage is None:
        place.fault("stage", "is not a stage of this contract")
    elif stage.kind != StageKind.WORK:
        place.fault("stage", "is a prepayment; usage belongs to a stage of work, or to none")
    return stage


def _check_kind(value: dict[str, Any], place: _Place, meter: Meter) -> None:
    """A record has the fields of its meter's kind, all of them and no others."""
    for kind, names in _OF_KIND.items():
        for name in names:
            if kind == meter.kind and name not in value and place.raw.get(name) is None:
                place.missing(name)
            elif kind != meter.kind and name in place.raw:
                place.fault(name, f"does not belong to a record of this meter, which is “{meter.kind}”")


def _check_instants(value: dict[str, Any], place: _Place, meter: Meter) -> None:
    begins = "occurred_at" if meter.kind == MeterKind.METERED else "start"
    if begins in value and value[begins] > place.now:
        place.fault(begins, "lies in the future")
    if "start" in value and "end" in value and value["end"] <= value["start"]:
        place.fault("end", "must be after start")


def _check_value(value: dict[str, Any], place: _Place, meter: Meter) -> None:
    if abs(value.get("quantity", 0)) * meter.price_nano >= VALUE_FEMTO_MAX:
        place.fault("quantity", "makes a value that is too large to be kept")


def _row(
    value: dict[str, Any], now: datetime, frame: UsageFrame, meter: Meter, stage: Stage | None
) -> UsageRow:
    is_time = meter.kind == MeterKind.TIME
    return UsageRow(
        source=value["source"],
        external_id=value["external_id"],
        contract_id=frame.contract.pk,
        meter_id=meter.pk,
        stage_id=None if stage is None else stage.pk,
        kind=meter.kind,
        quantity_micro=None if is_time else value["quantity"],
        price_nano=meter.price_nano,
        occurred_at=value["start"] if is_time else value["occurred_at"],
        ends_at=value["end"] if is_time else None,
        recorded_at=now,
    )
