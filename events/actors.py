"""Who did it: the name of the one who acts, as the journal keeps it."""

from dataclasses import dataclass
from uuid import UUID

from events.models import ActorKind


@dataclass(frozen=True, slots=True)
class Actor:
    """
    A person or system by kind (`client`, `staff`, `api`, `system`) and id; the journal holds no names.

    Only the portal itself (`system`) has no id.
    """

    kind: str
    id: UUID | None

    def __post_init__(self) -> None:
        if (ActorKind(self.kind) == ActorKind.SYSTEM) != (self.id is None):
            raise ValueError(f"an actor of kind {self.kind!r} cannot have the id {self.id}")


SYSTEM_ACTOR = Actor("system", None)
