"""
What may be done with a request now, by whom, and why not: one truth for the services and every face.

Each rule gives the refusal that the service would raise, or None.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.principals import Principal
from contracts.models import ClientKind, Role
from contracts.selectors import role_of
from kernel.days import local_date, zone_of
from kernel.errors import DomainError, NotPermitted, StaleState
from kernel.money import Money
from payments.models import Payment
from refunds.errors import FourEyesViolated, LimitExceeded, NotDecidable, NothingToEstablish
from refunds.models import RefundRequest
from refunds.selectors.standing import Standing, standing_of
from refunds.states import REQUEST_OPEN
from refunds.wording import REQUEST_STATES, money_words, words_for

Rule = Callable[[Standing], DomainError | None]

NOT_A_DECISION: Final = frozenset({"needs_review", "on_hold"})
"""Outcomes that are neither a yes nor a no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something one could do with a request; what is not allowed carries the reason."""

    name: str
    allowed: bool
    why_not: str
    code: str


def allowed_actions(principal: Principal, request: RefundRequest, *, now: datetime) -> list[Action]:
    """List what this principal may do with the request, and why not what they may not."""
    standing = standing_of(principal, request, now=now)
    rules = STAFF_RULES if principal.is_staff else CLIENT_RULES
    return [_action(name, rule(standing)) for name, rule in rules.items()]


def _action(name: str, refusal: DomainError | None) -> Action:
    if refusal is None:
        return Action(name=name, allowed=True, why_not="", code="")
    return Action(name=name, allowed=False, why_not=refusal.detail, code=refusal.code)


def require(rule: Rule, standing: Standing) -> None:
    """
    :raises DomainError: the refusal that the rule gives
    """
    refusal = rule(standing)
    if refusal is not None:
        raise refusal


def why_not_apply(principal: Principal, payment: Payment) -> DomainError | None:
    """Owners and requesters apply, and the client's systems; staff record what arrived otherwise."""
    if principal.api_client is not None:
        return None
    is_person = principal.user is not None and not principal.is_staff
    if is_person and role_of(principal.user, payment.client_id) in (Role.OWNER, Role.REQUESTER):
        return None
    return NotPermitted(_("Only an owner or a requester of the client may apply."))


def why_not_withdraw(at: Standing) -> DomainError | None:
    if not at.acts_for_client:
        return NotPermitted(_("Only an owner or a requester of the client may withdraw an application."))
    return _unless_in(at, *REQUEST_OPEN)


def why_not_write(at: Standing) -> DomainError | None:
    """Messages and files: the client's owners, requesters and systems, and staff who review."""
    if at.acts_for_client or at.may_review:
        return None
    return NotPermitted(_("You may read this thread but not write in it."))


def why_not_write_internally(at: Standing) -> DomainError | None:
    return _unless_reviewing(at)


def why_not_start_review(at: Standing) -> DomainError | None:
    """A new application at once; one that waits for information when the client's time is over."""
    refusal = _unless_reviewing(at)
    if refusal is not None or at.request.state != "information_requested":
        return refusal or _unless_in(at, "submitted")
    due_on, zone = at.request.information_due_on, _zone_of(at.request)
    if due_on is not None and local_date(at.now, zone_of(zone)) <= due_on:
        return StaleState(
            _("The client has until the end of %(day)s to answer.") % {"day": due_on.isoformat()},
            state=at.request.state,
            information_due_on=due_on.isoformat(),
        )
    return None


def why_not_request_information(at: Standing) -> DomainError | None:
    return _unless_reviewing(at) or _unless_in(at, "in_review")


def why_not_establish(at: Standing) -> DomainError | None:
    """Assessments, hidden defects, exclusions of usage: while in review, waiting for information or not."""
    return _unless_reviewing(at) or _unless_in(at, "in_review", "information_requested")


def why_not_check_statute(at: Standing) -> DomainError | None:
    if at.request.client.kind != ClientKind.CONSUMER:
        refusal = _unless_reviewing(at)
        return refusal or NothingToEstablish(_("Only consumers can have a longer period by law."))
    return why_not_establish(at)


