"""Reading an import: contracts made elsewhere, with their parties and what happened to them so far."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from contracts.drafts import values as v
from contracts.drafts.contracts import CONTRACT_FIELDS, STAGE_FIELDS, read_contract
from contracts.drafts.histories import StageHistory, read_history
from contracts.drafts.parties import ClientDraft, read_client
from contracts.drafts.shapes import ContractDraft
from contracts.models import ContractState, DocumentKind, Role
from kernel.errors import InvalidInput
from kernel.reading import FaultList, Path, Reader, boolean, one_of, read_fields

CONTRACTS_MAX: Final = 10_000
_UNKNOWN: Final = datetime.min.replace(tzinfo=UTC)
_ENDS: Final = {state.value: state for state in (ContractState.COMPLETED, ContractState.TERMINATED)}
_IMPORT_FIELDS: Final[Mapping[str, Reader]] = {
    **CONTRACT_FIELDS,
    "client": v.anything,
    "reference": v.text(60),
    "signed_at": v.instant,
    "signed_by": v.email,
    "ended": v.anything,
    "documents": v.anything,
}
_STAGE_FIELDS: Final[Mapping[str, Reader]] = {**STAGE_FIELDS, "started": boolean, "deliveries": v.anything}
_REQUIRED: Final = ("reference", "client", "title", "currency", "stages")
_ENDED_FIELDS: Final[Mapping[str, Reader]] = {
    "state": one_of(_ENDS),
    "at": v.instant,
    "reason": v.text_or_empty(500, lines=True),
}
_DOCUMENT_FIELDS: Final[Mapping[str, Reader]] = {
    "kind": one_of({kind.value: kind for kind in DocumentKind}),
    "title": v.text(200),
    "path": v.text(400),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentDraft:
    """A document to be kept; `path` is relative to the folder of the import's file."""

    kind: DocumentKind
    title: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndDraft:
    """How and when a contract ended."""

    state: ContractState
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedContract:
    """One contract of an import with its client and its history."""

    client: ClientDraft
    contract: ContractDraft
    signed_at: datetime | None = None
    signed_by: str = ""
    ended: EndDraft | None = None
    documents: tuple[DocumentDraft, ...] = ()
    histories: tuple[StageHistory, ...] = ()


def parse_import(raw: object, *, default_time_zone: str, now: datetime) -> tuple[ImportedContract, ...]:
    """
    Read one contract, a list of them, or `{"contracts": [...]}`.

    :raises InvalidInput: every fault with its path, such as `contracts[2].stages[0].amount`
    """
    document = _as_document(raw)
    faults = FaultList(_REQUIRED)
    entries = v.list_of(document["contracts"], ("contracts",), faults, least=1, most=CONTRACTS_MAX)
    read = [
        _read_entry(entry, ("contracts", index), faults, default_time_zone, now)
        for index, entry in enumerate(entries)
    ]
    references = [entry.contract.reference if entry else None for entry in read]
    v.only_once(references, ("contracts",), "reference", faults)
    _check_clients_agree(read, faults)
    if faults:
        raise InvalidInput("The import has faults.", faults=faults.in_order_of(document))
    return tuple(entry for entry in read if entry is not None)


def _as_document(raw: object) -> dict[str, Any]:
    if isinstance(raw, dict) and raw.keys() == {"contracts"}:
        return raw
    return {"contracts": raw if isinstance(raw, list) else [raw]}


def _read_entry(
    raw: Any, at: Path, faults: FaultList, default_time_zone: str, now: datetime
) -> ImportedContract | None:
    own = FaultList()
    contract = read_contract(
        raw, at, own, default_time_zone, fields=_IMPORT_FIELDS, stage_fields=_STAGE_FIELDS, required=_REQUIRED
    )
    if not isinstance(raw, dict):
        faults.extend(own)
        return None
    quiet = FaultList()  # the contract's own fields are told by read_contract
    values = read_fields(raw, _IMPORT_FIELDS, (), at, quiet)
    client = read_client(values["client"], (*at, "client"), own) if "client" in values else None
    documents = _read_documents(values.get("documents"), (*at, "documents"), own)
    signed_at = values.get("signed_at")
    if signed_at is None and raw.get("signed_at") is not None:
        signed_at = _UNKNOWN  # told already; what depends on it is not told again
    ended = _read_end(values.get("ended"), (*at, "ended"), own, signed_at, now)
    _check_signature(signed_at, values.get("signed_by"), client, at, own, now)
    histories = read_history(
        raw.get("stages"),
        (*at, "stages"),
        own,
        began_at=signed_at,
        now=now,
        accepters={member.email for member in client.members if member.role != Role.VIEWER}
        if client
        else None,
        protocols={document.title for document in documents if document.kind == DocumentKind.PROTOCOL},
    )
    faults.extend(own)
    if own or contract is None or client is None:
        return None
    return ImportedContract(
        client=client,
        contract=contract,
        signed_at=signed_at,
        signed_by=values.get("signed_by", ""),
        ended=ended,
        documents=documents,
        histories=histories,
    )


def _check_signature(
    signed_at: datetime | None,
    signed_by: str | None,
    client: ClientDraft | None,
    at: Path,
    faults: FaultList,
    now: datetime,
) -> None:
    if signed_at is not None and signed_at > now:
        faults.add((*at, "signed_at"), "must not lie in the future")
    if signed_by is None:
        return
    if signed_at is None:
        faults.add((*at, "signed_by"), "needs signed_at")
    elif client is not None and signed_by not in {m.email for m in client.members if m.role == Role.OWNER}:
        faults.add((*at, "signed_by"), "must be the e-mail address of an owner among the client's members")


def _read_end(
    raw: Any, at: Path, faults: FaultList, signed_at: datetime | None, now: datetime
) -> EndDraft | None:
    if raw is None:
        return None
    if not isinstance(raw, dict):
        faults.add(at, "must be an object")
        return None
    own = FaultList()
    values = read_fields(raw, _ENDED_FIELDS, ("state", "at"), at, own)
    instant = values.get("at")
    if instant is not None and (instant > now or signed_at is None or instant < signed_at):
        own.add((*at, "at"), "must lie between the signature and now")
    if values.get("state") == ContractState.TERMINATED and not values.get("reason"):
        own.add(at, "a termination needs a reason")
    faults.extend(own)
    if own:
        return None
    return EndDraft(state=values["state"], at=values["at"], reason=values.get("reason", ""))


def _read_documents(raw: Any, at: Path, faults: FaultList) -> tuple[DocumentDraft, ...]:
    documents: list[DocumentDraft] = []
    for index, entry in enumerate(v.list_of(raw, at, faults)):
        if not isinstance(entry, dict):
            faults.add((*at, index), "must be an object")
            continue
        own = FaultList()
        values = read_fields(entry, _DOCUMENT_FIELDS, ("kind", "title", "path"), (*at, index), own)
        faults.extend(own)
        if not own:
            documents.append(DocumentDraft(**values))
    return tuple(documents)


def _check_clients_agree(entries: list[ImportedContract | None], faults: FaultList) -> None:
    """A client that stands in several contracts of one import is told the same way each time."""
    first: dict[tuple[str, str], ClientDraft] = {}
    for index, entry in enumerate(entries):
        if entry is None:
            continue
        known = first.setdefault(entry.client.key, entry.client)
        if known.details != entry.client.details:
            faults.add(("contracts", index, "client"), "differs from what an earlier contract says about it")
