"""Refusals of this room: each with its stable code, so that doors only translate."""

from collections.abc import Mapping, Sequence
from typing import Any

from kernel.errors import DomainError


class Inadmissible(DomainError):
    """
    This application is not let in; `code` is the reason code: that of the answer, unless another is named.

    `data` holds `reasons`, the whole `answer` and, where another request is open, its number as
    `open_request`. An event is kept although nothing else is.
    """

    kind = "refused"
    title = "This application cannot be accepted."

    def __init__(self, detail: str, *, answer: Mapping[str, Any], reason: str = "", **data: Any) -> None:
        reasons = [reason] if reason else list(answer["reasons"])
        super().__init__(detail, reasons=reasons, answer=dict(answer), **data)
        self.code = reasons[0]

    @property
    def answer(self) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = self.data["answer"]
        return answer


class _Changed(DomainError):
    """The facts give another answer than the one that was shown; `data["differences"]` says where."""

    kind = "conflict"

    def __init__(self, detail: str, *, differences: Sequence[Mapping[str, Any]], **data: Any) -> None:
        super().__init__(detail, differences=[dict(difference) for difference in differences], **data)


class QuoteChanged(_Changed):
    """Between the quote and the application the facts have changed."""

    code = "quote_changed"
    title = "The facts have changed since the answer you were shown."


class AnswerChanged(_Changed):
    """At approval the facts no longer give the proposed answer; the request is back in review."""

    code = "answer_changed"
    title = "The facts no longer give the proposed answer."


class FourEyesViolated(DomainError):
    """The person had a hand in the case before, or belongs to the client; `data["because"]` says how."""

    code = "four_eyes_violated"
    kind = "forbidden"
    title = "Somebody else has to do this."


class LimitExceeded(DomainError):
    """The refund is above what a Reviewer may approve, alone or with the client's others of the day."""

    code = "approval_limit_exceeded"
    kind = "forbidden"
    title = "This amount needs an Approver."


class NotDecidable(DomainError):
    """The facts do not give a yes or a no yet."""

    code = "not_decidable"
    kind = "refused"
    title = "There is no answer to propose yet."


class TargetStageUnsuitable(DomainError):
    """The stage cannot take the credit: other client or currency, not signed, or it owes too little."""

    code = "target_stage_unsuitable"
    kind = "refused"
    title = "The credit cannot go to this stage."


class CreditNotRefundable(DomainError):
    """An exchange credit has no window and takes no application."""

    code = "credit_not_refundable"
    kind = "refused"
    title = "A credit cannot be refunded."


class NothingToEstablish(DomainError):
    """A fact that this case cannot have, such as a consumer's right in a business's case."""

    code = "fact_not_applicable"
    kind = "refused"
    title = "This fact does not apply here."
