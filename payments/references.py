"""What a client writes with a bank payment, and whether a text of a bank names it."""

import re
from typing import Final

from contracts.models import Contract, Stage

SIGNS_MIN: Final = 4
"""A shorter name stands in too many texts by chance."""


def payment_reference(contract: Contract, stage: Stage) -> str:
    """Give what a client is asked to write with a payment for a stage; its contract's number comes first."""
    return f"{contract.number} {stage.code}"


def is_named(name: str, text: str) -> bool:
    """Tell whether a text holds a name of enough signs, whatever its case and whatever parts its letters."""
    parts = re.findall(r"[^\W_]+", name.upper())
    if sum(map(len, parts)) < SIGNS_MIN:
        return False
    pattern = r"[\W_]*".join(map(re.escape, parts))
    return re.search(rf"(?<![^\W_]){pattern}(?![^\W_])", text.upper()) is not None
