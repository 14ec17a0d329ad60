"""A language made up for tests: every text that can be translated is wrapped and a third longer."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from html.parser import HTMLParser

from django.utils import translation

OPENS, CLOSES = "\u2039", "\u203a"
_SHOWN_ATTRIBUTES = {"alt", "title", "aria-label", "placeholder", "content"}
_NOT_SHOWN = {"script", "style", "svg", "title", "code"}


def wrapped(text: str) -> str:
    """Give a text as this language has it."""
    if not text.strip():
        return text
    more = ("x" * 7 + " ") * (len(text) // 24 + 1)
    return f"{OPENS}{text}{more[: len(text) // 3].rstrip()}{CLOSES}"


@contextmanager
def pseudo_language() -> Iterator[None]:
    """Let every text be looked up in this language."""
    trans = translation._trans  # type: ignore[attr-defined]  # what all lookups go through
    names = ("gettext", "pgettext", "ngettext", "npgettext")
    before = {name: getattr(trans, name) for name in names}
    trans.gettext = wrapped
    trans.pgettext = lambda context, text: wrapped(text)
    trans.ngettext = lambda one, many, count: wrapped(one if count == 1 else many)
    trans.npgettext = lambda context, one, many, count: wrapped(one if count == 1 else many)
    try:
        yield
    finally:
        for name, function in before.items():
            setattr(trans, name, function)


def outside(text: str) -> str:
    """Give what stands outside of every wrapping."""
    depth, found = 0, []
    for sign in text:
        depth += (sign == OPENS) - (sign == CLOSES)
        if depth == 0 and sign != CLOSES:
            found.append(sign)
    return "".join(found)


class _Texts(HTMLParser):
    """Gathers what a page shows or reads out."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hidden += tag in _NOT_SHOWN
        if tag != "meta":
            self.texts += [value or "" for name, value in attrs if name in _SHOWN_ATTRIBUTES]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.texts += [value or "" for name, value in attrs if name in _SHOWN_ATTRIBUTES]

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in _NOT_SHOWN and self.hidden > 0

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.texts.append(data)


def words_of_page(page: str) -> list[str]:
    """Give the texts of a page that are not in this language, without figures and signs."""
    parser = _Texts()
    parser.feed(page)
    # A sentence may hold elements: what counts is what is open when a text begins.
    return words_of_text(" \n ".join(parser.texts))


def words_of_text(text: str) -> list[str]:
    """Give the words of a text that are not in this language."""
    return re.findall(r"[^\W\d_][\w’'-]+", outside(unescape(text)))
