"""The case: everything one page, letter or answer shows about a request, in a constant number of queries."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.models import User
from accounts.principals import Principal
from contracts.models import Document
from events.models import Event
from events.selectors import timeline_of
from refunds.models import (
    Attachment,
    Decision,
    HiddenDefect,
    Proposal,
    RefundRequest,
    StatutoryCheck,
    UsageExclusion,
)
from refunds.policy.decide import decide
from refunds.policy.interchange import answer_json
from refunds.selectors.access import request_of
from refunds.selectors.actions import Action, allowed_actions
from refunds.selectors.facts import gather_facts
from refunds.selectors.payout_chain import GivenBack, given_back
from refunds.selectors.quotes import differences
from refunds.states import REQUEST_OPEN
from refunds.wording import EVENTS, WHO, words_for

STAFF_ONLY: Final = frozenset(
    {
        "refund_request.proposed",
        "refund_request.sent_back",
        "refund_request.fact_established",
        "payout.submitted",
        "payout.unknown",
        "payout.manual",
    }
)
"""Events that are the company's own business until there is an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One entry of the timeline; `who` is a role, `person` a name that only staff are shown."""

    type: str
    what: str
    who: str
    person: str
    at: datetime
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """What happens next, whose turn it is (`client`, `staff`, `system`), and by when."""

    what: str
    who: str
    due_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EstablishedFact:
    """A fact somebody established in this case."""

    kind: str
    by: User
    at: datetime
    reason: str
    evidence: Document | None
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseView:
    """
    One request with all that belongs to it.

    `answer` is the stored decision's while one stands, else what the facts give now; `changes` says where
    that differs from what was stored last.
    """

    request: RefundRequest
    answer: Mapping[str, Any]
    changes: Sequence[Mapping[str, Any]]
    decision: Decision | None
    proposal: Proposal | None
    money: GivenBack
    facts: Sequence[EstablishedFact]
    attachments: Sequence[Attachment]
    timeline: Sequence[Happening]
    next_step: NextStep | None
    actions: Sequence[Action]


def case_view(principal: Principal, request_id: UUID, *, now: datetime) -> CaseView:
    """
    Gather everything about a request that this principal may see.

    :raises NotFoundOrHidden: no such request for this principal
    """
    return case_of(principal, request_of(principal, request_id), now=now)


def case_of(principal: Principal, request: RefundRequest, *, now: datetime) -> CaseView:
    """Gather everything about a request that was read through the principal (see `request_of`)."""
    answer, changes = _answer(request, now)
    money = given_back(request)
    decision = request.decisions.select_related("proposed_by", "approved_by").order_by("-number").first()
    files = request.attachments.filter(message__isnull=True).order_by("uploaded_at", "id")
    return CaseView(
        request=request,
        answer=decision.answer if decision is not None and request.state not in REQUEST_OPEN else answer,
        changes=changes,
        decision=decision,
        proposal=_proposal(principal, request),
        money=money,
        facts=tuple(_established(request)) if principal.is_staff else (),
        attachments=list(files),
        timeline=_timeline(principal, request, money),
        next_step=next_step_of(request, money),
        actions=allowed_actions(principal, request, now=now),
    )


def _answer(request: RefundRequest, now: datetime) -> tuple[Mapping[str, Any], list[dict[str, Any]]]:
    """While a request is open, what its facts give now, with what changed since it was stored last."""
    if request.state not in REQUEST_OPEN or request.state == "proposed":
        return request.answer, []
    facts = gather_facts(
        request.payment,
        submitted_at=request.submitted_at,
        decided_at=now,
        amount_minor=request.amount_minor,
        remedy=request.remedy,
        request=request,
    )
    answer = answer_json(facts.id, decide(facts))
    changes = differences(request.answer, answer)
    request.answer = answer
    return answer, changes


def _proposal(principal: Principal, request: RefundRequest) -> Proposal | None:
    if not principal.is_staff:
        return None
    return request.proposals.select_related("by").order_by("-number").first()


def _established(request: RefundRequest) -> Iterator[EstablishedFact]:
    """Give the facts established in a case, the oldest first. Three queries."""
    checks = StatutoryCheck.objects.filter(request=request).select_related("by", "evidence")
    defects = HiddenDefect.objects.filter(request=request).select_related("by", "evidence", "delivery__stage")
    excluded = UsageExclusion.objects.filter(request=request).select_related("by", "evidence", "usage_record")
    facts = [
        *(_fact("statutory_check", row, holds=row.holds) for row in checks),
        *(_fact("hidden_defect", row, holds=row.holds, stage=row.delivery.stage.code) for row in defects),
        *(
            _fact("usage_exclusion", row, excluded=row.excluded, record=str(row.usage_record))
            for row in excluded
        ),
    ]
    yield from sorted(facts, key=lambda fact: fact.at)


def _fact(kind: str, row: StatutoryCheck | HiddenDefect | UsageExclusion, **detail: Any) -> EstablishedFact:
    return EstablishedFact(
        kind=kind, by=row.by, at=row.at, reason=row.reason, evidence=row.evidence, detail=detail
    )


def _timeline(principal: Principal, request: RefundRequest, money: GivenBack) -> tuple[Happening, ...]:
    """Tell what happened to a request, its payouts and its credit. Two queries."""
    subjects = [request.pk, *(payout.pk for payout in money.payouts)]
    if money.credit is not None:
        subjects.append(money.credit.pk)
    events = _without_echoes([event for event in timeline_of(subjects) if _is_for(principal, event)])
    people = _names_of(events) if principal.is_staff else {}
    return tuple(
        Happening(
            type=event.type,
            what=words_for(EVENTS, event.type),
            who=words_for(WHO, event.actor_kind),
            person=people.get(event.actor_id, "") if event.actor_id else "",
            at=event.at,
            data=event.data,
        )
        for event in events
    )


def _is_for(principal: Principal, event: Event) -> bool:
    if event.type not in EVENTS:
        return False
    if principal.is_staff:
        return True
    return event.type not in STAFF_ONLY and not event.data.get("is_internal", False)


def _without_echoes(events: Sequence[Event]) -> list[Event]:
    """Leave out files that came with a message or the application itself: that entry says it."""
    brought = {event.at for event in events if event.type in ("message.posted", "refund_request.submitted")}
    return [event for event in events if event.type != "attachment.added" or event.at not in brought]


def _names_of(events: Iterable[Event]) -> dict[UUID, str]:
    ids = {event.actor_id for event in events if event.actor_id and event.actor_kind in ("client", "staff")}
    return dict(User.objects.filter(pk__in=ids).values_list("pk", "name"))


def next_step_of(request: RefundRequest, money: GivenBack) -> NextStep | None:
    """Say what happens next with a request; None when all is done."""
    if request.state == "information_requested":
        return NextStep(what=_("Answer our question"), who="client", due_on=request.information_due_on)
    if request.state in REQUEST_OPEN:
        words = {
            "submitted": _("We begin to examine your application"),
            "in_review": _("We examine the facts and answer"),
            "proposed": _("A second person checks the answer"),
        }
        return NextStep(what=words[request.state], who="staff", due_on=request.answer_due_on)
    if request.state != "approved" or money.state in ("credited", "settled"):
        return None
    words = {
        "accepted": _("The money arrives; banks take 1 to 3 working days"),
        "cancelled": _("We look at your application again"),
        "failed": _("We send the money again"),
        "returned": _("We send the money again"),
        "manual": _("Our Finance team sends the money"),
    }
    step = words.get(money.state or "", _("We send the money"))
    return NextStep(
        what=step, who="system" if money.state in ("ready", "submitting") else "staff", due_on=None
    )
