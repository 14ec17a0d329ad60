"""The amount: what is kept of a payment, exactly, and rounded once. Minor units throughout."""

from collections.abc import Callable, Sequence
from functools import cmp_to_key
from typing import Any, Final, NamedTuple

from contracts.policy.conformity import Conformity, StageState, conformity_of, plus
from contracts.policy.facts import StageFacts
from contracts.policy.terms import Rounding
from contracts.policy.usage import NO_USAGE, StageAllowance, Usage, value_usage
from kernel.currencies import digits_of
from refunds.policy.codes import LineKind
from refunds.policy.facts import Facts

_NEAR_BITS: Final = 64

# Members of an enum are looked up slowly, and these for every stage and meter.
_WORK: Final = LineKind.CONFORMING_WORK
_USAGE: Final = LineKind.USAGE
_PENDING: Final = StageState.PENDING


class StageValue(NamedTuple):
    """A stage, its conforming share, and what that is worth: over/under minor units."""

    facts: StageFacts
    conformity: Conformity
    over: int
    under: int


class Part(NamedTuple):
    """A part of the payment that is kept, over/under minor units, before scaling and rounding; never 0."""

    kind: LineKind
    name: str
    over: int
    under: int


class Kept(NamedTuple):
    """What is kept of a payment: conforming work (K), usage (U) and their sum, exact; and rounded."""

    stages: tuple[StageValue, ...]
    usage: Usage
    work_over: int
    work_under: int
    over: int
    under: int
    retained: int
    lines: tuple[tuple[LineKind, str, int], ...]
    is_pending: bool
    """A stage of the payment was delivered but neither accepted nor assessed."""

    @property
    def pending(self) -> list[str]:
        """Stages that were delivered but neither accepted nor assessed."""
        return [stage.facts.stage for stage in self.stages if stage.conformity.state is _PENDING]


def work_out(facts: Facts) -> Kept:
    """Work out what is kept of the payment, by stage and meter."""
    amount, at = facts.payment.amount.minor, facts.request.submitted_at
    stages: list[StageValue] = []
    work, work_under, is_pending = 0, 1, False
    for stage in facts.work:
        conformity = conformity_of(stage, facts.terms, at)
        value = StageValue(stage, conformity, stage.amount.minor * conformity.over, conformity.under)
        work, work_under = plus(work, work_under, value.over, value.under)
        is_pending = is_pending or conformity.state is _PENDING
        stages.append(value)
    usage = _usage_of(facts, stages) if facts.usage else NO_USAGE
    over, under = plus(work, work_under, usage.over, usage.under)
    retained = amount if over >= amount * under else _ROUND[facts.terms.rounding](over, under)
    lines = split(parts_of(stages, usage), over, under, amount, retained)
    return Kept(tuple(stages), usage, work, work_under, over, under, retained, lines, is_pending)


def _usage_of(facts: Facts, stages: Sequence[StageValue]) -> Usage:
    """Value the usage, each stage's limited by its amount and by what does not conform."""
    return value_usage(
        facts.usage,
        {
            stage.facts.stage: StageAllowance(
                stage.facts.amount.minor, stage.conformity.over, stage.conformity.under
            )
            for stage in stages
        },
        at=facts.request.submitted_at,
        decided_at=facts.decided_at,
        scale=10 ** digits_of(facts.payment.amount.currency),
    )


def _down(over: int, under: int) -> int:
    return over // under


def _up(over: int, under: int) -> int:
    return -(-over // under)


def _half_up(over: int, under: int) -> int:
    return (2 * over + under) // (2 * under)


def _half_even(over: int, under: int) -> int:
    whole, rest = divmod(over, under)
    return whole + (2 * rest > under or (2 * rest == under and whole % 2 == 1))


_ROUND: Final = {
    Rounding.CLIENT: _down,
    Rounding.COMPANY: _up,
    Rounding.HALF_UP: _half_up,
    Rounding.HALF_EVEN: _half_even,
}
"""How over/under (never negative) becomes whole minor units."""


def parts_of(stages: Sequence[StageValue], usage: Usage) -> list[Part]:
    """Name the parts that are kept: one per stage in order of work, one per meter in order of first use."""
    parts = [Part(_WORK, stage.facts.stage, stage.over, stage.under) for stage in stages if stage.over]
    meters: dict[str, tuple[int, int]] = {}
    for use in usage.meters:
        charge = usage.charges[use.stage]
        over, under = use.over * charge.factor, use.under * charge.factor_under
        meters[use.meter] = plus(*meters[use.meter], over, under) if use.meter in meters else (over, under)
    parts += [Part(_USAGE, meter, over, under) for meter, (over, under) in meters.items() if over]
    return parts


def split(
    parts: Sequence[Part], over: int, under: int, amount: int, retained: int
) -> tuple[tuple[LineKind, str, int], ...]:
    """
    Round the parts to whole minor units that sum to `retained`, by largest remainder.

    :param over: of the sum of all parts, over/under; above `amount` the parts are scaled down to it
    """
    if not amount:
        return ()  # scaled down, every part is exactly 0
    scale, scale_under = (amount * under, over) if over > amount * under else (1, 1)
    shares = [divmod(part.over * scale, part.under * scale_under) for part in parts]
    amounts = [whole for whole, _ in shares]
    left = retained - sum(amounts)
    if left:
        order = sorted(range(len(parts)), key=_by_remainder(parts, [rest for _, rest in shares]))
        for index in order[:left]:
            amounts[index] += 1
    return tuple([(part.kind, part.name, minor) for part, minor in zip(parts, amounts, strict=True)])


def _by_remainder(parts: Sequence[Part], rests: Sequence[int]) -> Callable[[int], Any]:
    """
    Order parts for the units that are left: larger remainders first; of equal ones conforming work before
    usage, then names in code point order. Each remainder is over its part's `under`, times what all share.

    Remainders are compared by their first bits, and exactly only where these are equal: some have thousands
    of digits.
    """
    near = [(rest << _NEAR_BITS) // part.under for part, rest in zip(parts, rests, strict=True)]

    def compare(one: int, other: int) -> int:
        difference = near[other] - near[one]
        if not difference and parts[one].under == parts[other].under:
            difference = rests[other] - rests[one]
        elif not difference:
            difference = rests[other] * parts[one].under - rests[one] * parts[other].under
        return difference or (-1 if _name_of(parts[one]) < _name_of(parts[other]) else 1)

    return cmp_to_key(compare)


def _name_of(part: Part) -> tuple[bool, str]:
    return part.kind is not _WORK, part.name
