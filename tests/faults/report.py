"""What the proof found, in words and tables, and docs/reliability.md."""

from collections import Counter
from pathlib import Path
from typing import Any

from tests.fake_stripe.faults import FAULTS
from tests.faults.points import POINTS

REPORT = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
_COUNTED = ("payouts", "killed", "killed_again", "double", "lost", "manual")


def grid_section(parts: list[dict[str, Any]]) -> tuple[str, list[str]]:
    """Tell what became of the payouts as they are sent here; give the text and what is wrong."""
    cells = [cell for part in parts for cell in part["cells"]]
    total = _total(cells)
    faults = [wrong for part in parts for wrong in part["wrong"]]
    faults += [
        f"{cell['point']} x {cell['fault']}: {wrong}"
        for cell in cells
        for wrong in (*cell["wrong"], *_doubles_and_losses(cell))
    ]
    bound = 3 / total["payouts"]
    lines = [
        f"{len(POINTS)} kill points x {len(FAULTS)} faults of the provider: {total['payouts']} payouts, "
        f"{total['killed']} processes killed (SIGKILL), {total['killed_again']} again while recovering.",
        "",
        f"Sent twice: **{total['double']}**. Lost: **{total['lost']}**. Left to Finance: {total['manual']}, "
        "only where the provider had forgotten the key. The books agreed with the provider's at the end"
        + (", and no invariant was violated." if not faults else " **with faults, listed below**."),
        "",
        f"None of {total['payouts']} means, with 95 % confidence, fewer than {bound:.2%} of such payouts.",
        "",
        *_table("fault of the provider", {name: _of(cells, "fault", name) for name in FAULTS}, FAULTS),
        "",
        *_table("killed", {name: _of(cells, "point", name) for name in POINTS}, POINTS),
        *(f"- {fault}" for fault in faults),
    ]
    return "\n".join(lines), faults


def clocks_section(parts: list[dict[str, Any]]) -> tuple[str, list[str]]:
    """Tell what became of payouts while each process had its own idea of the time."""
    cells = [cell for part in parts for cell in part["cells"]]
    total = _total(cells)
    faults = [wrong for part in parts for wrong in part["wrong"]]
    faults += [wrong for cell in cells for wrong in (*cell["wrong"], *_doubles_and_losses(cell))]
    lines = [
        f"The crash grid ({len(cells)} of its cells) by processes each of whose clocks is an hour early, an "
        f"hour late or right: {total['payouts']} payouts, {total['killed']} processes killed. Sent twice: "
        f"**{total['double']}**; lost: **{total['lost']}**; with Finance, because the provider had forgotten "
        f"the key: {total['manual']}. Leases follow the database's clock alone.",
        *(f"- {fault}" for fault in faults),
    ]
    return "\n".join(lines), faults


def naive_section(strategies: dict[str, list[dict[str, Any]]]) -> tuple[str, list[str]]:
    """Tell what the same grid does to ways of sending that are often seen; if it sees nothing it is blind."""
    names = {"new_key": "a new key for each try", "mark_first": "marked as paid before it is sent"}
    totals = {
        name: _total([cell for part in parts for cell in part["cells"]]) for name, parts in strategies.items()
    }
    faults = []
    if "new_key" in totals and not totals["new_key"]["double"]:
        faults.append("a new key for each try sent nothing twice: the grid is blind")
    if "mark_first" in totals and not totals["mark_first"]["lost"]:
        faults.append("marking before sending lost nothing: the grid is blind")
    return "\n".join(_table("strategy", totals, names)), faults


def races_section(
    built: list[list[dict[str, Any]]], twins: list[list[dict[str, Any]]]
) -> tuple[str, list[str]]:
    """Tell what came of the races as built and without protection; a twin that sees nothing is blind."""
    as_built, without = _races_summed(built), _races_summed(twins)
    faults, rows = [], []
    for title, race in as_built.items():
        twin = without[title]
        rows.append(
            f"| {title} | {race['rounds']} | {race['anomalies']} | {race['deadlocks']} | "
            f"{twin['without']} | {twin['anomalies']} of {twin['rounds']} |"
        )
        if race["anomalies"] or race["deadlocks"]:
            faults.append(
                f"{title}: {race['anomalies']} anomalies, {race['deadlocks']} deadlocks: {race['wrong']}"
            )
        if not twin["anomalies"]:
            faults.append(f"{title}: the twin saw nothing, so this proves nothing")
    lines = [
        "Threads (at the queue: processes) begin together, on PostgreSQL; everybody rests up to 4 ms between",
        "looking and writing. An anomaly is a round in which more was given than there is, two won, both",
        "lost, or anything but a refusal was told. The twin is the same race without what protects: it must",
        "see the race.",
        "",
        "| at once | rounds | anomalies | deadlocks | the twin: | anomalies |",
        "|---|---:|---:|---:|---|---:|",
        *rows,
        *(f"- {fault}" for fault in faults),
    ]
    return "\n".join(lines), faults


def _races_summed(parts: list[list[dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Add up the shares of each race."""
    return {
        same[0]["title"]: {
            **same[0],
            **{name: sum(share[name] for share in same) for name in ("rounds", "anomalies", "deadlocks")},
            "wrong": [wrong for share in same for wrong in share["wrong"]],
        }
        for same in zip(*parts, strict=True)
    }


def _doubles_and_losses(cell: dict[str, Any]) -> list[str]:
    return [f"{cell[name]} {name}" for name in ("double", "lost") if cell[name]]


def _of(cells: list[dict[str, Any]], key: str, value: str) -> Counter[str]:
    return _total([cell for cell in cells if cell[key] == value])


def _total(cells: list[dict[str, Any]]) -> Counter[str]:
    return Counter({name: sum(cell[name] for cell in cells) for name in _COUNTED})


def _table(head: str, rows: dict[str, Counter[str]], words: Any) -> list[str]:
    shown = [
        f"| {words[name]} | " + " | ".join(str(row[column]) for column in _COUNTED) + " |"
        for name, row in rows.items()
    ]
    titles = "payouts | killed | killed again | sent twice | lost | with Finance |"
    return [f"| {head} | {titles}", "|---|" + "---:|" * len(_COUNTED), *shown]


def write_report(sections: dict[str, str]) -> None:
    """Put sections into docs/reliability.md in place of those they had, new ones at the end."""
    head, *standing = REPORT.read_text("utf-8").split("\n## ")
    texts = dict(one.split("\n", 1) for one in standing) | sections
    parts = [head, *(f"{title}\n\n{text.strip()}" for title, text in texts.items())]
    REPORT.write_text("\n\n## ".join(part.rstrip() for part in parts) + "\n", "utf-8")
