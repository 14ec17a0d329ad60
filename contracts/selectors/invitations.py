"""Invitations, found by their secret."""

import hashlib
from datetime import datetime

from contracts.models import Invitation
from kernel.errors import NotFoundOrHidden


def token_digest(token: str) -> str:
    """Give what is stored of an invitation's secret: its SHA-256 in hexadecimal digits."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def usable_invitation(token: str, now: datetime) -> Invitation:
    """
    Find the invitation of a secret, if it can still be used.

    :raises NotFoundOrHidden: unknown, used, or older than seven days - which of them is not told
    """
    rows = Invitation.objects.select_related("client")
    found = rows.filter(token_sha256=token_digest(token), used_at=None, expires_at__gt=now).first()
    if found is None:
        raise NotFoundOrHidden("This invitation does not exist, has been used, or has run out.")
    return found
