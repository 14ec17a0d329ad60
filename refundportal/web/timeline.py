"""The case timeline: what happened, who did it, when, and what comes next."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from django.utils.translation import gettext

from refunds.selectors import CaseView
from refunds.wording import WHO, words_for

ICONS: Final[Mapping[str, str]] = {
    "refund_request.submitted": "inbox",
    "refund_request.recorded": "inbox",
    "refund_request.refused": "ban",
    "refund_request.review_started": "scale",
    "refund_request.information_requested": "circle-question-mark",
    "refund_request.information_received": "reply",
    "refund_request.proposed": "file-text",
    "refund_request.sent_back": "undo-2",
    "refund_request.approved": "badge-check",
    "refund_request.rejected": "circle-x",
    "refund_request.withdrawn": "undo-2",
    "refund_request.reopened": "undo-2",
    "message.posted": "message-square",
    "attachment.added": "paperclip",
    "attachment.quarantined": "ban",
    "stage.assessed": "scale",
    "credit.issued": "ticket",
    "payout.submitted": "send",
    "payout.accepted": "send",
    "payout.settled": "banknote",
    "payout.failed": "octagon-alert",
    "payout.returned": "undo-2",
}
"""The sign beside each kind of event; the words say the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """
    One thing that happened (`at`), or the next step (`is_next`, by `due_on` if there is a date).

    `who` says it by role: the client, our review team, or that it happens automatically.
    """

    what: str
    who: str = ""
    at: datetime | None = None
    icon: str = "circle"
    is_next: bool = False
    due_on: date | None = None
    is_ours: bool = True
    """The next step is the company's: late once its day is over. The client's is over then, and we go on."""


def timeline_of(case: CaseView, *, to_client: bool = False) -> tuple[Entry, ...]:
    """
    Make the timeline of a case: what happened, in order, and the next step at the end.

    With `to_client` it speaks to the client: as “you”.
    """
    happened = tuple(
        Entry(
            what=one.what,
            who=f"{one.person}, {one.who}" if one.person else _addressed(one.who, to_client),
            at=one.at,
            icon=ICONS.get(one.type, "circle"),
        )
        for one in case.timeline
        if one.type != "message.posted"
    )
    following = case.next_step
    if following is None:
        return happened
    who = _addressed(words_for(WHO, following.who), to_client)
    return (
        *happened,
        Entry(
            what=following.what,
            who=who,
            icon="hourglass",
            is_next=True,
            due_on=following.due_on,
            is_ours=following.who != "client",
        ),
    )


def _addressed(who: str, to_client: bool) -> str:
    return gettext("you") if to_client and who == words_for(WHO, "client") else who
