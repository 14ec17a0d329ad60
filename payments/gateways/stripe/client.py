"""
The way to Stripe: the official SDK, with a pinned version of the API, over a connection with an end.

The SDK repeats nothing by itself: whether to send again is decided by the row of the payout. Its own
connection would follow redirects, wait without an end for an answer that trickles, and share sockets between
forked processes; this one does none of that.
"""

import ssl
import time
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, NoReturn

import httpx
import stripe
from django.conf import settings

from payments.crashes import crash_point

API_VERSION: Final = "2026-10-28.endive"
"""What was read while this adapter was written; another one is a change of the adapter."""

PAGE: Final = 100
ANSWER_MAX: Final = 8 * 1024 * 1024
"""In bytes: a page of a hundred objects is far smaller."""


class EndingConnection(stripe.HTTPClient):
    """One connection a call; a call ends within `connect_ms` + `whole_ms` + `silence_ms` milliseconds."""

    name = "httpx"

    def __init__(self, *, connect_ms: int = 5_000, silence_ms: int = 20_000, whole_ms: int = 30_000) -> None:
        super().__init__()
        self.silence_ms, self.whole_ms = silence_ms, whole_ms
        self._timeout = httpx.Timeout(silence_ms / 1000, connect=connect_ms / 1000)

    def request(  # type: ignore[override] # bytes, as the SDK's own give
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **_: Any
    ) -> tuple[bytes, int, httpx.Headers]:
        """
        Make one call and read its answer whole.

        :raises stripe.APIConnectionError: it did not come, not whole, too late or too large
        """
        ends = time.monotonic() + self.whole_ms / 1000
        try:
            with (
                httpx.Client(verify=_trusted(), timeout=self._timeout, follow_redirects=False) as client,
                client.stream(
                    method, url, headers=headers, content=post_data, extensions={"trace": _trace(method)}
                ) as answer,
            ):
                read = bytearray()
                for part in answer.iter_bytes():
                    read += part
                    if len(read) > ANSWER_MAX or time.monotonic() > ends:
                        _lost("the answer did not end")
                return bytes(read), answer.status_code, answer.headers
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            _lost(type(error).__name__)

    def close(self) -> None:
        """Nothing stays open."""


def _lost(why: str) -> NoReturn:
    raise stripe.APIConnectionError(why, should_retry=False) from None  # type: ignore[no-untyped-call]


def _trace(method: str) -> Any:
    """Let a process that was told to die do so with its order on the wire."""

    def happened(name: str, _info: Any) -> None:
        if method == "post" and name == "http11.send_request_body.complete":
            crash_point("on_the_wire")

    return happened


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates by which Stripe is recognised; loaded once."""
    return httpx.create_ssl_context()


def stripe_client(connection: EndingConnection) -> stripe.StripeClient:
    """Give the SDK for the account of the settings."""
    return stripe.StripeClient(
        settings.STRIPE_API_KEY,
        stripe_version=API_VERSION,
        base_addresses={"api": settings.STRIPE_API_BASE},
        max_network_retries=0,
        http_client=connection,
    )
