"""What we owe back: applications, facts established about them, decisions, conversation, figures, trials."""

from refunds.models.conversation import Attachment, Enquiry, EnquiryState, Message, ScanState
from refunds.models.decisions import ApprovedAs, Decision, Proposal
from refunds.models.established import HiddenDefect, StatutoryCheck, UsageExclusion
from refunds.models.figures import Snapshot
from refunds.models.requests import (
    ApplicationDraft,
    ReasonGiven,
    ReceivedVia,
    RefundRequest,
    Remedy,
    RequestState,
)
from refunds.models.trials import Trial, TrialCase, TrialState

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
    "Snapshot",
    "StatutoryCheck",
    "Trial",
    "TrialCase",
    "TrialState",
    "UsageExclusion",
]
