"""Public codes of the policy. They are stored and published: never rename, only add."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class PaymentStatus(StrEnum):
    """Where the money of a payment stands."""

    PENDING = "pending"
    AUTHORISED = "authorised"
    CAPTURED = "captured"
    DISPUTED = "disputed"
    CHARGED_BACK = "charged_back"
    FAILED = "failed"
    VOIDED = "voided"


class ClientType(StrEnum):
    """Whether the law gives the client rights beyond the contract's."""

    BUSINESS = "business"
    CONSUMER = "consumer"


class Remedy(StrEnum):
    """What the client asks for: money, or a credit towards another stage."""

    REFUND = "refund"
    EXCHANGE = "exchange"


class Outcome(StrEnum):
    """What the policy answers."""

    INADMISSIBLE = "inadmissible"
    ON_HOLD = "on_hold"
    NEEDS_REVIEW = "needs_review"
    NO_REFUND = "no_refund"
    REFUND_IN_FULL = "refund_in_full"
    REFUND_IN_PART = "refund_in_part"


class Reason(StrEnum):
    """Why the policy answers so."""

    PAYMENT_NOT_CAPTURED = "payment_not_captured"
    PAYMENT_CHARGED_BACK = "payment_charged_back"
    PAYMENT_DISPUTED = "payment_disputed"
    NOTHING_REFUNDABLE = "nothing_refundable"
    REQUEST_ALREADY_OPEN = "request_already_open"
    AMOUNT_OUT_OF_RANGE = "amount_out_of_range"
    EXCHANGE_NOT_OFFERED = "exchange_not_offered"
    STATUTORY_RIGHT_CHECK = "statutory_right_check"
    WINDOW_EXPIRED = "window_expired"
    CONFORMITY_PENDING = "conformity_pending"
    WORK_ACCEPTED = "work_accepted"
    WORK_CONFORMS = "work_conforms"
    VALUE_CONSUMED = "value_consumed"
    ENTITLEMENT_ALREADY_REFUNDED = "entitlement_already_refunded"
    FULL_REFUND = "full_refund"
    CONFORMING_PART_RETAINED = "conforming_part_retained"
    USAGE_DEDUCTED = "usage_deducted"
    EARLIER_REFUND_DEDUCTED = "earlier_refund_deducted"
    AS_REQUESTED = "as_requested"


class Rule(StrEnum):
    """What was looked at; each gives one finding in every answer."""

    PAYMENT_CAPTURED = "payment_captured"
    PAYMENT_NOT_CHARGED_BACK = "payment_not_charged_back"
    PAYMENT_NOT_DISPUTED = "payment_not_disputed"
    SOMETHING_REFUNDABLE = "something_refundable"
    NO_OTHER_REQUEST = "no_other_request"
    AMOUNT_IN_RANGE = "amount_in_range"
    EXCHANGE_OFFERED = "exchange_offered"
    WINDOW = "window"
    STATUTORY_RIGHT = "statutory_right"
    CONFORMITY_ASSESSED = "conformity_assessed"
    CONFORMITY = "conformity"
    USAGE = "usage"
    ENTITLEMENT = "entitlement"
    EARLIER_REFUNDS = "earlier_refunds"
    REFUND = "refund"


class LineKind(StrEnum):
    """What a part that is kept is kept for."""

    CONFORMING_WORK = "conforming_work"
    USAGE = "usage"


CLAUSE_OF_RULE: Final[Mapping[Rule, str]] = {
    Rule.PAYMENT_CAPTURED: "P1",
    Rule.PAYMENT_NOT_CHARGED_BACK: "P1",
    Rule.PAYMENT_NOT_DISPUTED: "P1",
    Rule.SOMETHING_REFUNDABLE: "P6",
    Rule.NO_OTHER_REQUEST: "P4",
    Rule.AMOUNT_IN_RANGE: "P4",
    Rule.EXCHANGE_OFFERED: "P1",
    Rule.WINDOW: "P5",
    Rule.STATUTORY_RIGHT: "P5",
    Rule.CONFORMITY_ASSESSED: "P2",
    Rule.CONFORMITY: "P2",
    Rule.USAGE: "P3",
    Rule.ENTITLEMENT: "P6",
    Rule.EARLIER_REFUNDS: "P6",
    Rule.REFUND: "P6",
}
"""The clause of the published policy that each rule carries out."""

CLAUSE_OF_REASON: Final[Mapping[Reason, str]] = {
    Reason.PAYMENT_NOT_CAPTURED: "P1",
    Reason.PAYMENT_CHARGED_BACK: "P1",
    Reason.PAYMENT_DISPUTED: "P1",
    Reason.NOTHING_REFUNDABLE: "P6",
    Reason.REQUEST_ALREADY_OPEN: "P4",
    Reason.AMOUNT_OUT_OF_RANGE: "P4",
    Reason.EXCHANGE_NOT_OFFERED: "P1",
    Reason.STATUTORY_RIGHT_CHECK: "P5",
    Reason.WINDOW_EXPIRED: "P5",
    Reason.CONFORMITY_PENDING: "P2",
    Reason.WORK_ACCEPTED: "P2",
    Reason.WORK_CONFORMS: "P2",
    Reason.VALUE_CONSUMED: "P3",
    Reason.ENTITLEMENT_ALREADY_REFUNDED: "P6",
    Reason.FULL_REFUND: "P4",
    Reason.CONFORMING_PART_RETAINED: "P2",
    Reason.USAGE_DEDUCTED: "P3",
    Reason.EARLIER_REFUND_DEDUCTED: "P6",
    Reason.AS_REQUESTED: "P4",
}
"""The clause of the published policy behind each reason."""
