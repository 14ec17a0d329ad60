"""Write the catalogue of events into the documentation."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from events.schemas import TYPES, EventType

MARK: Final = "<!-- What follows is written by `manage.py event_catalogue FILE`. -->\n"


class Command(BaseCommand):
    help = "Writes what every type of event carries into a Markdown file, after its mark."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        before, mark, _ = file.read_text(encoding="utf-8").partition(MARK)
        if not mark:
            raise CommandError(f"{file} has no line {MARK.strip()!r}.")
        file.write_text(before + MARK + catalogue(), encoding="utf-8")


def catalogue() -> str:
    """Write a section per kind of subject, with every type and its fields."""
    subjects = dict.fromkeys(event_type.subject for event_type in TYPES.values())
    return "".join(f"\n## About a {subject.replace('_', ' ')}\n" + _section(subject) for subject in subjects)


def _section(subject: str) -> str:
    return "".join(_entry(one) for one in TYPES.values() if one.subject == subject)


def _entry(event_type: EventType) -> str:
    lines = [f"\n### `{event_type.name}`\n", f"{event_type.about}\n"]
    if event_type.fields:
        lines.append("| field | holds |\n|---|---|")
        lines += [
            f"| `{field.name}` | {field.words}{'' if field.always else '; not always there'} |"
            for field in event_type.fields
        ]
    return "\n".join(lines) + "\n"
