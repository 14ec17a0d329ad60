"""What days of trouble came to, in words. Here is no Django: the parts run in processes of their own."""

from typing import Any

from tests.faults.running import Run, Told


def outage_section(run: Run) -> Told:
    """Leave the provider away for two days."""
    variables = run.databases.copy("outage")
    found: dict[str, Any] = run.step(
        "trouble.outage", variables, payouts=run.options.backlog, per_minute=run.options.per_minute
    )
    standing = ", ".join(f"{number} {state}" for state, number in sorted(found["standing"].items()))
    text = (
        f"Nobody answers at the provider's address for two days, while {found['payouts']} refunds are approved "
        f"and the beat goes on every ten minutes (a clock that is set); then {standing}. Then it takes "
        f"{run.options.per_minute} calls a minute and refuses the others with 429. Sent exactly once: "
        f"**{found['sent_once']} of {found['payouts']}**, each tried in the order of approval; lost or sent "
        f"twice: **{len(found['wrong'])}**. Unsent and with Finance: {found['manual']}, the half-hourly probes "
        "of the first 29 hours, whose keys are too old. The backlog was gone after "
        f"{found['drained_min']} minutes, with {found['refused']} calls refused."
    )
    return _told(text, found["wrong"])


def _told(text: str, faults: list[str]) -> Told:
    return "\n".join([text, "", *(f"- {fault}" for fault in faults)]).strip(), faults
