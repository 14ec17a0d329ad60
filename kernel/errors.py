"""Refusals: what the rules do not allow, told with a stable code."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

Kind = Literal["invalid", "forbidden", "not_found", "conflict", "refused"]


class Said(str):
    """
    A sentence with what it was made of: its English pattern and the figures in it.

    Systems read the sentence; doors for people look up the pattern and say it in the reader's language.
    """

    pattern: str
    figures: Mapping[str, Any]

    def __new__(cls, pattern: str, **figures: Any) -> "Said":
        said = super().__new__(cls, pattern % figures if figures else pattern)
        said.pattern, said.figures = pattern, figures
        return said

    def __str__(self) -> str:
        return self  # str() would make a plain text of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """
    One thing wrong with an input: where (`stages[1].amount`), what, and a stable code.

    `steps` say where when a name in the path may hold a point or a bracket itself.
    """

    path: str
    message: str
    code: str = "invalid"
    steps: tuple[str | int, ...] = ()


class DomainError(Exception):
    """
    A refusal by the rules: never a bug, never an answer of the policy.

    `code` is public and never renamed. `kind` tells doors how to say it: invalid input, forbidden
    for this person, missing (or hidden), in conflict with the present state, or refused by a rule.

    `aftermath`, where a service sets it, writes down what stays true although the act is refused (a
    line in the journal, a return to review). The service has called it already; whoever rolls that
    back together with the act calls it once more afterwards.
    """

    code: str = "refused"
    aftermath: Callable[[], object] | None = None
    kind: ClassVar[Kind] = "refused"
    title: ClassVar[str] = "This is not allowed."

    def __init__(self, detail: str = "", *, faults: Sequence[Fault] = (), **data: Any) -> None:
        self.detail = detail or self.title
        self.faults = tuple(faults)
        self.data = data
        super().__init__(self.detail)


class InvalidInput(DomainError):
    """Input that says something impossible; `faults` holds every fault in document order."""

    code = "invalid_input"
    kind = "invalid"
    title = "The input has faults."


class NotFoundOrHidden(DomainError):
    """Missing and foreign objects look the same to the person who asks."""

    code = "not_found"
    kind = "not_found"
    title = "There is no such object."


class NotPermitted(DomainError):
    """The person may see the object but has no right to this act."""

    code = "not_permitted"
    kind = "forbidden"
    title = "You have no right to do this."


class StaleState(DomainError):
    """The row is no longer in the state from which this act is possible."""

    code = "state_conflict"
    kind = "conflict"
    title = "The state has changed in the meantime."
