"""Running the fake: as a thread of a test, which then holds its book."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.conf import settings
from stripe import WebhookSignature

from tests.fake_stripe.book import Book, Thing
from tests.fake_stripe.door import API_KEY, Server

SECRET = "whsec_0123456789abcdef0123456789abcdef"


@contextmanager
def fake_stripe(clock: datetime, settings: Any = settings) -> Iterator[Book]:
    """Run a fake in a thread and turn the rail `stripe` of this process to it."""
    book = Book()
    book.clock = clock
    server = Server(book)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    turn_to(server.origin, settings)
    try:
        yield book
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def turn_to(origin: str, settings: Any = settings) -> None:
    """Let the rail of this process speak to a fake."""
    settings.PAYOUT_RAILS = ["stripe", "manual"]
    settings.STRIPE_API_KEY = API_KEY
    settings.STRIPE_WEBHOOK_SECRETS = (SECRET,)
    settings.STRIPE_LIVEMODE = False
    settings.STRIPE_API_BASE = origin


def signed(event: Thing, at: datetime, secret: str = SECRET) -> tuple[bytes, dict[str, Any]]:
    """Give the body of an event's webhook and the headers with its signature (made by the official SDK)."""
    body = json.dumps(event)
    header = WebhookSignature.generate_signature_header(body, secret, int(at.timestamp()))
    return body.encode(), {"Stripe-Signature": header}
