"""The case page: everything a reviewer looks at in one application, in a constant number of queries."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from accounts.groups import APPROVER, REVIEWER
from accounts.models import User
from contracts.models import Document, Membership
from kernel.days import local_date, zone_of
from kernel.errors import NotFoundOrHidden
from kernel.money import Money
from refundportal.staff.visits import Visit
from refundportal.staff.work import Work, papers_of, works_of
from refundportal.web.rail import clock_of
from refundportal.web.timeline import timeline_of
from refunds.letters import finding_lines
from refunds.models import RefundRequest
from refunds.selectors import CaseView, case_of, requests_of
from refunds.selectors.quotes import ANSWER_FIELDS
from refunds.selectors.standing import approval_limit
from refunds.statement import Names, Statement, names_in, statement_of
from refunds.states import REQUEST_OPEN
from refunds.wording import DIFFERENCES, money_words, words_for

PEOPLE_MAX = 30
_ROWS = (
    "payment__terms",
    "payment__stage",
    "contract",
    "client",
    "target_stage__contract",
    "applicant",
    "recorded_by",
    "reviewer",
    "received_evidence",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """A person in the case: what they did, and what follows from it."""

    name: str
    deeds: tuple[str, ...]
    may_not_approve: bool


def case_row(visit: Visit, request_id: UUID) -> RefundRequest:
    """
    Read an application with everybody it names. One query.

    :raises NotFoundOrHidden: no such application for this person
    """
    found = requests_of(visit.principal).select_related(*_ROWS).filter(pk=request_id).first()
    if found is None:
        raise NotFoundOrHidden
    found.payment.client = found.client
    return found


def case_page(visit: Visit, row: RefundRequest) -> dict[str, Any]:
    """Gather what the page of a case shows."""
    files = list(row.attachments.order_by("uploaded_at", "id"))
    own = [file for file in files if file.message_id is None]
    case = case_of(visit.principal, row, now=visit.now, attachments=own)
    papers = papers_of(row.contract)
    names = papers.names
    works = works_of(row, papers)
    zone = row.payment.terms.time_zone if row.payment.terms else ""
    return {
        "case": case,
        "files": files,
        "zone": zone,
        "statement": statement_of(case.answer, names),
        "receipt": statement_of(row.receipt_answer, names),
        "findings": tuple(finding_lines(case.answer)),
        "changes": tuple(change_lines(case.changes, row.currency)),
        "rail": papers.rail(visit.now),
        "clock": clock_of(row.payment, visit.now),
        "timeline": timeline_of(case),
        "works": works,
        "objections": objection_lines(row, names),
        "documents": Document.objects.filter(contract=row.contract_id).order_by("-uploaded_at")[:50],
        "hands": hands_in(case, works),
        "approvers": approvers_of(case, works) if row.state in REQUEST_OPEN else (),
        "asked": None if row.amount_minor is None else Money(row.amount_minor, row.currency),
        "is_overdue": is_overdue(row, visit.now),
        "payouts": [(payout, Money(payout.amount_minor, payout.currency)) for payout in case.money.payouts],
    }


def is_overdue(row: RefundRequest, now: datetime) -> bool:
    """Whether the answer should have been given by now, on the days of the terms."""
    terms = row.payment.terms
    return (
        terms is not None
        and row.state in REQUEST_OPEN
        and row.answer_due_on < local_date(now, zone_of(terms.time_zone))
    )


def objection_lines(row: RefundRequest, names: Names) -> list[tuple[str, str]]:
    """What the client says is wrong, item by item."""
    return [
        (f"{one['item']} {names.items.get((one['stage'], one['item']), '')}".strip(), one["text"])
        for one in row.objections
    ]


def change_lines(changes: Iterable[Mapping[str, Any]], currency: str) -> Iterator[tuple[str, str, str]]:
    """Say what differs between two answers: the name, what was shown, what holds now."""
    for change in changes:
        field = change["field"]
        yield (
            words_for(DIFFERENCES, field),
            _value_words(field, change["shown"], currency),
            _value_words(field, change["now"], currency),
        )


def _value_words(field: str, value: Any, currency: str) -> str:
    if value in (None, "", []):
        return "–"
    if field in ("refund", "refund_at_most", "entitlement", "retained"):
        return money_words(value, currency)
    if isinstance(value, list):
        return _("%(n)s lines") % {"n": len(value)} if field == "lines" else ", ".join(map(str, value))
    return str(value)


def digest_of(answer: Mapping[str, Any]) -> str:
    """Name an answer by what people see of it, so that nobody proposes another one than they saw."""
    seen = {field: answer.get(field) for field in ANSWER_FIELDS}
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()


def before_and_after(
    row: RefundRequest, before: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, Statement]:
    """Set two answers side by side."""
    names = names_in(row.contract)
    return {"before": statement_of(before, names), "after": statement_of(after, names)}


def total_words(answer: Mapping[str, Any]) -> str:
    """Say the figure at the foot of an answer."""
    total = statement_of(answer).total
    return money_words(total.text, total.currency)


def hands_in(case: CaseView, works: Iterable[Work]) -> list[Hand]:
    """Say who did what in a case, and who therefore may not approve it."""
    deeds: dict[UUID, tuple[User, list[str], list[bool]]] = {}

    def note(person: User | None, deed: str, bars: bool) -> None:
        if person is not None:
            _, said, barred = deeds.setdefault(person.pk, (person, [], []))
            said.extend([deed] if deed not in said else [])
            barred.append(bars)

    for person, deed, bars in _deeds(case, works):
        note(person, deed, bars)
    is_open = case.request.state in REQUEST_OPEN
    return [
        Hand(name=str(person), deeds=tuple(said), may_not_approve=is_open and any(barred))
        for person, said, barred in deeds.values()
    ]


def _deeds(case: CaseView, works: Iterable[Work]) -> Iterator[tuple[User | None, str, bool]]:
    row, proposal, decision = case.request, case.proposal, case.decision
    yield row.applicant, _("applied"), False
    yield row.recorded_by, _("recorded the application"), True
    yield row.reviewer, _("has the case"), False
    for work in works:
        for assessment in work.assessments:
            yield assessment.by, _("assessed work"), True
    for fact in case.facts:
        yield fact.by, _("established a fact"), True
    if proposal is not None:
        yield proposal.by, _("proposed the answer"), True
    if decision is not None:
        yield decision.approved_by, _("approved the answer"), False


def approvers_of(case: CaseView, works: Iterable[Work]) -> list[tuple[str, str]]:
    """Name who could be the second person, with how far their right goes. One query."""
    row = case.request
    barred = {person.pk for person, _deed, bars in _deeds(case, works) if bars and person is not None}
    barred |= {
        work.delivery.acceptance_recorded_by_id
        for work in works
        if work.delivery is not None and work.delivery.acceptance_recorded_by_id is not None
        if not work.delivery.accepted_by_client
    }
    memberships = Membership.objects.filter(client=row.client_id, user=OuterRef("pk"))
    groups = User.groups.through.objects.filter(user=OuterRef("pk"))
    people = (
        User.objects.filter(
            ~Exists(memberships),
            Exists(groups.filter(group__name__in=(REVIEWER, APPROVER))),
            is_active=True,
            is_staff=True,
        )
        .annotate(approves_any=Exists(groups.filter(group__name=APPROVER)))
        .order_by("name")
    )
    limit = approval_limit(row.currency)
    up_to = _("up to %(limit)s a day and client") % {"limit": money_words(limit.text, limit.currency)}
    return [
        (str(person), _("any amount") if person.approves_any else up_to)
        for person in people[:PEOPLE_MAX]
        if person.pk not in barred and (person.approves_any or limit.minor > 0)
    ]
