"""JSON lines: one evaluation per line in, one answer or error per line out, in the same order."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final, NoReturn

from kernel.errors import Fault
from kernel.reading import DoubleKeys, Wrong
from refunds.policy.decide import decide
from refunds.policy.interchange import InvalidFacts, answer_text, error_json, parse_facts

_INTEGER_DIGITS_MAX: Final = 400
_BLANK: Final = b" \t\r\n"


class _Unreadable:
    """A JSON integer that is longer than any field takes; no reader accepts it."""


def _refuse_constant(name: str) -> NoReturn:
    raise Wrong(f"{name} is not JSON")


def _integer(text: str) -> int | _Unreadable:
    return int(text) if len(text) <= _INTEGER_DIGITS_MAX else _Unreadable()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else DoubleKeys(pairs)


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_constant=_refuse_constant
)
_ENCODER: Final = json.JSONEncoder(ensure_ascii=True, check_circular=False)


def read_json(line: bytes) -> object:
    """
    Read one JSON text strictly: UTF-8, no NaN or Infinity; keys that stand twice are left to the reader.

    :raises Wrong: not JSON, or nested too deeply to be read
    """
    try:
        return _DECODER.decode(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Wrong(f"is not UTF-8 at byte {error.start + 1}") from None
    except json.JSONDecodeError as error:
        raise Wrong(f"is not JSON: {error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise Wrong("is nested too deeply") from None


def evaluate_line(line: bytes, default_time_zone: str) -> tuple[str, bool]:
    """Evaluate one line: the answer, or an error that names every fault; and whether there was none."""
    try:
        facts = parse_facts(read_json(line), default_time_zone=default_time_zone)
    except Wrong as wrong:
        return _ENCODER.encode(error_json(None, (Fault(path="", message=str(wrong)),))), False
    except InvalidFacts as invalid:
        return _ENCODER.encode(error_json(invalid.data["id"], invalid.faults)), False
    return answer_text(facts.id, decide(facts)), True


def evaluate_lines(lines: Iterable[bytes], *, default_time_zone: str) -> Iterator[tuple[str, bool]]:
    """
    Evaluate lines one by one, holding one at a time; blank lines are skipped.

    Yields each answer as JSON text without a line end, and whether the line had no fault.
    """
    for line in lines:
        if line.strip(_BLANK):
            yield evaluate_line(line, default_time_zone)
