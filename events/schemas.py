"""
What every type of event carries: the promise to whoever reads the feed or receives webhooks.

Public names: never rename or remove, only add. The demonstration's events are held against this table,
and docs/events.md is written from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_ANSWER_FIELDS: Final = "outcome:code reasons:codes refund:amount currency:currency"
_KINDS: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "id": (
        "id",
        {"type": "string", "format": "uuid", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"},
    ),
    "ids": ("list of ids", {"type": "array", "items": {"type": "string", "format": "uuid"}}),
    "number": ("number for people", {"type": "string", "pattern": "^[A-Z]+-[0-9]{4}-[0-9]{4,}$"}),
    "code": ("code", {"type": "string", "pattern": "^[A-Za-z0-9_.:/-]*$", "maxLength": 200}),
    "codes": ("list of codes", {"type": "array", "items": {"type": "string", "maxLength": 200}}),
    "amount": ("decimal text", {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}),
    "currency": ("ISO 4217 code", {"type": "string", "pattern": "^[A-Z]{3}$"}),
    "instant": (
        "instant",
        {"type": "string", "format": "date-time", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T"},
    ),
    "day": ("date", {"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}),
    "count": ("whole number", {"type": "integer", "minimum": 0}),
    "yes": ("true or false", {"type": "boolean"}),
    "sha256": ("SHA-256, may be empty", {"type": "string", "pattern": "^([0-9a-f]{64})?$"}),
    "shares": (
        "share per item, null where not assessed",
        {"type": "object", "additionalProperties": {"type": ["string", "null"], "pattern": "^[0-9./]+$"}},
    ),
}
_NULL: Final = {"type": "null"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of an event's `data`."""

    name: str
    kind: str
    always: bool
    """Whether every event of the type carries it."""
    may_be_null: bool

    @property
    def words(self) -> str:
        """The kind, for readers."""
        named = (
            "answer: outcome, reasons, refund, currency" if self.kind == "answer" else _KINDS[self.kind][0]
        )
        return f"{named} or null" if self.may_be_null else named

    @property
    def schema(self) -> Mapping[str, Any]:
        found = _object(_fields(_ANSWER_FIELDS)) if self.kind == "answer" else _KINDS[self.kind][1]
        return {"anyOf": [found, _NULL]} if self.may_be_null else found


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """A type of event: what happened to which kind of subject, and what its `data` says."""

    name: str
    subject: str
    about: str
    fields: tuple[Field, ...]

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema (draft 2020-12) of `data`."""
        return _object(self.fields)


def _object(fields: tuple[Field, ...]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {field.name: field.schema for field in fields},
        "required": [field.name for field in fields if field.always],
        "additionalProperties": False,
    }


def _fields(text: str) -> tuple[Field, ...]:
    """Read `name:kind`; `name?` may be left out, `kind?` may be null."""
    found = []
    for word in text.split():
        name, _, kind = word.partition(":")
        found.append(
            Field(
                name=name.rstrip("?"),
                kind=kind.rstrip("?"),
                always=not name.endswith("?"),
                may_be_null=kind.endswith("?"),
            )
        )
    return tuple(found)


_CONTRACT: Final = "number:number"
_STAGE: Final = "contract:id number:number stage:code"
_AMENDMENT: Final = "number:number amendment:id amendment_number:count"
_PAYMENT: Final = "number:number contract:id stage:id amount:amount currency:currency"
_PAYOUT: Final = "request:id payment:id amount:amount currency:currency"
_REQUEST: Final = "number:number payment:id"
_BREAK: Final = "kind:code payment:id? payout:id?"
_BANK_FILE: Final = "message:code payouts:count total:amount currency:currency sha256:sha256"
_LINE: Final = "statement:id? payment:id? payout:id?"
_RECONCILIATION: Final = "rail:code lines:count differences:count"
_PROVIDER_EVENT: Final = "provider:code event:code type:code"
_ENQUIRY: Final = "contract:id? request:id?"
_ENDPOINT: Final = "api_client:id"
_ROLE: Final = "change:id group:code gives:yes"

_TABLE: Final = (
    ("api_client.created", "api_client", "A system was entered.", "scopes:codes all_clients:yes"),
    ("api_client.let_in", "api_client", "The system may call.", ""),
    ("api_client.secret_renewed", "api_client", "The system has a new secret; the old one ended.", ""),
    ("api_client.switched_off", "api_client", "The system may no longer call.", ""),
    ("user.role_proposed", "user", "A staff group waits for its second person.", _ROLE),
    ("user.role_changed", "user", "A staff group was given or taken.", _ROLE),
    ("user.role_withdrawn", "user", "Such a change was taken back.", _ROLE),
    ("client.created", "client", "A client was entered.", "kind:code imported?:yes"),
    ("client.changed", "client", "Fields of a client were changed.", "fields:codes"),
    ("client.granted", "client", "A system may act for the client.", "api_client:id"),
    ("client.revoked", "client", "A system may no longer act for the client.", "api_client:id"),
    ("member.invited", "client", "A person was invited to the client.", "invitation:id role:code"),
    ("member.invitation_withdrawn", "client", "An open invitation was taken back.", "invitation:id"),
    (
        "member.added",
        "client",
        "A person belongs to the client.",
        "user:id role:code invitation?:id imported?:yes",
    ),
    ("member.changed", "client", "A member has another role.", "user:id role:code"),
    ("member.removed", "client", "A person no longer belongs to the client.", "user:id"),
    ("contract.created", "contract", "A contract was written as a draft.", f"{_CONTRACT} imported:yes"),
    ("contract.revised", "contract", "A draft was written anew.", _CONTRACT),
    (
        "contract.signed",
        "contract",
        "The contract was signed.",
        f"{_CONTRACT} terms_version:count document_sha256:sha256 by_client:yes",
    ),
    ("contract.completed", "contract", "The contract was fulfilled.", _CONTRACT),
    ("contract.terminated", "contract", "The contract was ended early.", _CONTRACT),
    ("amendment.created", "contract", "A change of unpaid stages was drafted.", _AMENDMENT),
    ("amendment.signed", "contract", "The change is agreed.", f"{_AMENDMENT} total_minor:count"),
    ("amendment.withdrawn", "contract", "The change was given up.", _AMENDMENT),
    (
        "terms.published",
        "contract",
        "New refund terms govern payments from now on.",
        f"{_CONTRACT} version:count deviates_from_policy:yes",
    ),
    (
        "document.added",
        "contract",
        "A document was filed.",
        f"{_CONTRACT} document:id kind:code version:count sha256:sha256",
    ),
    ("stage.started", "stage", "Work on the stage began.", _STAGE),
    (
        "stage.delivered",
        "stage",
        "The stage was delivered.",
        f"{_STAGE} delivery:id delivered_at:instant documents:ids",
    ),
    (
        "stage.accepted",
        "stage",
        "The delivery was accepted.",
        f"{_STAGE} delivery:id accepted_at:instant by_client:yes protocol:id?",
    ),
    (
        "stage.objected",
        "stage",
        "The client objected; `items` are the acceptance items named.",
        f"{_STAGE} delivery:id items:codes",
    ),
    (
        "stage.assessed",
        "stage",
        "The delivery was assessed item by item.",
        f"{_STAGE} delivery:id assessment:id values:shares",
    ),
    ("payment.recorded", "payment", "A payment is expected.", f"{_PAYMENT} method:code"),
    ("payment.authorised", "payment", "The provider holds the money ready.", _PAYMENT),
    (
        "payment.captured",
        "payment",
        "The money is there; the refund window runs until `deadline`.",
        f"{_PAYMENT} captured_at:instant deadline:instant terms:id imported:yes",
    ),
    ("payment.failed", "payment", "The payment did not happen.", _PAYMENT),
    ("payment.voided", "payment", "The payment was given up.", _PAYMENT),
    ("payment.disputed", "payment", "The payer disputes it with the bank.", _PAYMENT),
    ("payment.dispute_won", "payment", "The dispute ended for the company.", _PAYMENT),
    (
        "payment.charged_back",
        "payment",
        "The bank took money back; `excess` was returned twice.",
        f"{_PAYMENT} lost:amount excess:amount",
    ),
    ("window.closing", "payment", "The refund window closes soon.", f"{_PAYMENT} deadline:instant"),
    ("usage.recorded", "contract", "So many usage records came in.", f"{_CONTRACT} created:count"),
    (
        "credit.issued",
        "payment",
        "An exchange credit pays another stage; the subject is the credit.",
        f"{_PAYMENT} request:id source_payment:id",
    ),
    (
        "bank_account.added",
        "bank_account",
        "A client named a bank account.",
        "before:id? usable_from:instant",
    ),
    ("bank_account.changed", "bank_account", "It was replaced by another.", "before:id? usable_from:instant"),
    ("payout.submitted", "payout", "A try to send the money began.", f"{_PAYOUT} attempt:count"),
    ("payout.accepted", "payout", "The provider took it.", f"{_PAYOUT} reference?:code step?:id"),
    ("payout.settled", "payout", "The money arrived.", _PAYOUT),
    ("payout.failed", "payout", "It was not sent.", f"{_PAYOUT} code:code step?:id"),
    ("payout.returned", "payout", "The money came back.", f"{_PAYOUT} code:code step?:id fee?:amount"),
    ("payout.unknown", "payout", "Nobody knows yet; it is looked up.", f"{_PAYOUT} code:code"),
    ("payout.deferred", "payout", "The provider asked to wait.", f"{_PAYOUT} until:instant"),
    ("payout.manual", "payout", "People look after it.", f"{_PAYOUT} code:code"),
    ("payout.cancelled", "payout", "It was stopped before it was sent.", _PAYOUT),
    (
        "payout.replaced",
        "payout",
        "A successor was made; the subject is the successor.",
        f"{_PAYOUT} step:id replaces:id",
    ),
    ("payout.step_proposed", "payout", "A step waits for a second person.", f"{_PAYOUT} step:id kind:code"),
    ("payout.step_withdrawn", "payout", "Such a step was taken back.", f"{_PAYOUT} step:id"),
    ("break.found", "break", "Our books and the provider's or the bank's differ.", _BREAK),
    ("break.taken", "break", "Somebody looks after a difference to the provider's book.", _BREAK),
    ("break.resolved", "break", "The difference is explained.", _BREAK),
    ("bank_file.created", "bank_file", "Payouts were gathered into a file for the bank.", _BANK_FILE),
    ("bank_file.exported", "bank_file", "Its bytes were taken out, the same ones every time.", _BANK_FILE),
    ("bank_file.confirmed", "bank_file", "A second person says that it was uploaded.", _BANK_FILE),
    ("bank_file.discard_proposed", "bank_file", "Somebody says that it never reached the bank.", _BANK_FILE),
    ("bank_file.discard_withdrawn", "bank_file", "That was taken back.", _BANK_FILE),
    (
        "bank_file.discarded",
        "bank_file",
        "A second person agrees; its payouts are sent otherwise.",
        _BANK_FILE,
    ),
    (
        "statement.imported",
        "statement",
        "A statement of the bank was imported; what became of its lines.",
        "sha256:sha256 lines:count captured:count settled:count returned:count open:count disputed:count",
    ),
    ("statement_line.matched", "statement_line", "Finance says what a line of a statement is.", _LINE),
    ("statement_line.set_aside", "statement_line", "It is other business of the company.", _LINE),
    ("statement_line.disputed", "statement_line", "It is not ours; a difference is open.", _LINE),
    ("reconciliation.ended", "reconciliation", "Our books were held against a provider's.", _RECONCILIATION),
    (
        "reconciliation.broken_off",
        "reconciliation",
        "A provider's book could not be read to its end.",
        _RECONCILIATION,
    ),
    (
        "provider_event.tried_again",
        "provider_event",
        "Finance lets a provider's message be worked off again.",
        _PROVIDER_EVENT,
    ),
    (
        "provider_event.set_aside",
        "provider_event",
        "Finance says that it needs nothing more.",
        _PROVIDER_EVENT,
    ),
    (
        "refund_request.submitted",
        "refund_request",
        "An application was received, with the answer so far.",
        f"{_REQUEST} received_via:code remedy:code {_ANSWER_FIELDS}",
    ),
    (
        "refund_request.refused",
        "payment",
        "An application was inadmissible; the subject is the payment.",
        f"refusal:id received_via:code {_ANSWER_FIELDS}",
    ),
    ("refund_request.review_started", "refund_request", "The review goes on.", f"{_REQUEST} before:code"),
    (
        "refund_request.information_requested",
        "refund_request",
        "The client was asked something.",
        f"{_REQUEST} message:id due_on:day",
    ),
    (
        "refund_request.information_reminded",
        "refund_request",
        "And reminded of it.",
        f"{_REQUEST} due_on:day",
    ),
    (
        "refund_request.information_received",
        "refund_request",
        "The client answered.",
        f"{_REQUEST} message:id",
    ),
    (
        "refund_request.fact_established",
        "refund_request",
        "A fact was established; the answer before and after.",
        f"{_REQUEST} before:answer after:answer fact:code id?:id ids?:ids"
        " delivery?:id stage?:id holds?:yes excluded?:yes",
    ),
    (
        "refund_request.proposed",
        "refund_request",
        "An answer waits for a second person.",
        f"{_REQUEST} proposal:id {_ANSWER_FIELDS}",
    ),
    (
        "refund_request.sent_back",
        "refund_request",
        "Back in review, by a person or because the answer changed.",
        f"{_REQUEST} because:code message?:id changed?:codes",
    ),
    (
        "refund_request.approved",
        "refund_request",
        "Decided: money comes back.",
        f"{_REQUEST} decision:id remedy:code {_ANSWER_FIELDS}",
    ),
    (
        "refund_request.rejected",
        "refund_request",
        "Decided: none does.",
        f"{_REQUEST} decision:id remedy?:code {_ANSWER_FIELDS}",
    ),
    ("refund_request.withdrawn", "refund_request", "The client withdrew it.", _REQUEST),
    ("refund_request.reopened", "refund_request", "Its payout was stopped.", f"{_REQUEST} because:code"),
    (
        "message.posted",
        "refund_request",
        "A message was written.",
        f"{_REQUEST} message:id by_staff:yes is_internal:yes",
    ),
    (
        "attachment.quarantined",
        "refund_request",
        "The scanner found something in a file: it is kept and not given out.",
        f"{_REQUEST} attachment:id",
    ),
    (
        "attachment.added",
        "refund_request",
        "A file was added.",
        f"{_REQUEST} attachment:id sha256:sha256 is_internal:yes",
    ),
    ("enquiry.asked", "enquiry", "A question was asked.", _ENQUIRY),
    ("enquiry.answered", "enquiry", "It was answered.", _ENQUIRY),
    ("user.created", "user", "A member of staff was entered.", "is_staff:yes"),
    ("user.changed", "user", "Somebody changed a person's account.", "fields:codes is_active:yes"),
    ("webhook_endpoint.created", "webhook_endpoint", "A receiver was added.", f"{_ENDPOINT} types:codes"),
    (
        "webhook_endpoint.changed",
        "webhook_endpoint",
        "It was changed; `moved` means another address.",
        f"{_ENDPOINT} types:codes is_active:yes moved:yes",
    ),
    (
        "webhook_endpoint.switched_off",
        "webhook_endpoint",
        "Nothing is sent any more: `owner` wished it, or the receiver is `gone`.",
        f"{_ENDPOINT} because:code",
    ),
    ("webhook_endpoint.secret_rotated", "webhook_endpoint", "It has a new secret.", _ENDPOINT),
    ("webhook_endpoint.tested", "webhook_endpoint", "A test, sent to this endpoint only.", _ENDPOINT),
)

TYPES: Final[Mapping[str, EventType]] = {
    name: EventType(name=name, subject=subject, about=about, fields=_fields(fields))
    for name, subject, about, fields in _TABLE
}
