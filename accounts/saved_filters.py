"""Filters that people keep for the lists of every day: each has their own and sees nobody else's."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.db import transaction
from django.http import QueryDict
from django.utils.translation import gettext as _

from accounts.models import SavedFilter, User
from kernel.errors import DomainError, Fault, InvalidInput

KEPT_MAX: Final = 20
NAME_MAX: Final = 60
QUERY_MAX: Final = 1000
PASSING: Final = ("p", "e", "o", "all")
"""What an address says about a place in a list, and not about what is in it."""


class TooManyFilters(DomainError):
    """A list has room for so many names and no more."""

    code = "too_many_filters"
    title = "You keep as many filters for this list as there is room for. Remove one first."


def filters_of(user: User, page: str) -> Sequence[SavedFilter]:
    """Give the filters a person keeps for a list, by name. One query."""
    return list(SavedFilter.objects.filter(user=user, page=page).order_by("name")[:KEPT_MAX])


def what_is_kept(query: str) -> str:
    """Give of an address's query what chooses rows; the place in the list is left out."""
    chosen = QueryDict(query.lstrip("?"), mutable=True)
    for name in PASSING:
        chosen.pop(name, None)
    return chosen.urlencode()


@transaction.atomic
def save_filter(*, user: User, page: str, name: str, query: str) -> SavedFilter:
    """
    Keep a choice of filters under a name; the same name again takes the place of the first.

    :raises InvalidInput: no name, or nothing chosen, or more than can be kept
    :raises TooManyFilters: there is no room for another one
    """
    clean, chosen = " ".join(name.split()), what_is_kept(query)
    faults = []
    if not clean or len(clean) > NAME_MAX or not clean.isprintable():
        faults.append(Fault(path="name", message=_("Please write a name of at most 60 characters.")))
    if not chosen or len(chosen) > QUERY_MAX:
        faults.append(Fault(path="query", message=_("Please choose a filter first.")))
    if faults:
        raise InvalidInput(faults=faults)
    User.objects.select_for_update().get(pk=user.pk)
    mine = SavedFilter.objects.filter(user=user, page=page)
    if not mine.filter(name=clean).exists() and mine.count() >= KEPT_MAX:
        raise TooManyFilters
    kept, _made = mine.update_or_create(user=user, page=page, name=clean, defaults={"query": chosen})
    return kept


def remove_filter(*, user: User, filter_id: UUID) -> None:
    """Forget a filter of this person; there is nothing to be said if it is not theirs."""
    SavedFilter.objects.filter(user=user, pk=filter_id).delete()
