"""Reading a client and the people who act for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings

from contracts.drafts import values as v
from contracts.models import ClientKind, Role
from kernel.reading import FaultList, Path, Reader, one_of, read_fields

CLIENT_FIELDS: Final[Mapping[str, Reader]] = {
    "kind": one_of({kind.value: kind for kind in ClientKind}),
    "name": v.text(200),
    "email": v.email,
    "language": one_of({code: code for code, _ in settings.LANGUAGES}),
    "address": v.text_or_empty(500, lines=True),
}
_MEMBER_FIELDS: Final[Mapping[str, Reader]] = {
    "email": v.email,
    "name": v.text(200),
    "role": one_of({role.value: role for role in Role}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberDraft:
    """A person who acts for a client."""

    email: str
    name: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientDraft:
    """A client as an import tells it; it is known by e-mail address and name."""

    kind: ClientKind
    name: str
    email: str
    language: str = "en"
    address: str = ""
    members: tuple[MemberDraft, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        return self.email, self.name

    @property
    def details(self) -> tuple[str, ...]:
        return self.kind, self.name, self.email, self.language, self.address


def read_client(raw: Any, at: Path, faults: FaultList) -> ClientDraft | None:
    """Read a client with its members; None if it has faults (which are noted)."""
    if not isinstance(raw, dict):
        faults.add(at, "must be an object")
        return None
    own = FaultList()
    fields = {**CLIENT_FIELDS, "members": v.anything}
    values = read_fields(raw, fields, ("kind", "name", "email"), at, own)
    members = _read_members(values.pop("members", None), (*at, "members"), own)
    faults.extend(own)
    return None if own else ClientDraft(**values, members=members)


def _read_members(raw: Any, at: Path, faults: FaultList) -> tuple[MemberDraft, ...]:
    members: list[MemberDraft] = []
    emails: list[str | None] = []
    for index, entry in enumerate(v.list_of(raw, at, faults)):
        if not isinstance(entry, dict):
            faults.add((*at, index), "must be an object")
            emails.append(None)
            continue
        own = FaultList()
        values = read_fields(entry, _MEMBER_FIELDS, ("email", "name", "role"), (*at, index), own)
        emails.append(values.get("email"))
        faults.extend(own)
        if not own:
            members.append(MemberDraft(**values))
    v.only_once(emails, at, "email", faults)
    return tuple(members)
