"""Reading what happened to the stages of a contract before it was imported."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from contracts.drafts import values as v
from contracts.models import StageKind
from kernel.errors import Said
from kernel.reading import FaultList, Path, Reader, read_fields

_FIELDS: Final[Mapping[str, Reader]] = {
    "delivered_at": v.instant,
    "note": v.text_or_empty(4000, lines=True),
    "accepted_at": v.instant,
    "accepted_by": v.email,
    "protocol": v.text(200),
    "objected_at": v.instant,
    "objected_by": v.email,
    "objections": v.anything,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryDraft:
    """
    One delivery that happened: waiting, accepted or objected to.

    Accepted by a member of the client (`accepted_by`, an e-mail address), or as the signed protocol
    says (`protocol`, the title of a document of the same import).
    """

    delivered_at: datetime
    note: str = ""
    accepted_at: datetime | None = None
    accepted_by: str = ""
    protocol: str = ""
    objected_at: datetime | None = None
    objected_by: str = ""
    objections: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StageHistory:
    """What happened to one stage, in order."""

    code: str
    deliveries: tuple[DeliveryDraft, ...] = ()


def read_history(
    raw_stages: Any,
    at: Path,
    faults: FaultList,
    *,
    began_at: datetime | None,
    now: datetime,
    accepters: Collection[str] | None,
    protocols: Collection[str],
) -> tuple[StageHistory, ...]:
    """
    Read `started` and `deliveries` of each stage; the stages themselves are read elsewhere.

    `accepters` are the addresses of those who may accept for the client (None: not known, not checked).
    """
    reader = _Reader(faults, began_at, now, accepters, protocols)
    histories: list[StageHistory] = []
    for index, stage in enumerate(raw_stages if isinstance(raw_stages, list) else []):
        if not isinstance(stage, dict):
            continue
        has_deliveries = stage.get("deliveries") is not None and stage["deliveries"] != []
        if has_deliveries or stage.get("started") is True:
            name = "deliveries" if has_deliveries else "started"
            reader.check_stage(stage, (*at, index, name))
            deliveries = reader.read(stage, (*at, index, "deliveries")) if has_deliveries else ()
            histories.append(StageHistory(code=str(stage.get("code")), deliveries=deliveries))
    return tuple(histories)


class _Reader:
    """Reads deliveries in the order of time; notes every fault."""

    def __init__(
        self,
        faults: FaultList,
        began_at: datetime | None,
        now: datetime,
        accepters: Collection[str] | None,
        protocols: Collection[str],
    ) -> None:
        self.faults = faults
        self.began_at = began_at
        self.now = now
        self.accepters = accepters
        self.protocols = protocols

    def check_stage(self, stage: Mapping[str, Any], at: Path) -> None:
        if stage.get("kind") != StageKind.WORK:
            self.faults.add(at, "only work is begun and delivered")
        elif self.began_at is None:
            self.faults.add(at, "work begins when the contract is signed: signed_at is missing")

    def read(self, stage: Mapping[str, Any], at: Path) -> tuple[DeliveryDraft, ...]:
        codes = _item_codes(stage.get("items"))
        deliveries: list[DeliveryDraft] = []
        earliest = self.began_at
        entries = v.list_of(stage["deliveries"], at, self.faults, most=100)
        for index, entry in enumerate(entries):
            delivery = self._read_one(entry, (*at, index), earliest, codes)
            if delivery is None:
                continue
            if index < len(entries) - 1 and delivery.objected_at is None:
                self.faults.add((*at, index), "must be objected to, since the stage was delivered again")
            earliest = delivery.objected_at or delivery.delivered_at
            deliveries.append(delivery)
        return tuple(deliveries)

    def _read_one(
        self, raw: Any, at: Path, earliest: datetime | None, codes: Collection[Any]
    ) -> DeliveryDraft | None:
        if not isinstance(raw, dict):
            self.faults.add(at, "must be an object")
            return None
        own = FaultList()
        values = read_fields(raw, _FIELDS, ("delivered_at",), at, own)
        objections = self._read_objections(values.pop("objections", None), (*at, "objections"), own, codes)
        delivered_at = values.get("delivered_at")
        self._check_instant(values, "delivered_at", earliest, at, own)
        self._check_instant(values, "accepted_at", delivered_at, at, own)
        self._check_instant(values, "objected_at", delivered_at, at, own)
        self._check_acceptance(values, at, own)
        self._check_objection(values, objections, at, own)
        self.faults.extend(own)
        return None if own else DeliveryDraft(**values, objections=objections)

    def _check_instant(
        self, values: Mapping[str, Any], name: str, earliest: datetime | None, at: Path, faults: FaultList
    ) -> None:
        instant = values.get(name)
        if instant is None:
            return
        if instant > self.now:
            faults.add((*at, name), "must not lie in the future")
        elif earliest is not None and instant < earliest:
            faults.add((*at, name), "must not be earlier than what came before it")

    def _check_acceptance(self, values: Mapping[str, Any], at: Path, faults: FaultList) -> None:
        by, protocol = values.get("accepted_by"), values.get("protocol")
        if values.get("accepted_at") is None:
            for name in ("accepted_by", "protocol"):
                if name in values:
                    faults.add((*at, name), "needs accepted_at")
            return
        if (by is None) == (protocol is None):
            faults.add((*at, "accepted_at"), "needs either accepted_by or protocol")
        elif by is not None and self.accepters is not None and by not in self.accepters:
            faults.add((*at, "accepted_by"), "must be an owner or requester among the client's members")
        elif protocol is not None and protocol not in self.protocols:
            faults.add((*at, "protocol"), "must be the title of an acceptance protocol among the documents")

    def _check_objection(
        self, values: Mapping[str, Any], objections: tuple[tuple[str, str], ...], at: Path, faults: FaultList
    ) -> None:
        if values.get("objected_at") is None:
            if objections or "objected_by" in values:
                faults.add((*at, "objections" if objections else "objected_by"), "needs objected_at")
            return
        if values.get("accepted_at") is not None:
            faults.add((*at, "objected_at"), "a delivery is either accepted or objected to")
        if not objections:
            faults.add((*at, "objected_at"), "needs objections")
        by = values.get("objected_by")
        if by is not None and self.accepters is not None and by not in self.accepters:
            faults.add((*at, "objected_by"), "must be an owner or requester among the client's members")

    def _read_objections(
        self, raw: Any, at: Path, faults: FaultList, codes: Collection[Any]
    ) -> tuple[tuple[str, str], ...]:
        read: list[tuple[str, str]] = []
        fields: dict[str, Reader] = {"item": v.code, "text": v.text(2000, lines=True)}
        for index, entry in enumerate(v.list_of(raw, at, faults)):
            if not isinstance(entry, dict):
                faults.add((*at, index), "must be an object")
                continue
            values = read_fields(entry, fields, ("text",), (*at, index), faults)
            item = values.get("item", "")
            if item and item not in codes:
                faults.add(
                    (*at, index, "item"), Said("the stage has no acceptance item “%(item)s”", item=item)
                )
            read.append((item, values.get("text", "")))
        return tuple(read)


def _item_codes(raw: Any) -> set[str]:
    """Give the codes of acceptance items as far as they are codes at all."""
    codes = (item.get("code") for item in raw if isinstance(item, dict)) if isinstance(raw, list) else ()
    return {code for code in codes if isinstance(code, str)}