def why_not_propose(at: Standing) -> DomainError | None:
    refusal = _unless_reviewing(at) or _unless_in(at, "in_review")
    return refusal or not_decidable(at.request.answer.get("outcome", ""))


def not_decidable(outcome: str) -> DomainError | None:
    """Give the refusal if an outcome is neither a yes nor a no."""
    if outcome in NOT_A_DECISION:
        return NotDecidable(_("The facts do not give a yes or a no yet."), outcome=outcome)
    return None


def why_not_send_back(at: Standing) -> DomainError | None:
    return _unless_reviewing(at) or _unless_in(at, "proposed")


def why_not_approve(at: Standing) -> DomainError | None:
    """The second person: no hand in the case before, not of the client, and the amount within the limit."""
    if at.principal.api_client is not None and not settings.API_APPROVAL:
        return NotPermitted(_("Approval through another system is switched off."))
    refusal = _unless_reviewing(at) or _unless_in(at, "proposed")
    return refusal or _if_a_hand_was_in_it(at) or _if_above_the_limit(at)


def _if_a_hand_was_in_it(at: Standing) -> DomainError | None:
    if not at.hands:
        return None
    because = sorted(at.hands)
    words = {
        "proposed": _("You proposed this answer."),
        "recorded": _("You recorded this application."),
        "delivered": _("You recorded a delivery after this application had been received."),
        "accepted": _("You recorded an acceptance in this case."),
        "established": _("You established a fact in this case."),
        "assessed": _("You assessed work in this case."),
    }
    return FourEyesViolated(
        " ".join([*(words[one] for one in because), _("Somebody else approves.")]), because=because
    )


def _if_above_the_limit(at: Standing) -> DomainError | None:
    """Per request, and per client, currency and company day: above the limit only an Approver."""
    refund = Money.parse(at.request.answer["refund"], at.request.currency)
    if at.is_approver or not refund or at.approved_today + refund <= at.limit:
        return None
    return LimitExceeded(
        _("Up to %(limit)s a day and client a Reviewer may approve; above that only an Approver.")
        % {"limit": money_words(at.limit.text, at.limit.currency)},
        limit=at.limit.text,
        refund=refund.text,
        approved_today=at.approved_today.text,
        currency=at.request.currency,
    )


def _unless_reviewing(at: Standing) -> DomainError | None:
    """Reviewers and Approvers only, and never for a client they belong to."""
    if not at.may_review:
        return NotPermitted(_("Only a Reviewer or an Approver may do this."))
    if at.role is not None:
        return FourEyesViolated(
            _("You are a member of this client: somebody else takes the case."), because=["member"]
        )
    return None


def _unless_in(at: Standing, *states: str) -> DomainError | None:
    state = at.request.state
    if state in states:
        return None
    return StaleState(
        _("This is not possible now. The application is: %(state)s.")
        % {"state": words_for(REQUEST_STATES, state)},
        state=state,
    )


def _zone_of(request: RefundRequest) -> str:
    terms = request.payment.terms
    return settings.COMPANY_TIME_ZONE if terms is None else terms.time_zone


CLIENT_RULES: Final[Mapping[str, Rule]] = {
    "post_message": why_not_write,
    "add_attachment": why_not_write,
    "withdraw": why_not_withdraw,
}
STAFF_RULES: Final[Mapping[str, Rule]] = {
    "start_review": why_not_start_review,
    "request_information": why_not_request_information,
    "assess": why_not_establish,
    "record_hidden_defect": why_not_establish,
    "record_statutory_check": why_not_check_statute,
    "exclude_usage": why_not_establish,
    "propose": why_not_propose,
    "approve": why_not_approve,
    "send_back": why_not_send_back,
    "post_message": why_not_write,
    "post_internal_message": why_not_write_internally,
    "add_attachment": why_not_write,
}
