"""What we owe back: applications, the facts established about them, decisions and conversation."""

from refunds.models.conversation import Attachment, Enquiry, EnquiryState, Message, ScanState
from refunds.models.decisions import ApprovedAs, Decision, Proposal
from refunds.models.established import HiddenDefect, StatutoryCheck, UsageExclusion
from refunds.models.requests import (
    ApplicationDraft,
    ReasonGiven,
    ReceivedVia,
    RefundRequest,
    Remedy,
    RequestState,
)

__all__ = [
    "ApplicationDraft",
    "ApprovedAs",
    "Attachment",
    "Decision",
    "Enquiry",
    "EnquiryState",
    "HiddenDefect",
    "Message",
    "Proposal",
    "ReasonGiven",
    "ReceivedVia",
    "RefundRequest",
    "Remedy",
    "RequestState",
    "ScanState",
    "StatutoryCheck",
    "UsageExclusion",
]
