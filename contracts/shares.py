"""Parting a sum exactly: nothing is lost and nothing is made."""

from collections.abc import Sequence


def in_proportion(total: int, weights: Sequence[int]) -> list[int]:
    """
    Part a whole number in proportion to weights, by largest remainder; the parts sum to it exactly.

    Of equal remainders the earlier part takes the unit. If all weights are 0 they count alike.

    :raises ValueError: there is nothing to part among, or a number below 0
    """
    if not weights or total < 0 or min(weights) < 0:
        raise ValueError("Only a number from 0 can be parted, among weights from 0.")
    whole = sum(weights)
    if whole == 0:
        weights, whole = [1] * len(weights), len(weights)
    parts = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda index: -(total * weights[index] % whole))
    for index in by_remainder[: total - sum(parts)]:
        parts[index] += 1
    return parts
