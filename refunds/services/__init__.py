"""Writing what we owe back: every change is one service, one transaction, and in the journal."""

from refunds.services.applying import apply_for_refund, record_application
from refunds.services.conversation import (
    answer_information,
    answer_question,
    ask_again,
    ask_question,
    post_message,
)
from refunds.services.deciding import approve_request, propose_answer, send_back
from refunds.services.drafts import (
    add_draft_file,
    discard_draft,
    expire_drafts,
    remove_draft_file,
    save_draft,
)
from refunds.services.established import (
    assess,
    exclude_usage,
    record_hidden_defect,
    record_statutory_check,
)
from refunds.services.figures import count_on
from refunds.services.files import TooManyFiles, Upload, add_attachment, add_evidence
from refunds.services.reopening import reopen_stranded
from refunds.services.reviewing import (
    due_reminders,
    remind_of_question,
    request_information,
    start_review,
    withdraw_request,
)
from refunds.services.scanning import scan_due
from refunds.services.trials import cancel_trial, keep_replay, run_trial, start_trial

__all__ = [
    "TooManyFiles",
    "Upload",
    "add_attachment",
    "add_draft_file",
    "add_evidence",
    "answer_information",
    "answer_question",
    "apply_for_refund",
    "approve_request",
    "ask_again",
    "ask_question",
    "assess",
    "cancel_trial",
    "count_on",
    "discard_draft",
    "due_reminders",
    "exclude_usage",
    "expire_drafts",
    "keep_replay",
    "post_message",
    "propose_answer",
    "record_application",
    "record_hidden_defect",
    "record_statutory_check",
    "remind_of_question",
    "remove_draft_file",
    "reopen_stranded",
    "request_information",
    "run_trial",
    "save_draft",
    "scan_due",
    "send_back",
    "start_review",
    "start_trial",
    "withdraw_request",
]
