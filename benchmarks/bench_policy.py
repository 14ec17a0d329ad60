"""
How fast the policy is: `python -m benchmarks.bench_policy [--rounds N] [--dry-run]`.

W1: one evaluation from parsed facts, with lines and findings, against a bare integer evaluator.
W1b: JSON lines in and out, against json.loads and json.dumps of the same lines.
Each pair runs in turn (A B A B), the median of the rounds counts. Answers are compared first: a run with a
wrong one is void.
"""

import argparse
import io
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.bare import bare_decision
from refunds.policy.decide import decide
from refunds.policy.interchange import parse_facts
from refunds.policy.lines import evaluate_lines

EXPLAINED = """\
Each line is one pair, run in turn (A B A B) in one process on one core; the median of the rounds counts,
beside the least and the greatest ratio. Time is CPU time of the process. The anchor of W1 is a bare integer
evaluator of the same policy without findings and lines (`benchmarks/bare.py`), that of W1b is `json.loads`
and `json.dumps` of the same lines. Answers are compared before anything is measured; run it on a quiet
machine. `make bench` writes this section."""

REPORT = Path(__file__).parents[1] / "docs" / "performance.md"
EVALUATIONS = 2_000


class Pair(NamedTuple):
    """Ours and the anchor, in seconds per evaluation: medians, and the least and greatest ratio."""

    name: str
    ours_s: float
    anchor_s: float
    least: float
    most: float

    @property
    def ratio(self) -> float:
        return self.anchor_s / self.ours_s


