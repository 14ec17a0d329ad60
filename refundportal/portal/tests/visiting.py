"""A visitor's browser without a browser: signed in, reading pages as people read them."""

import re
from html import unescape
from typing import Any

from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from refunds.models import ApplicationDraft, RefundRequest
from refunds.tests.scene import Scene


class Visitor(Client):
    """A signed-in person."""

    def __init__(self, user: User) -> None:
        super().__init__()
        self.force_login(user)

    def fill_in(self, address: str, typed: dict[str, Any], **options: Any) -> HttpResponse:
        """Open a page, fill its form in and send it."""
        page = self.get(address).content.decode()
        found = re.search(r'<input type="hidden" name="token" value="([^"]*)"', page)
        return self.post(address, {"token": found[1] if found else "", **typed}, **options)

    def apply(self, scene: Scene, **typed: Any) -> HttpResponse:
        """Send the first step; anything typed can be replaced."""
        given = {
            "reason": "defects",
            "statement": "Orders get lost.",
            "extent": "all",
            "remedy": "refund",
            "go": "on",
        }
        return self.post(f"/payments/{scene.payment.number}/apply/", given | typed)

    def confirm(self, scene: Scene, *, form: dict[str, str] | None = None) -> HttpResponse:
        """Press the last button; with `form` as it was shown before, else as it is shown now."""
        fields = form or self.confirmation(scene)
        return self.post(f"/payments/{scene.payment.number}/apply/confirm/", fields)

    def confirmation(self, scene: Scene) -> dict[str, str]:
        """The hidden fields of the last step."""
        page = self.get(f"/payments/{scene.payment.number}/apply/confirm/").content.decode()
        return dict(re.findall(r'<input type="hidden" name="(token|fingerprint)" value="([^"]*)"', page))


def words(response: HttpResponse) -> str:
    """What a page says, without its markup."""
    body = re.sub(r"(?s)<(script|style|svg)\b.*?</\1>", "", response.content.decode())
    main = re.search(r"(?s)<main\b.*?</main>", body)
    text = re.sub(r"<[^>]+>", " ", main[0] if main else body)
    return re.sub(r" (?=[.,:;])", "", re.sub(r"\s+", " ", unescape(text))).strip()


def all_requests() -> list[RefundRequest]:
    return list(RefundRequest.objects.order_by("number"))


def all_drafts() -> list[ApplicationDraft]:
    return list(ApplicationDraft.objects.all())


def queries_of(visitor: Visitor, address: str) -> int:
    """How many queries a page asks."""
    with CaptureQueriesContext(connection) as queries:
        assert visitor.get(address).status_code == 200
    return len(queries)
