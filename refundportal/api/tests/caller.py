"""Other systems that call, with their tokens."""

import json
from datetime import timedelta
from itertools import count
from uuid import uuid4

from allauth.idp.oidc.models import Token
from django.test import Client
from django.utils import timezone

from accounts.models import ApiClient
from accounts.services import create_api_client
from contracts.models import ClientGrant
from refundportal.api.tests.document import check_answer

_keys = count()


def api_client(*scopes, all_clients=False, staff_user=None, clients=()):
    """An API client with these scopes, granted these clients."""
    made, _ = create_api_client(name="erp", scopes=scopes, all_clients=all_clients, staff_user=staff_user)
    for client in clients:
        ClientGrant.objects.create(api_client=made, client=client, created_at=timezone.now())
    return made


def token_for(made: ApiClient, *scopes, lasts=timedelta(hours=1)):
    """A live token, as the token endpoint would give it."""
    value = uuid4().hex
    token = Token(type=Token.Type.ACCESS_TOKEN, client=made.oauth_client, expires_at=timezone.now() + lasts)
    token.set_scopes(list(scopes) or made.oauth_client.get_scopes())
    token.set_value(value)
    token.save()
    return value


def bearer(*scopes, **options):
    """The header of a new API client with these scopes."""
    return {"Authorization": f"Bearer {token_for(api_client(*scopes, **options))}"}


class Caller:
    """One API client, calling. Every answer is held against the OpenAPI document."""

    def __init__(self, *scopes, **options):
        self.api_client = api_client(*scopes, **options)
        self.headers = {"Authorization": f"Bearer {token_for(self.api_client)}"}
        self._http = Client()

    def get(self, path, query=None, **headers):
        return self._checked(
            "GET", path, self._http.get(f"/api/v1/{path}", query or {}, headers=self.headers | headers)
        )

    def post(self, path, body=None, *, key=None, raw=None, **headers):
        """Post JSON (or `raw`, whatever it is) under a new key, unless one is named."""
        headers = {"Idempotency-Key": key or f"key-{next(_keys)}"} | headers
        return self._send(
            "POST", path, json.dumps({} if body is None else body) if raw is None else raw, headers
        )

    def patch(self, path, body, **headers):
        return self._send("PATCH", path, json.dumps(body), headers)

    def delete(self, path, **headers):
        return self._send("DELETE", path, "{}", headers)

    def upload(self, path, fields, *, key=None):
        """Post a form with files."""
        headers = {"Idempotency-Key": key or f"key-{next(_keys)}"}
        answer = self._http.post(f"/api/v1/{path}", fields, headers=self.headers | headers)
        return self._checked("POST", path, answer)

    def _send(self, method, path, body, headers):
        answer = self._http.generic(
            method,
            f"/api/v1/{path}",
            body,
            content_type="application/json",
            headers=self.headers | headers,
        )
        return self._checked(method, path, answer)

    def _checked(self, method, path, answer):
        check_answer(method, f"/api/v1/{path.partition('?')[0]}", answer)
        return answer
