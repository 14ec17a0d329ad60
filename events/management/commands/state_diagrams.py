"""Draw the state machines that the database keeps."""

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand

from events import guards
from kernel.states import Edges


class Command(BaseCommand):
    help = "Prints every state machine as a Mermaid diagram, drawn from the edges that the database keeps."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(diagrams())


def diagrams() -> str:
    """Write a Markdown page with one diagram per state machine."""
    models = {model._meta.db_table: model for model in apps.get_models()}
    parts = [
        "# State machines",
        "Written by `manage.py state_diagrams` from the edges that the database keeps.",
    ]
    for guard in sorted(guards.registered(), key=lambda guard: guard.table):
        if guard.edges is not None and guard.table in models:
            name = f"{models[guard.table]._meta.label}.{guard.column}"
            parts.append(f"## {name}\n\n```mermaid\n{_diagram(guard)}\n```")
    return "\n\n".join(parts)


def _diagram(guard: guards.Guard) -> str:
    edges = guard.edges or {}
    lines = ["stateDiagram-v2"]
    lines += [f"    [*] --> {state}" for state in _first_states(guard, edges)]
    lines += [f"    {state} --> {target}" for state in edges for target in sorted(edges[state])]
    lines += [f"    {state} --> [*]" for state in edges if not edges[state]]
    return "\n".join(lines)


def _first_states(guard: guards.Guard, edges: Edges) -> list[str]:
    declared = [
        state
        for other in guards.registered()
        if (other.table, other.column) == (guard.table, guard.column)
        for state in other.starts
    ]
    reached = {target for targets in edges.values() for target in targets}
    return declared or [state for state in edges if state not in reached]
