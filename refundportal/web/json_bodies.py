"""JSON as strangers send it: strict UTF-8, no NaN, no key twice, not too deep, no text a database refuses."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NoReturn

from kernel.errors import Fault, InvalidInput
from kernel.reading import DoubleKeys, Path, fault_at

DEPTH_MAX: Final = 32
_SUSPECT = re.compile(r"\x00|\\u(?:0000|[dD][89a-fA-F])")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class InvalidJson(InvalidInput):
    """A body that is no JSON, or JSON that no honest client sends."""

    code = "invalid_json"
    title = "The body is not acceptable JSON."


def read_json(raw: bytes) -> Any:
    """
    Read a body. Numbers with a point or exponent become Decimal: nothing here makes a float.

    :raises InvalidJson: no UTF-8, no JSON, NaN or Infinity, a number nobody can hold, a key twice, nested
        deeper than 32, or a text with NUL or half a surrogate pair; all faults with their place, as far as
        the text can be read
    """
    try:
        text = raw.decode("utf-8")
        value = json.loads(
            text, object_pairs_hook=DoubleKeys, parse_constant=_refuse_constant, parse_float=_decimal
        )
    except UnicodeDecodeError:
        raise InvalidJson("The body is not UTF-8.") from None
    except RecursionError:
        raise InvalidJson(f"The body is nested deeper than {DEPTH_MAX} levels.") from None
    except json.JSONDecodeError as error:
        raise InvalidJson(f"{error.msg} at line {error.lineno}, column {error.colno}.") from None
    except ValueError as error:
        raise InvalidJson(
            str(error) if isinstance(error, _NotJson) else "A number has too many digits."
        ) from None
    faults = list(_faults(value, look_at_texts=_SUSPECT.search(text) is not None))
    if faults:
        raise InvalidJson(faults=faults)
    return value


class _NotJson(ValueError):
    """NaN, Infinity, and numbers with exponents beyond all use."""


def _refuse_constant(name: str) -> NoReturn:
    raise _NotJson(f"{name} is not JSON.")


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise _NotJson("A number has too large an exponent.") from None


def _faults(value: Any, *, look_at_texts: bool) -> Iterator[Fault]:
    """Walk the containers without recursion."""
    todo: list[tuple[Path, Any]] = [((), value)] if _matters(value, look_at_texts) else []
    while todo:
        path, node = todo.pop()
        if isinstance(node, dict | list) and len(path) >= DEPTH_MAX:
            yield Fault(path="", message=f"is nested deeper than {DEPTH_MAX} levels", code="too_deep")
            return
        if isinstance(node, dict):
            if type(node) is DoubleKeys:
                for name in node.doubles:
                    yield fault_at((*path, name), "is there more than once", "double_key")
            if look_at_texts and any(_UNSTORABLE.search(name) for name in node):
                yield fault_at(path, "has a name with forbidden characters", "bad_text")
            todo.extend(((*path, name), item) for name, item in node.items() if _matters(item, look_at_texts))
        elif isinstance(node, list):
            todo.extend(((*path, at), item) for at, item in enumerate(node) if _matters(item, look_at_texts))
        elif _UNSTORABLE.search(node):
            yield fault_at(path, "holds NUL or half a surrogate pair", "bad_text")


def _matters(item: Any, look_at_texts: bool) -> bool:
    return isinstance(item, dict | list) or (look_at_texts and isinstance(item, str))
