"""The portal's own doorstep: who visits, since when, and what the visitor asks for by its number."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from django.contrib.auth.decorators import login_required
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.principals import Principal
from contracts.models import Client, Role
from contracts.selectors import clients_of, role_of
from kernel.errors import NotFoundOrHidden, NotPermitted
from refundportal.web.pages import InvalidCursor

P = ParamSpec("P")
M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of one person; `now` was taken before anything waited."""

    principal: Principal
    now: datetime

    def own_clients(self, *roles: Role) -> QuerySet[Client]:
        """Give the clients that this person is a member of, in one of `roles` if any are named."""
        own = {"memberships__user": self.principal.user}
        rows = clients_of(self.principal)
        return rows.filter(**own, memberships__role__in=roles) if roles else rows.filter(**own)

    def role_for(self, client_id: Any) -> Role | None:
        """Give the role in which this person may act for a client; staff act in their own pages."""
        return None if self.principal.is_staff else role_of(self.principal.user, client_id)

    def may_act_for(self, client_id: Any) -> bool:
        """Whether this person may apply, accept and withdraw for a client: its owners and requesters."""
        return self.role_for(client_id) in (Role.OWNER, Role.REQUESTER)

    def require_to_act_for(self, client_id: Any) -> None:
        """
        :raises NotPermitted: the visitor may only read
        """
        if not self.may_act_for(client_id):
            raise NotPermitted(_("Only an owner or a requester of the client may do this."))

    def require_owner_of(self, client_id: Any) -> None:
        """
        :raises NotPermitted: the visitor is no owner
        """
        if self.role_for(client_id) != Role.OWNER:
            raise NotPermitted(_("Only an owner of the client may do this."))


def page(
    view: Callable[Concatenate[HttpRequest, Visit, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Make a view a private page: for people signed in; what is missing or foreign is the same 404."""

    @wraps(view)
    def shown(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        now = timezone.now()
        visit = Visit(Principal(user=request.user), now)  # type: ignore[arg-type]  # signed in: a User
        try:
            return view(request, visit, *args, **kwargs)
        except (NotFoundOrHidden, InvalidCursor) as missing:
            raise Http404 from missing
        except NotPermitted as refusal:
            return render(request, "403.html", {"refusal": refusal}, status=403)

    return login_required(shown)


def one_by_number(rows: QuerySet[M], number: str) -> M:
    """
    Find a row by the number that people use.

    :raises NotFoundOrHidden: not among these rows
    """
    found = rows.filter(number=number).first()
    if found is None:
        raise NotFoundOrHidden
    return found
