"""What a client writes with a bank payment, and whether a text of a bank names it."""

import re
from typing import Final

from contracts.models import Contract, Stage

SIGNS_MIN: Final = 6
"""A shorter name stands in too many texts by chance, and so do digits alone: years, dates, other numbers."""


def payment_reference(contract: Contract, stage: Stage) -> str:
    """Give what a client is asked to write with a payment for a stage; its contract's number comes first."""
    return f"{contract.number} {stage.code}"


def is_named(name: str, text: str) -> bool:
    """
    Tell whether a text holds a name, whatever its case and whatever parts its letters.

    A name of few signs, or of digits alone, names nothing.
    """
    parts = re.findall(r"[^\W_]+", name.upper())
    signs = "".join(parts)
    if len(signs) < SIGNS_MIN or signs.isdecimal():
        return False
    pattern = r"[\W_]*".join(map(re.escape, parts))
    return re.search(rf"(?<![^\W_]){pattern}(?![^\W_])", text.upper()) is not None
