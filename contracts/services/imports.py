"""Importing contracts made elsewhere: all of them or none."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.db import transaction

from accounts.models import User
from accounts.principals import Principal
from accounts.rights import require_author
from accounts.services import create_user
from contracts.drafts.histories import DeliveryDraft
from contracts.drafts.imports import DocumentDraft, ImportedContract, parse_import
from contracts.drafts.parties import ClientDraft
from contracts.files import FileRefused, StoredFile, remove_file, store_file
from contracts.models import Client, Contract, Document, Membership, Stage
from contracts.services.acts import tell_client
from contracts.services.contracts import end_contract, write_contract
from contracts.services.documents import write_document
from contracts.services.signing import write_signature
from contracts.services.work import begin_stage, write_acceptance, write_delivery, write_objection
from kernel.errors import Fault, InvalidInput, Said


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import stored, or would have stored."""

    numbers: tuple[str, ...]
    clients: int
    people: int
    documents: int


def import_contracts(
    *, principal: Principal, raw: object, folder: Path | None, now: datetime, dry_run: bool = False
) -> ImportReport:
    """
    Store the contracts of one import with clients, members, documents and history: all or nothing.

    `folder` is where the paths of documents begin. With `dry_run` everything is tried and undone.

    :raises NotPermitted: the principal does no contract work
    :raises InvalidInput: every fault with its path, such as `contracts[2].stages[0].amount`
    """
    require_author(principal)
    entries = parse_import(raw, default_time_zone=settings.COMPANY_TIME_ZONE, now=now)
    stored: list[str] = []
    keep = False
    try:
        with transaction.atomic():
            _check_against_what_is_there(entries)
            report = _Importer(principal, folder, now, stored).store(entries)
            keep = not dry_run
            transaction.set_rollback(dry_run)
        return report
    except BaseException:
        keep = False
        raise
    finally:
        if not keep:
            for name in stored:
                remove_file(name)


def _check_against_what_is_there(entries: tuple[ImportedContract, ...]) -> None:
    faults: list[Fault] = []
    references = {entry.contract.reference for entry in entries}
    taken = set(Contract.objects.filter(reference__in=references).values_list("reference", flat=True))
    emails = {entry.client.email for entry in entries}
    known = {(row.email, row.name): row for row in Client.objects.filter(email__in=emails)}
    for index, entry in enumerate(entries):
        if entry.contract.reference in taken:
            path = f"contracts[{index}].reference"
            faults.append(Fault(path=path, message="has been imported already", code="already_imported"))
        client = known.get(entry.client.key)
        if client is not None and client.kind != entry.client.kind:
            path = f"contracts[{index}].client.kind"
            faults.append(
                Fault(path=path, message=Said("this client is known as a %(kind)s", kind=client.kind))
            )
    if faults:
        raise InvalidInput("The import has faults.", faults=faults)


