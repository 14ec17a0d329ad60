"""Which stages of work a payment pays for, and by how much. Pure."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from contracts.shares import in_proportion


def allocate_prepayment(
    amount_minor: int, shares: Sequence[tuple[UUID, int]], allocated: Mapping[UUID, int]
) -> list[tuple[UUID, int]]:
    """
    Part a payment for a prepayment among the stages it prepays (ids), in proportion to what is still open.

    `shares` says how much of the prepayment each stage takes, `allocated` what earlier payments brought it;
    all in minor units. The parts sum to the payment; once the prepayment is paid in full, each stage has
    exactly its share, whatever the instalments were.

    :raises ValueError: there are no shares
    """
    still_open = [max(0, share - allocated.get(stage, 0)) for stage, share in shares]
    if sum(still_open) < amount_minor:
        # The shares were changed after part was paid: go by the shares as they are.
        still_open = [share for _, share in shares]
    parts = in_proportion(amount_minor, still_open)
    return [(stage, part) for (stage, _), part in zip(shares, parts, strict=True)]
