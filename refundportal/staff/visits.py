"""Who stands at the staff door, since when, and what the groups let them see."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import prefetch_related_objects
from django.http import HttpRequest
from django.utils import timezone

from accounts.groups import GROUP_NAMES, is_finance
from accounts.models import User
from accounts.principals import Principal
from accounts.rights import may_review
from payments import books

_KEPT: Final = "staff_visit"


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of one staff person; `now` was taken before anything waited."""

    principal: Principal
    now: datetime

    @property
    def user(self) -> User:
        assert self.principal.user is not None, "only people come to this door"
        return self.principal.user

    @property
    def may_review(self) -> bool:
        return may_review(self.principal)

    @property
    def is_finance(self) -> bool:
        return is_finance(self.user)


def visit_of(request: HttpRequest) -> Visit:
    """Give the visit of a request by somebody who is signed in; the groups are read once per request."""
    kept: Visit | None = getattr(request, _KEPT, None)
    if kept is None:
        user: Any = request.user
        prefetch_related_objects([user], "groups")
        kept = Visit(Principal(user=user), timezone.now())
        setattr(request, _KEPT, kept)
    return kept


def may_read(request: HttpRequest) -> bool:
    """Whether this person sees cases and money: active staff in one of the groups, a superuser by none."""
    user: Any = request.user
    if not (user.is_authenticated and user.is_active and user.is_staff):
        return False
    visit_of(request)
    return any(group.name in GROUP_NAMES for group in user.groups.all())


def may_read_books(request: HttpRequest) -> bool:
    """Whether this person sees the accounts in sum and takes them along: Finance and Auditors."""
    return may_read(request) and books.may_read_books(visit_of(request).principal)


def may_read_people(request: HttpRequest) -> bool:
    """Whether this person sees who may sign in: the groups, and superusers, who look after accounts."""
    user: Any = request.user
    return may_read(request) or (user.is_active and user.is_staff and user.is_superuser)


Permission = Callable[[HttpRequest], bool]
