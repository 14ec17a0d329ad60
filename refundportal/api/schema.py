"""What the API says of itself: the OpenAPI document, made from the same classes that answer."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers

from accounts.scopes import SCOPES
from refundportal.web.problems import CONTENT_TYPE
from refundportal.web.serializers import many

Handler = TypeVar("Handler", bound=Callable[..., Any])
TOKEN_URL: Final = "/identity/o/api/token"  # noqa: S105 - an address

_ANY: Final = {429: "Too many calls; `Retry-After` says when.", 503: "Busy; try again after `Retry-After`."}
_WITH_TOKEN: Final = {401: "No token, or one that is not valid (any more).", 403: "Not allowed."}
_WITH_BODY: Final = {
    400: "Malformed input, with every fault.",
    413: "The body is too large.",
    415: "Another content type than the documented one.",
}
_WITH_OBJECT: Final = {404: "There is no such object for this caller."}
_WRITING: Final = {409: "In conflict with the present state.", 422: "Refused by a rule."}


class FaultBody(serializers.Serializer[Any]):
    """One fault of an input: where, what, and a stable code."""

    pointer = serializers.CharField(required=False, help_text="JSON pointer into the body (RFC 6901).")
    parameter = serializers.CharField(required=False, help_text="Parameter of the address.")
    detail = serializers.CharField()
    code = serializers.CharField()


class ProblemBody(serializers.Serializer[Any]):
    """A refusal (RFC 9457). Further members may follow; `code` is stable."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    errors = many(FaultBody, required=False)  # type: ignore[assignment]


def documented(
    *,
    answer: Any = None,
    status: int = 200,
    body: Any = None,
    query: type[serializers.Serializer[Any]] | None = None,
    page_of: type[serializers.Serializer[Any]] | None = None,
    media_type: str = "application/json",
    summary: str = "",
) -> Callable[[Handler], Handler]:
    """
    Describe an operation: its body, its query and its good answer.

    Refusals, rights and the header Idempotency-Key follow from the view itself.
    """
    shown = _page(page_of) if page_of else answer
    responses = {(status, "application/json"): shown} if shown is not None else {status: OpenApiResponse()}
    decorate: Callable[[Handler], Handler] = extend_schema(
        request={media_type: body} if body is not None else None,
        parameters=[query] if query else None,
        responses=responses,
        summary=summary or None,
    )
    return decorate


def _page(row: type[serializers.Serializer[Any]]) -> Any:
    address: dict[str, Any] = {"allow_null": True, "help_text": "Address of the page there, if there is one."}
    return inline_serializer(
        name=row.__name__.removesuffix("Body") + "Page",
        fields={
            "next": serializers.CharField(**address),
            "previous": serializers.CharField(**address),
            "results": row(many=True),
        },
    )


class ApiSchema(AutoSchema):  # type: ignore[misc]
    """Derives from a view what is the same everywhere."""

    def get_operation_id(self) -> str:
        tokens = "_".join(token.replace("-", "_").replace(".", "_") for token in self._tokenize_path())
        is_list = bool(getattr(self.view, "lists", False))
        verbs = {
            "GET": "list" if is_list else "read",
            "POST": "create" if is_list else "",
            "PATCH": "update",
            "DELETE": "delete",
        }
        return f"{tokens}_{verbs[self.method]}".strip("_")

    def get_override_parameters(self) -> list[Any]:
        parameters = super().get_override_parameters()
        handler = getattr(self.view, self.method.lower())
        if getattr(handler, "idempotent", False):
            parameters.append(
                OpenApiParameter(
                    "Idempotency-Key",
                    OpenApiTypes.STR,
                    OpenApiParameter.HEADER,
                    required=True,
                    description="1 to 255 visible characters; the same call again gets the same answer.",
                )
            )
        return parameters

    def get_auth(self) -> list[dict[str, list[str]]]:
        scope = getattr(self.view, "scopes", {}).get(self.method)
        return [{"oauth2": [scope]}] if scope else [{}]

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        schema = self.resolve_serializer(ProblemBody, "response").ref
        for status, description in self._refusals().items():
            bodies.setdefault(
                str(status), {"description": description, "content": {CONTENT_TYPE: {"schema": schema}}}
            )
        return dict(sorted(bodies.items()))

    def _refusals(self) -> Mapping[int, str]:
        refusals = dict(_ANY)
        if getattr(self.view, "scopes", {}).get(self.method):
            refusals |= _WITH_TOKEN
        if "{" in self.path:
            refusals |= _WITH_OBJECT
        if self.method == "GET":
            return refusals | {400: _WITH_BODY[400]}
        return refusals | _WITH_BODY | _WRITING | _WITH_OBJECT | {412: "`If-Match` names another version."}


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[misc]
    """OAuth 2 client credentials."""

    target_class = "refundportal.api.access.BearerAuthentication"
    name = "oauth2"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        flow = {"tokenUrl": TOKEN_URL, "scopes": dict(SCOPES)}
        return {"type": "oauth2", "flows": {"clientCredentials": flow}}


class AmountScheme(OpenApiSerializerFieldExtension):  # type: ignore[misc]
    """An amount in writing."""

    target_class = "refundportal.web.serializers.AmountField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        return {
            "type": "object",
            "description": "A decimal text with at most (in) or exactly (out) the currency's decimals.",
            "properties": {
                "amount": {
                    "type": "string",
                    "pattern": r"^-?[0-9]{1,18}(\.[0-9]{1,18})?$",
                    "examples": ["1234.50"],
                },
                "currency": {"type": "string", "pattern": "^[A-Z]{3}$", "examples": ["EUR"]},
            },
            "required": ["amount", "currency"],
            "additionalProperties": False,
        }


class InstantScheme(OpenApiSerializerFieldExtension):  # type: ignore[misc]
    """An instant in writing."""

    target_class = "refundportal.web.serializers.InstantField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}


class ScaledScheme(OpenApiSerializerFieldExtension):  # type: ignore[misc]
    """An exact decimal number."""

    target_class = "refundportal.api.contract_bodies.ScaledField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        return {"type": "string", "description": "A decimal text."}
