"""What the API says of itself: the OpenAPI document, made from the same classes that answer."""

from collections.abc import Callable
from inspect import unwrap
from typing import Any, Final, Literal, TypeVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers

from refundportal.api.document import refusal, security
from refundportal.web.serializers import many

Handler = TypeVar("Handler", bound=Callable[..., Any])

_ALWAYS: Final = (429, 503)
_WITH_TOKEN: Final = (401, 403)
_WITH_BODY: Final = (400, 413, 415)
_WRITING: Final = (404, 409, 422)


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
    refusals: tuple[int, ...] = (),
    summary: str = "",
) -> Callable[[Handler], Handler]:
    """
    Describe an operation: its body, its query and its good answer.

    Rights, headers and the usual refusals follow from the view itself; `refusals` are further statuses.
    """
    shown = _page(page_of) if page_of else answer
    responses = {(status, "application/json"): shown} if shown is not None else {status: OpenApiResponse()}
    decorate: Callable[[Handler], Handler] = extend_schema(
        request={media_type: body} if body is not None else None,
        parameters=[query] if query else None,
        responses=responses,
        summary=summary or None,
    )

    def mark(handler: Handler) -> Handler:
        described = decorate(handler)
        described.refusals = refusals  # type: ignore[attr-defined]
        return described

    return mark


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
        if getattr(self._handler, "idempotent", False):
            parameters.append(
                OpenApiParameter(
                    "Idempotency-Key",
                    {"type": "string", "pattern": "^[!-~]{1,255}$"},
                    OpenApiParameter.HEADER,
                    required=True,
                    description="1 to 255 visible characters; the same call again gets the same answer.",
                )
            )
        if self._holds_versions:
            parameters.append(
                OpenApiParameter(
                    "If-Match",
                    {"type": "string", "pattern": '^(\\*|"[!#-~]{1,64}")$'},
                    OpenApiParameter.HEADER,
                    description="The `ETag` of what you have seen: nothing is done if it has changed.",
                )
            )
        return parameters

    def get_auth(self) -> list[dict[str, list[str]]]:
        scope = getattr(self.view, "scopes", {}).get(self.method)
        return [{"oauth2": [scope]}] if scope else [{}]

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        self.resolve_serializer(ProblemBody, "response")  # so that it stands in the document
        for status in self._refusals():
            bodies.setdefault(str(status), refusal(status))
        return dict(sorted(bodies.items()))

    def _refusals(self) -> set[int]:
        refusals = {400, *_ALWAYS, *getattr(self._handler, "refusals", ())}
        if getattr(self.view, "scopes", {}).get(self.method):
            refusals.update(_WITH_TOKEN)
        if "{" in self.path:
            refusals.add(404)
        if self.method != "GET":
            refusals.update(_WITH_BODY, _WRITING, {412} if self._holds_versions else ())
        return refusals

    @property
    def _handler(self) -> Any:
        return getattr(self.view, self.method.lower())

    @property
    def _holds_versions(self) -> bool:
        """Whether the operation holds `If-Match` against what is there: its own code says so."""
        return bool({"match", "unchanged", "step"}.intersection(unwrap(self._handler).__code__.co_names))


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[misc]
    """OAuth 2 client credentials."""

    target_class = "refundportal.api.access.BearerAuthentication"
    name = "oauth2"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return security()


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


class LocalInstantScheme(OpenApiSerializerFieldExtension):  # type: ignore[misc]
    """An instant in its own zone."""

    target_class = "refundportal.web.serializers.LocalInstantField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        return {"type": "string", "format": "date-time", "description": "With the offset of `time_zone`."}


class ReferenceScheme(OpenApiSerializerFieldExtension):  # type: ignore[misc]
    """An id or a number for people."""

    target_class = "refundportal.web.serializers.ReferenceField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        number = rf"^{self.target.prefix}-[0-9]{{4}}-[0-9]{{1,12}}$"
        return {
            "description": f"An id, or a number such as {self.target.prefix}-2026-0007.",
            "anyOf": [{"type": "string", "format": "uuid"}, {"type": "string", "pattern": number}],
        }
