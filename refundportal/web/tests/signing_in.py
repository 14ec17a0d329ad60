"""Visitors who have just shown who they are."""

import time
from typing import TypeVar

from django.test import Client

from accounts.models import User

Visitor = TypeVar("Visitor", bound=Client)


def signed_in_just_now(
    visitor: Visitor, user: User, *, how: str = "code", at: float | None = None
) -> Visitor:
    """As sign-in leaves it: the session knows when and how."""
    session = visitor.session
    record = {"method": how, "at": time.time() if at is None else at, "reauthenticated": how == "password"}
    session["account_authentication_methods"] = [record]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return visitor
