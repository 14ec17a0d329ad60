"""
Seals over the journal: the canonical form of an event, Merkle roots and the chain. Pure.

The tree is that of RFC 6962, section 2.1 (SHA-256; a leaf is prefixed with 00, a node with 01), so that
no list of events can pass for another.
"""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

EMPTY_ROOT: Final = hashlib.sha256().hexdigest()


class Entry(NamedTuple):
    """One event in its place of the journal."""

    position: int
    id: UUID
    type: str
    subject_type: str
    subject_id: UUID
    client_id: UUID | None
    actor_kind: str
    actor_id: UUID | None
    at: datetime
    data: Any


def canonical(entry: Entry) -> bytes:
    """Write an entry as JSON with sorted keys: the same bytes on every database."""
    return _json({name: _value(value) for name, value in entry._asdict().items()})


def _value(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    return instant(value) if isinstance(value, datetime) else value


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def instant(value: datetime) -> str:
    """Write an instant (aware) in UTC, always with microseconds."""
    return value.astimezone(UTC).isoformat(timespec="microseconds")


class MerkleTree:
    """Computes a root from leaves given one by one; holds one hash per level."""

    def __init__(self) -> None:
        self._levels: list[bytes | None] = []

    def add(self, leaf: bytes) -> None:
        carried: bytes = hashlib.sha256(b"\x00" + leaf).digest()
        for level, waiting in enumerate(self._levels):
            if waiting is None:
                self._levels[level] = carried
                return
            self._levels[level] = None
            carried = _node(waiting, carried)
        self._levels.append(carried)

    def root(self) -> str:
        """Give the root as 64 hex digits."""
        root: bytes | None = None
        for waiting in self._levels:
            if waiting is not None:
                root = waiting if root is None else _node(waiting, root)
        return EMPTY_ROOT if root is None else root.hex()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def chain_digest(*, first: int, last: int, root: str, previous: str, sealed_at: datetime) -> str:
    """Give a seal's digest (64 hex digits): it covers its run, its time and the seal before it."""
    sealed = {
        "first": first,
        "last": last,
        "root": root,
        "previous": previous,
        "sealed_at": instant(sealed_at),
    }
    return hashlib.sha256(_json(sealed)).hexdigest()


def written_at(event_id: UUID) -> datetime:
    """Read when an event was written from its id (UUID version 7, milliseconds)."""
    return datetime.fromtimestamp((event_id.int >> 80) // 1000, tz=UTC)
