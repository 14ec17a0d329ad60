"""How forms look: one template for every field, a summary of what is wrong on top."""

from typing import Any

from django import forms
from django.forms.renderers import TemplatesSetting


class PageRenderer(TemplatesSetting):
    """Renders every form of the pages with our own form and field templates."""

    form_template_name = "components/_form.html"
    field_template_name = "components/_field.html"


class Choices(forms.RadioSelect):
    """Radio buttons, one under the other; `help_texts` says more about a choice, by its value."""

    template_name = "components/_choices.html"

    def __init__(self, *args: Any, help_texts: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.help_texts = help_texts or {}

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        return {**option, "help_text": self.help_texts.get(str(value), "")}
