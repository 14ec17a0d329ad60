"""
Whose events a system may be told: asked of the room that keeps the grants, which registers its answer here.

The rights of the moment count: a grant withdrawn, or a system switched off, ends what it is told.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Which of the clients asked about an API client acts for."""

    all_clients: bool
    client_ids: frozenset[UUID]

    def covers(self, client_id: UUID | None) -> bool:
        """An event of no client is seen only by who sees every client."""
        return self.all_clients or client_id in self.client_ids


ReachOf = Callable[[Collection[UUID], Collection[UUID]], Mapping[UUID, Reach]]
"""(API clients, clients) -> reach of each API client; one that may be told nothing any more is left out."""


class _Register:
    """Holds the one answer; until there is one, nobody is told anything."""

    def __init__(self) -> None:
        self.find: ReachOf = lambda api_client_ids, client_ids: {}


_register = _Register()


def register(find: ReachOf) -> None:
    """Name who answers."""
    _register.find = find


def reach_of(api_client_ids: Collection[UUID], client_ids: Collection[UUID | None]) -> Mapping[UUID, Reach]:
    """Ask for the present reach of some API clients over some clients."""
    if not api_client_ids:
        return {}
    return _register.find(api_client_ids, {one for one in client_ids if one is not None})
