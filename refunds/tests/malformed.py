"""Facts with every field there is, all sound, and ways to change them at a path."""

import json
from pathlib import Path

from refunds.policy.interchange import evaluate_json

SOUND = Path(__file__).with_name("cases") / "sound.json"
GONE = object()


def sound():
    """Facts with every field there is, all sound; a copy of their own for each call."""
    return json.loads(SOUND.read_text("utf-8"))


def at(document, path):
    """What holds the last step of a path, and that step."""
    steps = [
        int(step) if step.isdigit() else step for step in path.replace("[", ".").replace("]", "").split(".")
    ]
    for step in steps[:-1]:
        document = document[step]
    return document, steps[-1]


def changed(*changes):
    """Sound facts with values put at paths, or taken away."""
    document = sound()
    for path, value in changes:
        holder, step = at(document, path)
        if value is GONE:
            del holder[step]
        else:
            holder[step] = value
    return document


def paths_of(document):
    answer = evaluate_json(document, default_time_zone="Europe/Berlin")
    return [error["path"] for error in answer["error"]["errors"]]


def leaves(node, path=""):
    """Every path of a document with the value there, objects and lists too."""
    if path:
        yield path
    for step, value in (
        node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    ):
        inner = f"{path}[{step}]" if isinstance(step, int) else f"{path}.{step}" if path else step
        yield from leaves(value, inner)
