"""Reading objects of JSON strictly: every fault is found, with its path, in the order of the document."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from kernel.errors import Fault, Said

Path = tuple[str | int, ...]
Reader = Callable[[Any], Any]

_MISSING_RANKS_START = 1 << 40


class Wrong(ValueError):
    """A value that its field does not take; the text says what it takes."""


class DoubleKeys(dict[str, Any]):
    """An object whose text named a key more than once; the later value counts, `doubles` lists the keys."""

    def __init__(self, pairs: Sequence[tuple[str, Any]]) -> None:
        super().__init__()
        self.doubles: list[str] = []
        for name, value in pairs:
            if name in self:
                self.doubles.append(name)
                del self[name]  # so that the key stands at its later place
            self[name] = value


class FaultList:
    """Faults of one document as they are found; put into document order at the end."""

    def __init__(self, ranks: Sequence[str] = ()) -> None:
        """`ranks`: names of required fields, in the order in which missing ones are told."""
        self._found: list[tuple[Path, str, bool]] = []
        self._ranks = ranks

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, path: Path, message: str) -> None:
        """Note a fault at the place of a field that is there."""
        self._found.append((path, message, False))

    def add_missing(self, path: Path) -> None:
        """Note that a field is missing; it stands after the fields its object has."""
        self._found.append((path, "is missing", True))

    def extend(self, other: "FaultList") -> None:
        """Take over the faults of a part of the document."""
        self._found.extend(other._found)

    def in_order_of(self, document: object) -> tuple[Fault, ...]:
        """Give the faults in the order of the document."""
        ranks = {name: _MISSING_RANKS_START + rank for rank, name in enumerate(self._ranks)}
        places: dict[int, dict[str, int]] = {}
        found = sorted(self._found, key=lambda item: _place(document, item[0], item[2], ranks, places))
        return tuple(fault_at(path, message) for path, message, _ in found)


def _place(
    node: object, path: Path, missing: bool, ranks: Mapping[str, int], places: dict[int, dict[str, int]]
) -> list[int]:
    """Where a path stands: the index of each step within its object or list; missing ones come last."""
    where: list[int] = []
    for depth, step in enumerate(path):
        if isinstance(step, int):
            where.append(step)
            node = node[step] if isinstance(node, list) else None
            continue
        last = depth == len(path) - 1
        value = node.get(step) if isinstance(node, dict) else None
        if isinstance(node, dict) and step in node and (value is not None or (last and not missing)):
            order = places.get(id(node))
            if order is None:
                order = places[id(node)] = {name: index for index, name in enumerate(node)}
            where.append(order[step])
        else:
            where.append(ranks.get(step, _MISSING_RANKS_START))
        node = value
    return where


def fault_at(path: Path, message: str, code: str = "invalid") -> Fault:
    """Make a fault of a place, whatever characters its names hold."""
    return Fault(path=path_text(path), message=message, code=code, steps=path)


def path_text(path: Path) -> str:
    """Write a path as people read it: `work[0].items[1].weight`."""
    return "".join(_steps(path))


def _steps(path: Path) -> Iterator[str]:
    for index, step in enumerate(path):
        if isinstance(step, int):
            yield f"[{step}]"
        else:
            yield f".{step}" if index else step


def read_fields(
    raw: Mapping[str, Any],
    fields: Mapping[str, Reader],
    required: Sequence[str],
    at: Path,
    faults: FaultList,
    *,
    null_is_left_out: bool = True,
) -> dict[str, Any]:
    """Read an object field by field; fields with faults are left out of what is returned."""
    values: dict[str, Any] = {}
    for name, value in raw.items():
        if name not in fields:
            faults.add((*at, name), "is not a field that exists here")
        elif value is not None or not null_is_left_out:
            try:
                values[name] = fields[name](value)
            except Wrong as wrong:
                faults.add((*at, name), str(wrong))
    if type(raw) is DoubleKeys:
        for name in raw.doubles:
            faults.add((*at, name), "is there more than once")
    for name in required:
        if name not in values and raw.get(name) is None:
            faults.add_missing((*at, name))
    return values


def one_of(choices: Mapping[str, Any]) -> Reader:
    """Take one of the given texts and give what it stands for."""
    allowed = ", ".join(choices)

    def read(value: Any) -> Any:
        if isinstance(value, str) and value in choices:
            return choices[value]
        raise Wrong(Said("must be one of: %(allowed)s", allowed=allowed))

    return read


def boolean(value: Any) -> bool:
    """Take true or false."""
    if value is True or value is False:
        return bool(value)
    raise Wrong("must be true or false")


def name_text(value: Any) -> str:
    """Take a non-empty string."""
    if isinstance(value, str) and value:
        return value
    raise Wrong("must be a string that is not empty")


def whole_number(least: int, most: int) -> Reader:
    """Take a JSON integer (not 3.0, not true) within the limits."""

    def read(value: Any) -> int:
        if type(value) is int and least <= value <= most:
            return value
        raise Wrong(Said("must be a whole number from %(least)s to %(most)s", least=least, most=most))

    return read
