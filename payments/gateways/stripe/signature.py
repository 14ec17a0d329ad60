"""
The signature of an inbound webhook: HMAC-SHA256 over `timestamp.body`, header `Stripe-Signature: t=..,v1=..`.

Source: https://docs.stripe.com/webhooks#verify-manually. The SDK's own check reads the clock itself, takes
timestamps of any future, and fails on bytes that are no text; this one takes the raw body, `now`, and every
secret that is good at the moment.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

TOLERANCE_S: Final = 300
HEADER_MAX: Final = 2000


class BadSignature(Exception):
    """Nobody who knows a signing secret sent this body just now."""


def check_signature(body: bytes, header: str, *, secrets: Sequence[str], now: datetime) -> None:
    """
    Check that a body was signed with one of the secrets at most five minutes ago.

    :raises BadSignature: no header, another body, another secret, or too old (or too far ahead)
    """
    parts = [part.strip().partition("=") for part in header[:HEADER_MAX].split(",")]
    stamps = [value for name, _, value in parts if name == "t"]
    signatures = [value.encode() for name, _, value in parts if name == "v1"]
    if len(stamps) != 1 or not re.fullmatch(r"[0-9]{1,12}", stamps[0]) or not signatures:
        raise BadSignature("no signature")
    if not _is_known(body, stamps[0], signatures, secrets):
        raise BadSignature("another signature")
    if abs(int(now.timestamp()) - int(stamps[0])) > TOLERANCE_S:
        raise BadSignature("too old")


def _is_known(body: bytes, stamp: str, signatures: list[bytes], secrets: Sequence[str]) -> bool:
    """Compare every signature with every secret's, in constant time."""
    known = False
    for secret in secrets:
        right = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest().encode()
        for signature in signatures:
            known |= hmac.compare_digest(right, signature)
    return known
