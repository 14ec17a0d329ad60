"""The case: everything one page, letter or answer shows about a request, in a constant number of queries."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Case, CharField, F, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.functions import Cast, Concat
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


def case_of(
    principal: Principal,
    request: RefundRequest,
    *,
    now: datetime,
    attachments: Sequence[Attachment] | None = None,
) -> CaseView:
    """
    Gather everything about a request that was read through the principal (see `request_of`).

    `attachments` are the files of the application itself, where somebody has read them already.
    """
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
        attachments=list(files) if attachments is None else attachments,
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
    """Give the facts established in a case, the oldest first. One query for the three kinds."""
    checks = _facts(StatutoryCheck, request, "statutory_check", "holds", Value(""))
    defects = _facts(HiddenDefect, request, "hidden_defect", "holds", F("delivery__stage__code"))
    record = Concat("usage_record__source", Value(":"), "usage_record__external_id")
    excluded = _facts(UsageExclusion, request, "usage_exclusion", "excluded", record)
    for row in checks.union(defects, excluded, all=True).order_by("at", "id"):
        yield _fact(row)


def _facts(
    model: type[StatutoryCheck | HiddenDefect | UsageExclusion],
    request: RefundRequest,
    kind: str,
    verdict: str,
    about: Any,
) -> QuerySet[Any, Any]:
    """Read the facts of one kind in the columns that all kinds have: what it says, and what it is about."""
    return (
        model._default_manager.filter(request=request)
        .order_by()
        .values(
            "id",
            "at",
            "reason",
            kind=Value(kind, output_field=CharField()),
            verdict=F(verdict),
            about=Cast(about, CharField()),
            by_pk=F("by_id"),
            by_name=F("by__name"),
            by_email=F("by__email"),
            evidence_pk=F("evidence_id"),
            evidence_title=F("evidence__title"),
            evidence_version=F("evidence__version"),
        )
    )


_DETAIL: Final[Mapping[str, tuple[str, str]]] = {
    "statutory_check": ("holds", ""),
    "hidden_defect": ("holds", "stage"),
    "usage_exclusion": ("excluded", "record"),
}
"""How the verdict of each kind of fact is called, and what it is about."""


def _fact(row: Mapping[str, Any]) -> EstablishedFact:
    verdict, about = _DETAIL[row["kind"]]
    evidence = None
    if row["evidence_pk"] is not None:
        evidence = Document(
            pk=row["evidence_pk"], title=row["evidence_title"], version=row["evidence_version"]
        )
    return EstablishedFact(
        kind=row["kind"],
        by=User(pk=row["by_pk"], name=row["by_name"], email=row["by_email"]),
        at=row["at"],
        reason=row["reason"],
        evidence=evidence,
        detail={verdict: row["verdict"], **({about: row["about"]} if about else {})},
    )


_NAME_OF_ACTOR: Final = Case(
    When(
        actor_kind__in=("client", "staff"),
        then=Subquery(User.objects.filter(pk=OuterRef("actor_id")).values("name")),
    )
)


def _timeline(principal: Principal, request: RefundRequest, money: GivenBack) -> tuple[Happening, ...]:
    """Tell what happened to a request, its payouts and its credit. One query."""
    subjects = [request.pk, *(payout.pk for payout in money.payouts)]
    if money.credit is not None:
        subjects.append(money.credit.pk)
    named: dict[str, Any] = {"person": _NAME_OF_ACTOR} if principal.is_staff else {}
    happened = timeline_of(subjects, **named)
    events = _without_echoes([event for event in happened if _is_for(principal, event)])
    return tuple(
        Happening(
            type=event.type,
            what=words_for(EVENTS, event.type),
            who=words_for(WHO, event.actor_kind),
            person=getattr(event, "person", None) or "",
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
