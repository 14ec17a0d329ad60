"""
E-mails that follow from events: who is told, and how it reads.

Rooms register a route per event type in `AppConfig.ready()`. Recipients are found once, when the event
takes its place in the journal; the text is rendered when the e-mail is sent, in the recipient's language.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from events.models import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Somebody to be told: a user, or only an address."""

    user_id: UUID | None
    email: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MailAttachment:
    """A file that goes with an e-mail; `content_type` as in `application/pdf`."""

    file_name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One rendered e-mail; `html` may be empty."""

    subject: str
    text: str
    html: str = ""
    attachments: tuple[MailAttachment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRoute:
    """How one type of event is told by e-mail."""

    recipients: Callable[[Event], Sequence[Recipient]]
    render: Callable[[Event, Recipient], Mail]


_routes: dict[str, MailRoute] = {}


def register(event_type: str, route: MailRoute) -> None:
    """
    Tell events of a type by e-mail; registering the same route again changes nothing.

    :raises ValueError: the type has another route already
    """
    if _routes.setdefault(event_type, route) != route:
        raise ValueError(f"{event_type} has a route already")


def route_of(event_type: str) -> MailRoute | None:
    """Give the route of an event type, or None if nobody is told."""
    return _routes.get(event_type)


def routed_types() -> tuple[str, ...]:
    """Give the event types that somebody is told about."""
    return tuple(_routes)
