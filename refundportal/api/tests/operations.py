"""Every operation of the API: its scope and a well-formed body. A route that is not here fails a test."""

from dataclasses import dataclass, fields
from typing import Any
from uuid import uuid4

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import URLPattern, URLResolver, reverse

from contracts.tests.cast import STAGES
from refundportal.api.tests.job import A_MINUTE_AGO
from refundportal.api.urls import urlpatterns

NO_OPERATION = {"api-schema", "api-docs", "api-unknown"}
"""Addresses for everybody that show no data."""


@dataclass(frozen=True)
class Ids:
    """What the calls are about: real rows, or (the default) nothing that exists."""

    client_id: Any
    contract_id: Any
    stage_id: Any
    payment_id: Any
    request_id: Any
    payout_id: Any
    endpoint_id: Any
    delivery_id: Any

    @classmethod
    def of_nothing(cls):
        return cls(*(uuid4() for _ in fields(cls)))

    def __iter__(self):
        return iter(vars(self).values())


@dataclass(frozen=True)
class Operation:
    """One method of one route."""

    name: str
    method: str
    scope: str
    body: Any = None
    is_form: bool = False

    @property
    def takes(self):
        """The ids in its address."""
        return PARAMETERS[self.name]

    def path(self, ids):
        return reverse(
            self.name, urlconf="refundportal.api.tests.urls", kwargs={n: getattr(ids, n) for n in self.takes}
        )

    def content(self, ids):
        """A body about these rows."""
        return self.body(ids) if callable(self.body) else self.body


def found(patterns=urlpatterns, kwargs=()):
    """Every route of the URLconf with its view and the names of the ids in its address."""
    for pattern in patterns:
        names = (*kwargs, *pattern.pattern.converters)
        if isinstance(pattern, URLResolver):
            yield from found(pattern.url_patterns, names)
        elif isinstance(pattern, URLPattern) and pattern.name not in NO_OPERATION:
            yield pattern.name, pattern.callback.view_class, names


PARAMETERS = {name: names for name, _, names in found()}


def standing():
    """Every (route, method) there is."""
    return {
        (name, method.upper())
        for name, view, _ in found()
        for method in view.http_method_names
        if method != "head" and hasattr(view, method)
    }


def _file(_ids, **fields):
    return {**fields, "file": SimpleUploadedFile("note.txt", b"A note.\n")}


def _payment(ids):
    return {"stage": str(ids.stage_id), "amount": {"amount": "1.00", "currency": "EUR"}, "method": "bank"}


def _usage(ids):
    record = {"source": "g", "external_id": "x", "contract": str(ids.contract_id), "meter": "api_calls"}
    return {"records": [{**record, "quantity": "1", "occurred_at": A_MINUTE_AGO}]}


def _contract(ids):
    return {"client": str(ids.client_id), "title": "T", "currency": "EUR", "stages": STAGES}


def _application(ids):
    return {"payment": str(ids.payment_id), "reason": "other", "statement": "Why."}


def _question(ids):
    return {"client": str(ids.client_id), "subject": "S", "body": "Why?"}