def example(number: int, stages: int = 1, items: int = 3) -> dict[str, Any]:
    """Half conforming work over some stages, metered use and a month of hosting; every number its own."""
    amount = 100_000 * stages + number % 997
    shares = [amount // stages + (amount % stages if index == 0 else 0) for index in range(stages)]
    day, second = 1 + number % 25, number % 60
    return {
        "id": f"bench-{number}",
        "terms": {"window_days": 3, "time_zone": "Europe/Berlin"},
        "client_type": "business",
        "payment": {
            "amount": _money(amount),
            "currency": "EUR",
            "status": "captured",
            "captured_at": f"2026-06-{day:02d}T14:05:{second:02d}+02:00",
            "deadline": None,
            "refunded": "0.00",
        },
        "request": {
            "submitted_at": f"2026-06-{day + 2:02d}T09:00:{second:02d}+02:00",
            "amount": None,
            "remedy": "refund",
            "another_open": False,
            "statutory_right": None,
        },
        "decided_at": f"2026-06-{day + 3:02d}T10:00:00+02:00",
        "work": [_stage(index, share, items, day) for index, share in enumerate(shares, start=1)],
        "usage": [
            {
                "kind": "metered",
                "meter": "api_calls",
                "quantity": str(12_345 + number),
                "unit_price": "0.0125",
                "stage": "S1",
                "occurred_at": f"2026-06-{day + 1:02d}T00:00:00Z",
                "recorded_at": f"2026-06-{day + 1:02d}T00:05:00Z",
            },
            {
                "kind": "time",
                "meter": "hosting",
                "price": "30.00",
                "start": f"2026-06-{day:02d}T00:00:00Z",
                "end": f"2026-07-{day:02d}T00:00:00Z",
                "stage": None,
                "recorded_at": f"2026-06-{day:02d}T00:00:00Z",
            },
        ],
    }


def _stage(index: int, share: int, items: int, day: int) -> dict[str, Any]:
    fulfilled = ("1", "1/2", None, "0.75")
    return {
        "stage": f"S{index}",
        "amount": _money(share),
        "delivered_at": f"2026-06-{day:02d}T12:00:00+02:00",
        "accepted_at": None,
        "objected_at": None,
        "hidden_defect": False,
        "items": [
            {"code": f"AC-{item}", "weight": str(5 - item % 4), "fulfilled": fulfilled[item % 4]}
            for item in range(items)
        ],
    }


def _money(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"


def measure(
    name: str, ours: Callable[[], object], anchor: Callable[[], object], rounds: int, each: int
) -> Pair:
    """Run both in turn; `each` evaluations a round."""
    ours(), anchor()
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for work, taken in zip((ours, anchor), seconds, strict=True):
            begun = time.process_time()
            work()
            taken.append((time.process_time() - begun) / each)
    ratios = [other / own for own, other in zip(*seconds, strict=True)]
    return Pair(name, statistics.median(seconds[0]), statistics.median(seconds[1]), min(ratios), max(ratios))


def check(documents: list[dict[str, Any]]) -> None:
    """Both evaluators agree on every figure, or the run is void."""
    for document in documents:
        facts = parse_facts(document, default_time_zone="UTC")
        answer, (outcome, _, refund, retained) = decide(facts), bare_decision(facts)
        if (answer.outcome, answer.refund.minor, answer.retained.minor) != (outcome, refund, retained):
            raise SystemExit(f"void: {document['id']} differs")


def measure_decide(rounds: int, stages: int, name: str, *, write_findings: bool = False) -> Pair:
    """W1: from parsed facts to the answer with its lines and findings."""
    each = max(200, EVALUATIONS // stages)
    documents = [example(number, stages) for number in range(each)]
    check(documents)
    facts = [parse_facts(document, default_time_zone="UTC") for document in documents]

    def ours() -> None:
        for one in facts:
            answer = decide(one)
            if write_findings:
                for finding in answer.findings:
                    _ = finding.text

    def anchor() -> None:
        for one in facts:
            bare_decision(one)

    return measure(name, ours, anchor, rounds, each)


def measure_lines(rounds: int, name: str, stages: int, items: int) -> Pair:
    """W1b: from JSON lines to JSON lines."""
    each = max(200, EVALUATIONS // stages)
    lines = [json.dumps(example(number, stages, items)).encode() + b"\n" for number in range(each)]

    def ours() -> None:
        out = io.StringIO()
        for text, is_sound in evaluate_lines(lines, default_time_zone="UTC"):
            assert is_sound
            out.write(text + "\n")

    def anchor() -> None:
        out = io.StringIO()
        for line in lines:
            out.write(json.dumps(json.loads(line)) + "\n")

    return measure(name, ours, anchor, rounds, each)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--dry-run", action="store_true", help="do not write docs/performance.md")
    options = parser.parse_args()
    pairs = [
        measure_decide(options.rounds, 1, "W1 one stage"),
        measure_decide(options.rounds, 1, "W1 one stage, every finding written", write_findings=True),
        measure_decide(options.rounds, 10, "W1 ten stages"),
        measure_decide(options.rounds, 50, "W1 fifty stages"),
        measure_lines(options.rounds, "W1b one stage, three items", 1, 3),
        measure_lines(options.rounds, "W1b three stages, eight items each", 3, 8),
    ]
    report = "\n".join(
        [
            "| work | evaluations per second and core | anchor per second | ratio | least | greatest |",
            "|---|---:|---:|---:|---:|---:|",
            *(
                f"| {pair.name} | {1 / pair.ours_s:,.0f} | {1 / pair.anchor_s:,.0f} "
                f"| {pair.ratio:.3f} | {pair.least:.3f} | {pair.most:.3f} |"
                for pair in pairs
            ),
        ]
    )
    print(report)
    if not options.dry_run:
        write_section("The policy", f"{EXPLAINED}\n\n{report}")


def write_section(title: str, text: str) -> None:
    """Put a section into docs/performance.md in place of the one it had; the others stay."""
    before = REPORT.read_text("utf-8") if REPORT.exists() else "# Performance\n"
    head, *sections = before.split("\n## ")
    kept = [section for section in sections if section.split("\n", 1)[0] != title]
    whole = [head.rstrip(), *(section.rstrip() for section in kept), f"{title}\n\n{text}"]
    REPORT.write_text("\n\n## ".join(whole) + "\n", "utf-8")


if __name__ == "__main__":
    main()
