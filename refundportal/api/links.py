"""Which call leads to which: the links of the OpenAPI document, from an answer to the next call."""

from collections.abc import Mapping
from typing import Any, Final

_ID: Final = "$response.body#/id"

# Operation: its links, each to an operation with its parameters; a body's members stand under "body".
_CONTRACT: Final = {"contract_id": _ID}
_STAGE: Final = {"stage_id": "$response.body#/stages/0/id"}
_PAYMENT: Final = {"payment_id": _ID}
_REQUEST: Final = {"request_id": _ID}
_ENDPOINT: Final = {"endpoint_id": _ID}
_ON_A_REQUEST: Final = {
    f"refund_requests_{name}": _REQUEST
    for name in (
        "read",
        "withdraw",
        "messages_create",
        "start_review",
        "request_information",
        "statutory_check",
        "propose",
        "decision_read",
    )
}
LINKS: Final[Mapping[str, Mapping[str, Mapping[str, Any]]]] = {
    "clients_create": {
        "clients_read": {"client_id": _ID},
        "clients_update": {"client_id": _ID},
        "contracts_create": {"body": {"client": _ID}},
        "enquiries_create": {"body": {"client": _ID}},
    },
    "contracts_create": {
        "contracts_read": _CONTRACT,
        "contracts_sign": _CONTRACT,
        "contracts_terms_create": _CONTRACT,
        "contracts_documents_create": _CONTRACT,
    },
    "contracts_sign": {
        "contracts_usage_read": _CONTRACT,
        "contracts_terminate": _CONTRACT,
        "stages_start": _STAGE,
        "payments_create": {"body": {"stage": "$response.body#/stages/0/id"}},
    },
    "stages_start": {"stages_deliver": {"stage_id": _ID}},
    "stages_deliver": {
        name: {"stage_id": "$response.body#/stage"}
        for name in ("stages_read", "stages_accept", "stages_object", "stages_assessments_create")
    },
    "payments_create": {
        "payments_read": _PAYMENT,
        "payments_capture": _PAYMENT,
        "payments_fail": _PAYMENT,
        "payments_void": _PAYMENT,
    },
    "payments_capture": {
        "payments_refund_quote_read": _PAYMENT,
        "payments_dispute": _PAYMENT,
        "refund_requests_create": {"body": {"payment": _ID}},
    },
    "refund_requests_create": _ON_A_REQUEST,
    "refund_requests_start_review": {
        "refund_requests_propose": _REQUEST,
        "refund_requests_request_information": _REQUEST,
        "refund_requests_hidden_defects": _REQUEST,
        "refund_requests_usage_exclusions": _REQUEST,
    },
    "refund_requests_propose": {
        "refund_requests_approve": _REQUEST,
        "refund_requests_send_back": _REQUEST,
    },
    "refund_requests_approve": {
        "refund_requests_decision_read": _REQUEST,
        "refund_requests_decision_pdf_read": _REQUEST,
        "payouts_read": {"payout_id": "$response.body#/payouts/0/id"},
    },
    "webhook_endpoints_create": {
        f"webhook_endpoints_{name}": _ENDPOINT
        for name in ("read", "update", "delete", "rotate_secret", "test", "deliveries_list")
    },
    "webhook_endpoints_deliveries_list": {
        "deliveries_resend": {"delivery_id": "$response.body#/results/0/id"}
    },
}


def links_of(operation_id: str) -> dict[str, Any]:
    """Write the links of an operation as OpenAPI has them."""
    return {name: _link(name, values) for name, values in LINKS.get(operation_id, {}).items()}


def _link(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    link: dict[str, Any] = {"operationId": name}
    if parameters := {key: value for key, value in values.items() if key != "body"}:
        link["parameters"] = parameters
    if "body" in values:
        link["requestBody"] = dict(values["body"])
    return link
