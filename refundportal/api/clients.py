"""Clients: the parties of contracts."""

from typing import Any
from uuid import UUID

from django.conf import settings
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.scopes import CONTRACTS_READ, CONTRACTS_WRITE
from contracts.models import Client, ClientKind
from contracts.selectors import client_of, clients_of
from contracts.services import create_client, update_client
from refundportal.api.schema import documented
from refundportal.api.views import ApiView, ListView, PageQuery, created, only, shown
from refundportal.web.serializers import InstantField, StrictSerializer, TextField

_LANGUAGES = [code for code, _ in settings.LANGUAGES]


class ClientBody(serializers.Serializer[Client]):
    """A business or a consumer that buys software."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(ClientKind.values)
    name = serializers.CharField()
    email = serializers.CharField()
    language = serializers.CharField()
    address = serializers.CharField()
    created_at = InstantField()


class NewClient(StrictSerializer):
    """A client to be entered."""

    kind = serializers.ChoiceField(ClientKind.values)
    name = TextField(max_length=200)
    email = TextField(max_length=254)
    language = serializers.ChoiceField(_LANGUAGES, required=False)
    address = TextField(max_length=500, required=False, allow_blank=True)


class ClientChanges(StrictSerializer):
    """What may change of a client; what is left out stays."""

    name = TextField(max_length=200, required=False)
    email = TextField(max_length=254, required=False)
    language = serializers.ChoiceField(_LANGUAGES, required=False)
    address = TextField(max_length=500, required=False, allow_blank=True)


class ClientQuery(PageQuery):
    kind = serializers.ChoiceField(ClientKind.values, required=False)
    email = TextField(required=False, max_length=254)


class ClientsView(ListView):
    """The clients this caller acts for."""

    scopes = {"GET": CONTRACTS_READ, "POST": CONTRACTS_WRITE}

    @documented(query=ClientQuery, page_of=ClientBody, summary="List clients")
    def get(self, request: Request) -> Response:
        query = self.query(ClientQuery)
        rows = only(clients_of(self.principal), query, kind="kind", email="email__iexact")
        return self.page(rows, query, ClientBody)

    @documented(body=NewClient, answer=ClientBody, status=201, summary="Enter a client")
    def post(self, request: Request) -> Response:
        client = create_client(principal=self.principal, **self.body(NewClient), now=self.now)
        return created(ClientBody(client).data, "api-client", client.pk)


class ClientView(ApiView):
    """One client."""

    scopes = {"GET": CONTRACTS_READ, "PATCH": CONTRACTS_WRITE}

    @documented(answer=ClientBody, summary="Read a client")
    def get(self, request: Request, client_id: UUID) -> Response:
        return shown(self._show(client_id))

    @documented(body=ClientChanges, answer=ClientBody, summary="Change a client")
    def patch(self, request: Request, client_id: UUID) -> Response:
        changes = self.body(ClientChanges)
        client = update_client(
            principal=self.principal,
            client_id=client_id,
            now=self.now,
            check=self.unchanged(ClientBody),
            **changes,
        )
        return shown(ClientBody(client).data)

    def _show(self, client_id: UUID) -> dict[str, Any]:
        return ClientBody(client_of(self.principal, client_id)).data