REASON = {"reason": "Because."}
OPERATIONS = [
    Operation("api-policy", "GET", ""),
    Operation("api-evaluate", "POST", "policy:evaluate", {}),
    Operation("api-clients", "GET", "contracts:read"),
    Operation(
        "api-clients", "POST", "contracts:write", {"kind": "business", "name": "N", "email": "n@example.com"}
    ),
    Operation("api-client", "GET", "contracts:read"),
    Operation("api-client", "PATCH", "contracts:write", {"name": "New"}),
    Operation("api-contracts", "GET", "contracts:read"),
    Operation("api-contracts", "POST", "contracts:write", _contract),
    Operation("api-contract", "GET", "contracts:read"),
    Operation("api-contract-sign", "POST", "contracts:write", {}),
    Operation("api-contract-terminate", "POST", "contracts:write", REASON),
    Operation("api-terms", "GET", "contracts:read"),
    Operation("api-terms", "POST", "contracts:write", {"window_days": 9}),
    Operation("api-documents", "GET", "contracts:read"),
    Operation(
        "api-documents",
        "POST",
        "contracts:write",
        lambda ids: _file(ids, kind="other", title="T"),
        is_form=True,
    ),
    Operation("api-usage", "GET", "contracts:read"),
    Operation("api-stage", "GET", "contracts:read"),
    Operation("api-stage-start", "POST", "contracts:write", {}),
    Operation("api-stage-deliver", "POST", "contracts:write", {}),
    Operation("api-stage-accept", "POST", "contracts:write", {}),
    Operation(
        "api-stage-object", "POST", "contracts:write", {"objections": [{"item": "AC-1", "text": "No."}]}
    ),
    Operation("api-assessments", "GET", "refunds:decide"),
    Operation("api-assessments", "POST", "refunds:decide", {"values": {"AC-1": "1"}, "reason": "Tested."}),
    Operation("api-usage-records", "POST", "usage:write", _usage),
    Operation("api-payments", "GET", "payments:read"),
    Operation("api-payments", "POST", "payments:write", _payment),
    Operation("api-payment", "GET", "payments:read"),
    Operation("api-payment-capture", "POST", "payments:write", {}),
    Operation("api-payment-fail", "POST", "payments:write", {}),
    Operation("api-payment-void", "POST", "payments:write", {}),
    Operation("api-payment-dispute", "POST", "payments:write", {}),
    Operation("api-quote", "GET", "refunds:read"),
    Operation("api-requests", "GET", "refunds:read"),
    Operation("api-requests", "POST", "refunds:write", _application),
    Operation("api-request", "GET", "refunds:read"),
    Operation("api-request-withdraw", "POST", "refunds:write", {}),
    Operation("api-request-messages", "GET", "refunds:read"),
    Operation("api-request-messages", "POST", "refunds:write", {"body": "Hello."}),
    Operation("api-request-attachments", "POST", "refunds:write", _file, is_form=True),
    Operation("api-decision", "GET", "refunds:read"),
    Operation("api-decision-pdf", "GET", "refunds:read"),
    Operation("api-statutory-check", "POST", "refunds:decide", {"holds": True, **REASON}),
    Operation(
        "api-hidden-defects", "POST", "refunds:decide", lambda ids: {"stage": str(ids.stage_id), **REASON}
    ),
    Operation(
        "api-usage-exclusions",
        "POST",
        "refunds:decide",
        {"records": [{"source": "gateway", "external_id": "a"}], **REASON},
    ),
    Operation("api-start-review", "POST", "refunds:decide", {}),
    Operation("api-request-information", "POST", "refunds:decide", {"question": "Which?"}),
    Operation("api-propose", "POST", "refunds:decide", {}),
    Operation("api-approve", "POST", "refunds:decide", {}),
    Operation("api-send-back", "POST", "refunds:decide", REASON),
    Operation("api-payouts", "GET", "refunds:read"),
    Operation("api-payout", "GET", "refunds:read"),
    Operation("api-events", "GET", "events:read"),
    Operation("api-webhook-endpoints", "GET", "webhooks:manage"),
    Operation("api-webhook-endpoints", "POST", "webhooks:manage", {"url": "https://erp.example.com/in"}),
    Operation("api-webhook-endpoint", "GET", "webhooks:manage"),
    Operation("api-webhook-endpoint", "PATCH", "webhooks:manage", {"types": ["payment.captured"]}),
    Operation("api-webhook-endpoint", "DELETE", "webhooks:manage", {}),
    Operation("api-rotate-secret", "POST", "webhooks:manage", {}),
    Operation("api-send-test", "POST", "webhooks:manage", {}),
    Operation("api-webhook-deliveries", "GET", "webhooks:manage"),
    Operation("api-resend", "POST", "webhooks:manage", {}),
    Operation("api-enquiries", "GET", "refunds:read"),
    Operation("api-enquiries", "POST", "refunds:write", _question),
]
