"""What the made-up lives came to, in words and a table."""

from collections import Counter
from typing import Any

Edge = tuple[str, str, str]


def life_section(parts: list[dict[str, Any]]) -> tuple[str, list[str]]:
    """Tell how many steps were made and how often each edge was gone along; one that never was is a fault."""
    fixed, chance = Counter[Edge](), Counter[Edge]()
    for part in parts:
        for machine, was, now, on_the_tour, by_chance in part["edges"]:
            fixed[machine, was, now] += on_the_tour
            chance[machine, was, now] += by_chance
    faults = [f"never: {' '.join(edge)}" for edge in fixed if not fixed[edge] + chance[edge]]
    steps, lives, tour = (
        sum(part[name] for part in parts) for name in ("steps", "lives", "steps_of_the_tour")
    )
    refused, done = (sum(sum(part[name].values()) for part in parts) for name in ("refused", "done"))
    seeds = ", ".join(str(seed) for part in parts for seed in part["seeds"])
    lines = [
        f"{steps} steps in {lives} lives made up by hypothesis (seeds {seeds}): {done} acts were done and "
        f"{refused} refused. After each step no invariant but the one about waiting was violated and no "
        "request had been paid twice by the provider's book; at the end of each life the journal was whole "
        "and every decision followed from its facts.",
        "",
        f"{sum(bool(chance[edge]) for edge in chance)} of {len(fixed)} edges of "
        f"{len({edge[0] for edge in fixed})} state machines were gone along by chance, "
        f"{sum(bool(fixed[edge]) for edge in fixed)} on a fixed way of {tour} steps, as counted by triggers.",
        "",
        *(f"Left out: `{table}`, since {why}." for table, why in parts[0]["left_out"].items()),
        "",
        "| machine | edge | by chance | on the fixed way |",
        "|---|---|---:|---:|",
        *(f"| {edge[0]} | {edge[1]} → {edge[2]} | {chance[edge]} | {fixed[edge]} |" for edge in fixed),
        *(f"- {fault}" for fault in faults),
    ]
    return "\n".join(lines), faults
