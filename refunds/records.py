"""
Durable records: letters as files, in whatever form the house above registers.

The form (PDF) is made where pages are made; this room knows the letter, its name as a file, and whom to ask.
"""

from collections.abc import Callable
from typing import Final

from events.mail import MailAttachment
from refunds.letters import Letter

CONTENT_TYPE: Final = "application/pdf"

Renderer = Callable[[Letter], bytes]
"""Sets a letter as a file, in the active language; the same letter always gives the same bytes."""

_renderers: list[Renderer] = []


def register_renderer(renderer: Renderer) -> None:
    """
    Say who sets letters as files; saying it again changes nothing.

    :raises ValueError: somebody else does already
    """
    if _renderers and _renderers[0] is not renderer:
        raise ValueError("letters are set by somebody else already")
    _renderers[:] = [renderer]


def file_name_of(letter: Letter) -> str:
    """Name a letter as a file: its number and what it is."""
    return f"{letter.number}-{'received' if letter.kind == 'acknowledgement' else 'answer'}.pdf"


def files_of(letter: Letter) -> tuple[MailAttachment, ...]:
    """Give a letter as a file to go with an e-mail; nothing where nobody sets letters."""
    return tuple(
        MailAttachment(file_name=file_name_of(letter), content_type=CONTENT_TYPE, content=render(letter))
        for render in _renderers
    )
