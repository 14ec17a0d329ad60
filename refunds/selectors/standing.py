"""Where a person stands towards a request: role, rights, and in what they had a hand already."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db.models import Case, Exists, OuterRef, Q, Sum, Value, When

from accounts.groups import is_approver, is_reviewer
from accounts.models import User
from accounts.principals import Principal
from contracts.models import Assessment, Delivery, Role
from contracts.selectors import role_of
from kernel.currencies import digits_of
from kernel.days import local_date, zone_of
from kernel.money import Money
from refunds.models import Decision, HiddenDefect, Proposal, RefundRequest, StatutoryCheck, UsageExclusion

HANDS: Final = ("proposed", "recorded", "delivered", "accepted", "established", "assessed")
"""What bars a person from approving: what they did in the case before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One principal before one request; everything that the rules about people look at."""

    principal: Principal
    request: RefundRequest
    now: datetime
    role: Role | None
    may_review: bool
    is_approver: bool
    hands: frozenset[str]
    limit: Money
    approved_today: Money

    @property
    def acts_for_client(self) -> bool:
        """Whether this one applies and withdraws for the client: owner, requester, the client's system."""
        if self.principal.api_client is not None:
            return True
        return not self.principal.is_staff and self.role in (Role.OWNER, Role.REQUESTER)


def standing_of(principal: Principal, request: RefundRequest, *, now: datetime) -> Standing:
    """
    Find out where a principal stands towards a request that they can see. At most five queries.

    What is found holds as long as the client's row is locked; without a lock it is good for display.
    """
    person = principal.user
    zero = Money.zero(request.currency)
    approves = principal.is_staff and person is not None and is_approver(person)
    deciding = principal.is_staff and person is not None and request.state == "proposed"
    return Standing(
        principal=principal,
        request=request,
        now=now,
        role=role_of(person, request.client_id),
        may_review=approves or (principal.is_staff and person is not None and is_reviewer(person)),
        is_approver=approves,
        hands=hands_of(person, request) if deciding and person is not None else frozenset(),
        limit=approval_limit(request.currency) if deciding else zero,
        approved_today=approved_on_day_of(request, now) if deciding else zero,
    )


def hands_of(person: User, request: RefundRequest) -> frozenset[str]:
    """Say in what of this request a person had a hand: some of `HANDS`. One query."""
    later = Proposal.objects.filter(request=OuterRef("request"), number__gt=OuterRef("number"))
    proposed = Proposal.objects.filter(~Exists(later), request=OuterRef("pk"), by=person)
    deliveries = Delivery.objects.filter(
        stage__allocations__payment=OuterRef("payment"), delivered_at__lte=OuterRef("submitted_at")
    )
    established = [
        Exists(model._default_manager.filter(request=OuterRef("pk"), by=person))
        for model in (StatutoryCheck, HiddenDefect, UsageExclusion)
    ]
    assessed = Assessment.objects.filter(
        by=person,
        delivery__stage__allocations__payment=OuterRef("payment"),
        delivery__delivered_at__lte=OuterRef("submitted_at"),
    )
    found = RefundRequest.objects.filter(pk=request.pk).annotate(
        proposed=Exists(proposed),
        recorded=_yes_if(Q(recorded_by=person)),
        delivered=Exists(deliveries.filter(recorded_by=person, recorded_at__gt=OuterRef("submitted_at"))),
        accepted=Exists(deliveries.filter(acceptance_recorded_by=person, accepted_by_client=False)),
        established=established[0] | established[1] | established[2],
        assessed=Exists(assessed),
    )
    row = found.values(*HANDS)[0]
    return frozenset(name for name in HANDS if row[name])


def _yes_if(condition: Q) -> Case:
    return Case(When(condition, then=Value(True)), default=Value(False))


def approval_limit(currency: str) -> Money:
    """Give up to which amount any second Reviewer approves; a currency that is not set has 0."""
    limit = settings.APPROVAL_LIMIT.get(currency, 0)
    return Money(int(limit * 10 ** digits_of(currency)), currency)


def approved_on_day_of(request: RefundRequest, now: datetime) -> Money:
    """
    Sum what was approved for the client in this currency on the company's day of `now`.

    Whoever approved it; decisions whose payout was cancelled no longer count.
    """
    day = local_date(now, zone_of(settings.COMPANY_TIME_ZONE))
    later = Decision.objects.filter(request=OuterRef("request"), number__gt=OuterRef("number"))
    rows = Decision.objects.filter(
        ~Exists(later),
        request__client=request.client_id,
        request__state="approved",
        currency=request.currency,
        decided_on=day,
    ).exclude(request=request.pk)
    return Money(int(rows.aggregate(total=Sum("refund_minor"))["total"] or 0), request.currency)


def client_of_request(request_id: UUID) -> UUID:
    """Give the client of a request, without looking at anything else."""
    client_id: UUID = RefundRequest.objects.values_list("client_id", flat=True).get(pk=request_id)
    return client_id
