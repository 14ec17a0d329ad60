"""What every API class stands on: who calls, when, what they sent, and how it is answered."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.principals import Principal
from refundportal.api.handler import QueryFaults
from refundportal.web.etags import etag_of, require_match
from refundportal.web.pages import PAGE_SIZE, PAGE_SIZE_MAX, Cursor, InvalidCursor, page_of
from refundportal.web.serializers import PublicNumber, StrictSerializer, TextField


class ApiView(APIView):
    """
    One resource: `scopes` by method, input and output in sight, one call in.

    `now` is taken before anything waits; it is the instant at which the call reached the company.
    """

    scopes: ClassVar[Mapping[str, str]] = {}
    http_method_names = ["get", "head", "post", "patch"]
    metadata_class = None
    now: datetime

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.now = timezone.now()
        super().initial(request, *args, **kwargs)

    @property
    def principal(self) -> Principal:
        """The caller; views whose scopes are public have none."""
        caller: Any = self.request.user
        principal: Principal = caller
        return principal

    def body(self, form: type[StrictSerializer], **options: Any) -> dict[str, Any]:
        """
        Read the body by a strict form.

        :raises ValidationError: every fault at once
        """
        given = form(data=self.request.data, **options)
        given.is_valid(raise_exception=True)
        values: dict[str, Any] = given.validated_data
        return values

    def query(self, form: type[StrictSerializer]) -> dict[str, Any]:
        """
        Read the query of the address by a strict form; a parameter given twice counts by its last value.

        :raises QueryFaults: every fault at once, unknown parameters too
        """
        given = form(data=self.request.query_params.dict())
        if not given.is_valid():
            raise QueryFaults(given.errors)
        values: dict[str, Any] = given.validated_data
        return values

    def address(self, **changes: Any) -> str:
        """Give the full address of this page with some parameters changed."""
        parameters = {
            **self.request.query_params.dict(),
            **{name: str(value) for name, value in changes.items()},
        }
        return self.request.build_absolute_uri(f"{self.request.path}?{urlencode(sorted(parameters.items()))}")

    def match(self, show: Callable[[], Any]) -> None:
        """
        Hold the header `If-Match`, if there is one, against what is shown now.

        :raises PreconditionFailed: the caller has seen something else
        """
        if_match = self.request.headers.get("If-Match")
        if if_match is not None:
            require_match(if_match, etag_of(show()))

    def unchanged(self, body: type[serializers.BaseSerializer[Any]]) -> Callable[[Any], None]:
        """Give the same test for a service to run on the row it has locked: of two changes one passes."""
        return lambda row: self.match(lambda: body(row).data)


def shown(data: Any, status: int = 200) -> Response:
    """Answer with a resource and its version."""
    return Response(data, status=status, headers={"ETag": etag_of(data)})


def many_shown(body: type[serializers.BaseSerializer[Any]], rows: Iterable[Any]) -> list[Any]:
    """Show rows, each by the same body."""
    made: Any = body(rows, many=True)  # type: ignore[arg-type]
    return list(made.data)


def created(data: Any, name: str, key: Any) -> Response:
    """Answer with a new resource and where it stands from now on."""
    answer = shown(data, status=201)
    answer.headers["Location"] = reverse(name, args=[key])
    return answer


class CursorField(TextField):
    """A cursor as a page has given it."""

    def to_internal_value(self, data: Any) -> Any:
        try:
            return Cursor.parse(super().to_internal_value(data))
        except InvalidCursor as error:
            raise ValidationError(str(error.detail), code=error.code) from None


class PageQuery(StrictSerializer):
    """Where in a list to go on, and how many rows at once."""

    cursor = CursorField(required=False, max_length=40, help_text="From `next` or `previous` of a page.")
    page_size = serializers.IntegerField(
        required=False, min_value=1, max_value=PAGE_SIZE_MAX, default=PAGE_SIZE
    )


class ListView(ApiView):
    """A resource with a list, newest first."""

    lists = True

    def page(
        self, rows: QuerySet[Any], query: Mapping[str, Any], body: type[serializers.BaseSerializer[Any]]
    ) -> Response:
        """Answer one page; `rows` are filtered already."""
        page = page_of(rows, cursor=query.get("cursor"), size=query["page_size"])
        return Response(
            {
                "next": self.address(cursor=page.next.text) if page.next else None,
                "previous": self.address(cursor=page.previous.text) if page.previous else None,
                "results": many_shown(body, page.rows),
            }
        )


def only(rows: QuerySet[Any], query: Mapping[str, Any], **names: str) -> QuerySet[Any]:
    """Keep the rows that the query names: `names` maps parameters to look-ups."""
    return rows.filter(
        **{_look_up(look_up, query[name]): query[name] for name, look_up in names.items() if name in query}
    )


def _look_up(look_up: str, value: Any) -> str:
    return f"{look_up.removesuffix('_id')}__number" if isinstance(value, PublicNumber) else look_up
