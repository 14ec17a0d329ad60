"""A desk at the staff door: somebody signs in, opens pages and sends forms."""

import re
from html import unescape
from typing import Any

from django.db import connection
from django.db.models import Model
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from events.models import Event
from refundportal.web.tests.signing_in import signed_in_just_now


class Desk(Client):
    """A staff person who is signed in."""

    def __init__(self, user: User, **options: Any) -> None:
        super().__init__(**options)
        self.force_login(user)
        signed_in_just_now(self, user)

    def open(self, row: Model) -> HttpResponse:
        """Open the page of a record."""
        return self.get(page_of(row))

    def look(self, row: Model, act: str, query: str = "") -> HttpResponse:
        """Open the page of an act."""
        return self.get(act_of(row, act) + query)

    def do(self, row: Model, act: str, *, query: str = "", **typed: Any) -> HttpResponse:
        """Send the form of an act as the button for good does."""
        return self.post(act_of(row, act) + query, {"confirmed": "1", **typed})


def page_of(row: Model) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def act_of(row: Model, name: str) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_act", args=[row.pk, name])


def list_of(name: str) -> str:
    return reverse(f"admin:{name}_changelist")


def hidden(response: HttpResponse, name: str) -> str:
    """The value of a hidden field on a page."""
    found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)"', response.content.decode())
    assert found is not None, f"no hidden field {name}"
    return found.group(1)


def words(response: HttpResponse) -> str:
    """What a page says, without its markup."""
    body = re.sub(r"(?s)<(script|style|svg)\b.*?</\1>", "", response.content.decode())
    text = re.sub(r"<[^>]+>", " ", body)
    return re.sub(r" (?=[.,:;])", "", re.sub(r"\s+", " ", unescape(text).replace("\xa0", " "))).strip()


def count_events(kind: str = "") -> int:
    return Event.objects.filter(type__startswith=kind).count()


def queries_of(desk: Desk, address: str) -> int:
    """How many queries a page asks, once the desk is warm."""
    with CaptureQueriesContext(connection) as queries:
        assert desk.get(address).status_code == 200
    return len(queries)
