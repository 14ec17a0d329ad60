"""The journal as a feed."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.scopes import EVENTS_READ
from contracts.selectors import clients_of
from events.models import Event
from events.selectors import events_after
from refundportal.api.schema import documented
from refundportal.api.views import ApiView, many_shown
from refundportal.web.pages import PAGE_SIZE, PAGE_SIZE_MAX
from refundportal.web.serializers import IdField, InstantField, StrictSerializer


class EventBody(serializers.Serializer[Event]):
    """One thing that happened: ids and codes, never prose or personal data."""

    position = serializers.IntegerField(source="position.number")
    id = serializers.UUIDField()
    type = serializers.CharField()
    subject_type = serializers.CharField()
    subject = serializers.UUIDField(source="subject_id")
    client = serializers.UUIDField(source="client_id", allow_null=True)
    actor_kind = serializers.CharField()
    actor = serializers.UUIDField(source="actor_id", allow_null=True)
    at = InstantField()
    data = serializers.DictField()  # type: ignore[assignment]


class EventQuery(StrictSerializer):
    after = serializers.IntegerField(
        required=False,
        default=0,
        min_value=0,
        max_value=2**63 - 1,
        help_text="The last position you have read.",
    )
    types = serializers.RegexField(
        r"^[a-z_.,]*$", required=False, max_length=1000, help_text="Names of events, parted by commas."
    )
    client = IdField(required=False)
    page_size = serializers.IntegerField(
        required=False, min_value=1, max_value=PAGE_SIZE_MAX, default=PAGE_SIZE
    )


class EventsView(ApiView):
    """What happened, oldest first; whoever goes on after the last position misses nothing."""

    scopes = {"GET": EVENTS_READ}
    lists = True

    @documented(query=EventQuery, page_of=EventBody, summary="Read the journal from a position on")
    def get(self, request: Request) -> Response:
        query = self.query(EventQuery)
        size: int = query["page_size"]
        found = events_after(
            position=query["after"],
            types=query["types"].split(",") if "types" in query else None,
            client_ids=self._clients(query),
            limit=size + 1,
        )
        rows: list[Any] = many_shown(EventBody, found[:size])
        following = self.address(after=rows[-1]["position"]) if len(found) > size else None
        return Response({"next": following, "previous": None, "results": rows})

    def _clients(self, query: dict[str, Any]) -> Any:
        """None for a caller who sees every client and asks for all of them; else a query of ids."""
        api_client = self.principal.api_client
        if api_client is not None and api_client.all_clients and "client" not in query:
            return None
        clients = clients_of(self.principal)
        return (clients.filter(pk=query["client"]) if "client" in query else clients).values("pk")
