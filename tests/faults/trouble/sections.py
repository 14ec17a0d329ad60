"""What days of trouble came to, in words. Here is no Django: the parts run in processes of their own."""

from typing import Any

from tests.faults.bells import a_provider
from tests.faults.running import Run, Told


def outage_section(run: Run) -> Told:
    """Leave the provider away for two days."""
    variables = run.databases.copy("outage")
    found: dict[str, Any] = run.step(
        "trouble.outage", variables, payouts=run.options.backlog, per_minute=run.options.per_minute
    )
    standing = ", ".join(f"{number} {state}" for state, number in sorted(found["standing"].items()))
    text = (
        f"Nobody answers at the provider's address for two days, while {found['payouts']} refunds are "
        f"approved and the beat goes on every ten minutes (a clock that is set): {standing}. Then it takes "
        f"{run.options.per_minute} calls a minute and refuses the others with 429. Sent exactly once: "
        f"**{found['sent_once']} of {found['payouts']}**, each tried in the order of approval; lost or sent "
        f"twice: **{len(found['wrong'])}**. Unsent and with Finance: {found['manual']}, the half-hourly "
        "probes of the first 29 hours, whose keys are too old. The backlog was gone after "
        f"{found['drained_min']} minutes, with {found['refused']} calls refused."
    )
    return _told(text, found["wrong"])


def _told(text: str, faults: list[str]) -> Told:
    return "\n".join([text, "", *(f"- {fault}" for fault in faults)]).strip(), faults


def backup_section(run: Run) -> Told:
    """Restore a backup that does not know what was sent after it."""
    each = run.options.forgotten
    with a_provider() as origin:
        variables = {**run.databases.copy("backup"), "FAKE_STRIPE": origin}
        run.step("trouble.backup", variables, step="live", each=each)
        dump = run.databases.dump("backup")
        lines = run.step("trouble.backup", variables, step="go_on", each=each)
        variables = {**run.databases.restore(dump, "restored"), "FAKE_STRIPE": origin}
        first = run.step("trouble.backup", variables, step="start")
        found = run.step("trouble.backup", variables, step="clear", each=each)
    text = (
        f"pg_dump after {each} payouts were sent and {each} more approved; then these and {each} others were "
        f"approved and sent ({lines} lines in the provider's book), and pg_restore into a new database. It "
        f"began halted: {first['ready']} payouts stood there as ready, five beats sent **{first['sent']}**. "
        f"Reading the provider's book settled {found['caught_up'] - each} of them and left "
        f"{sum(found['differences'].values())} differences about money that the backup never knew; "
        f"while they were open **{found['while_open']}** payouts went out. After Finance cleared them the "
        f"{found['new']} new ones did. Sent twice: **{found['twice']}**; sent once and booked once: "
        f"**{found['right']} of {found['payouts']}**. Invariants and journal "
        f"{'are clean' if not found['wrong'] else 'are not clean'}."
    )
    wanted = {
        "held": first["held"] == ["stripe"],
        "halted": (first["ready"], first["sent"]) == (each, 0),
        "the book was read": (found["error"], found["caught_up"]) == ("", 2 * each),
        "differences": found["differences"] == {"theirs_only": each},
        "halted by differences": found["while_open"] == 0,
        "sent once": (found["twice"], found["right"], found["lines"]) == (0, 3 * each, 4 * each),
    }
    faults = [f"not so: {name} ({first}, {found})" for name, holds in wanted.items() if not holds]
    return _told(text, faults + found["wrong"])