class _Importer:
    """Stores one import; the names of stored files go into `stored` as they come to be."""

    def __init__(self, principal: Principal, folder: Path | None, now: datetime, stored: list[str]) -> None:
        self.principal = principal
        self.folder = folder
        self.now = now
        self.stored = stored
        self.clients: dict[tuple[str, str], Client] = {}
        self.new_clients = self.new_people = 0
        self.faults: list[Fault] = []

    def store(self, entries: tuple[ImportedContract, ...]) -> ImportReport:
        numbers: list[str] = []
        for index, entry in enumerate(entries):
            files = [
                self._store_file(document, f"contracts[{index}].documents[{place}].path")
                for place, document in enumerate(entry.documents)
            ]
            if not self.faults:
                numbers.append(self._store_entry(entry, [file for file in files if file is not None]))
        if self.faults:
            raise InvalidInput("The import has faults.", faults=self.faults)
        return ImportReport(
            numbers=tuple(numbers),
            clients=self.new_clients,
            people=self.new_people,
            documents=len(self.stored),
        )

    def _store_entry(self, entry: ImportedContract, files: list[StoredFile]) -> str:
        client = self._client(entry.client)
        contract = write_contract(
            client,
            entry.contract,
            principal=self.principal,
            now=self.now,
            began_at=entry.signed_at,
            imported=entry.signed_at is not None,
        )
        documents = [
            write_document(contract, draft.kind, draft.title, file, principal=self.principal, now=self.now)
            for draft, file in zip(entry.documents, files, strict=True)
        ]
        if entry.signed_at is not None:
            self._store_signed(entry, contract, entry.signed_at, documents)
        return contract.number

    def _store_signed(
        self, entry: ImportedContract, contract: Contract, signed_at: datetime, documents: list[Document]
    ) -> None:
        signed = [document.sha256 for document in documents if document.kind == "contract"]
        write_signature(
            contract,
            principal=self.principal,
            now=self.now,
            signed_at=signed_at,
            digest=signed[-1] if signed else "",
            by_client=bool(entry.signed_by),
            by=self._person(entry.signed_by),
        )
        stages = {stage.code: stage for stage in Stage.objects.filter(contract=contract)}
        protocols = {document.title: document for document in documents if document.kind == "protocol"}
        for history in entry.histories:
            stage = stages[history.code]
            begin_stage(stage, contract, principal=self.principal, now=self.now)
            for delivery in history.deliveries:
                self._store_delivery(delivery, stage, contract, protocols)
        if entry.ended is not None:
            end = entry.ended
            end_contract(
                contract, end.state, end.reason, principal=self.principal, now=self.now, ended_at=end.at
            )

    def _store_delivery(
        self, draft: DeliveryDraft, stage: Stage, contract: Contract, protocols: dict[str, Document]
    ) -> None:
        delivery = write_delivery(
            stage, contract, draft.delivered_at, draft.note, (), principal=self.principal, now=self.now
        )
        if draft.accepted_at is not None:
            write_acceptance(
                delivery,
                stage,
                contract,
                draft.accepted_at,
                protocols.get(draft.protocol),
                by_client=bool(draft.accepted_by),
                principal=self.principal,
                now=self.now,
                by=self._person(draft.accepted_by),
            )
        if draft.objected_at is not None:
            write_objection(
                delivery,
                stage,
                contract,
                draft.objected_at,
                [{"item": item or None, "text": text} for item, text in draft.objections],
                principal=self.principal,
                now=self.now,
                by=self._person(draft.objected_by),
            )

    def _client(self, draft: ClientDraft) -> Client:
        """Find a client by e-mail address and name, or enter it; its members are entered as they come."""
        client = self.clients.get(draft.key)
        client = client or Client.objects.filter(email=draft.email, name=draft.name).first()
        if client is None:
            client = Client.objects.create(
                kind=draft.kind,
                name=draft.name,
                email=draft.email,
                language=draft.language,
                address=draft.address,
                created_at=self.now,
            )
            self.new_clients += 1
            self._tell("client.created", client, kind=client.kind)
        self.clients[draft.key] = client
        for member in draft.members:
            user = User.objects.filter(email=member.email).first()
            if user is None:
                user = create_user(email=member.email, name=member.name, language=draft.language)
                self.new_people += 1
            _, made = Membership.objects.get_or_create(
                client=client, user=user, defaults={"role": member.role, "created_at": self.now}
            )
            if made:
                self._tell("member.added", client, user=user.pk, role=member.role.value)
        return client

    def _tell(self, type: str, client: Client, **data: object) -> None:
        tell_client(type, client.pk, principal=self.principal, now=self.now, imported=True, **data)

    def _person(self, email: str) -> User | None:
        return User.objects.get(email=email) if email else None

    def _store_file(self, draft: DocumentDraft, path: str) -> StoredFile | None:
        try:
            with _open_inside(self.folder, draft.path) as file:
                found = store_file(file, Path(draft.path).name)
        except FileRefused as error:
            self.faults.append(Fault(path=path, message=error.detail, code=error.code))
        except (OSError, ValueError):
            self.faults.append(
                Fault(path=path, message="is no file that can be read beside the import", code="unreadable")
            )
        else:
            self.stored.append(found.stored_as)
            return found
        return None


@contextmanager
def _open_inside(folder: Path | None, path: str) -> Iterator[BinaryIO]:
    """Open a file beside the import; nothing outside of its folder."""
    if folder is None:
        raise FileNotFoundError(path)
    whole = (folder / path).resolve()
    if not whole.is_relative_to(folder.resolve()):
        raise FileNotFoundError(path)
    with whole.open("rb") as file:
        yield file
