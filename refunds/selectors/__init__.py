"""Reading what we owe back: the only way to an object is through the one who asks."""

from refunds.selectors.access import (
    attachment_of,
    attachments_of,
    current_decision,
    draft_of,
    enquiries_of,
    enquiry_of,
    messages_of,
    request_by_number,
    request_of,
    requests_of,
)
from refunds.selectors.actions import Action, allowed_actions, why_not_apply
from refunds.selectors.cases import CaseView, Happening, NextStep, case_of, case_view, next_step_of
from refunds.selectors.facts import gather_facts
from refunds.selectors.payout_chain import (
    GivenBack,
    given_back,
    payout_state_of,
    payout_states_of,
    with_open_requests,
)
from refunds.selectors.quotes import Quote, differences, quote, remember_quote

__all__ = [
    "Action",
    "CaseView",
    "GivenBack",
    "Happening",
    "NextStep",
    "Quote",
    "allowed_actions",
    "attachment_of",
    "attachments_of",
    "case_of",
    "case_view",
    "current_decision",
    "differences",
    "draft_of",
    "enquiries_of",
    "enquiry_of",
    "gather_facts",
    "given_back",
    "messages_of",
    "next_step_of",
    "payout_state_of",
    "payout_states_of",
    "quote",
    "remember_quote",
    "request_by_number",
    "request_of",
    "requests_of",
    "why_not_apply",
    "with_open_requests",
]
