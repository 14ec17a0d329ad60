"""State machines: one table of edges for each, and one way to move along an edge."""

from collections.abc import Mapping
from typing import Any

from kernel.errors import StaleState

Edges = Mapping[str, frozenset[str]]


def edges(text: str) -> Edges:
    """
    Read edges written as lines `from other_from -> to other_to`.

    Every state that occurs is a key; a final state has no edges.
    """
    table: dict[str, set[str]] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        sources, targets = (side.split() for side in line.split("->"))
        for state in (*sources, *targets):
            table.setdefault(state, set())
        for source in sources:
            table[source].update(targets)
    return {state: frozenset(targets) for state, targets in table.items()}


def move(row: Any, expected: str, to: str, *, table: Edges, field: str = "state", **changes: Any) -> None:
    """
    Move a model row along an edge, only if it still is where it was (compare and set).

    :raises StaleState: the row has left the expected state, or there is no such edge
    """
    if to not in table[expected]:
        raise StaleState(f"From “{expected}” there is no way to “{to}”.", state=expected, to=to)
    values = {field: to, **changes}
    moved = type(row)._default_manager.filter(pk=row.pk, **{field: expected}).update(**values)
    if moved != 1:
        raise StaleState(f"It is no longer “{expected}”.", expected=expected, to=to)
    for name, value in values.items():
        setattr(row, name, value)
