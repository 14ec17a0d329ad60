import io
from pathlib import Path

from django.conf import settings
from django.core.management import call_command


def drawn():
    out = io.StringIO()
    call_command("state_diagrams", stdout=out)
    return out.getvalue()


def test_a_diagram_shows_where_a_machine_starts_moves_and_ends():
    text = drawn()
    delivery = text[text.index("## events.Delivery.state") :].split("##")[1]

    for line in ("[*] --> pending", "pending --> delivered", "dead --> pending", "delivered --> [*]"):
        assert f"    {line}\n" in delivery
    assert "dead --> [*]" not in delivery


def test_the_diagrams_in_the_documentation_are_those_of_the_database():
    """If this fails: `manage.py state_diagrams > docs/states.md`."""
    assert Path(settings.BASE_DIR, "docs", "states.md").read_text(encoding="utf-8") == drawn()
