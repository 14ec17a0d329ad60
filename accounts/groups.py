"""Staff groups: the only source of rights over cases and money. A superuser has none by being one."""

from typing import Any, Final

from django.contrib.auth.models import Group

from accounts.models import User

REVIEWER: Final = "Reviewer"
APPROVER: Final = "Approver"
FINANCE: Final = "Finance"
AUDITOR: Final = "Auditor"
GROUP_NAMES: Final = (REVIEWER, APPROVER, FINANCE, AUDITOR)


def is_reviewer(user: User) -> bool:
    """Say whether this person establishes facts and proposes answers."""
    return _is_in(user, REVIEWER)


def is_approver(user: User) -> bool:
    """Say whether this person approves above the limit."""
    return _is_in(user, APPROVER)


def is_finance(user: User) -> bool:
    """Say whether this person moves money and sees bank accounts."""
    return _is_in(user, FINANCE)


def is_auditor(user: User) -> bool:
    """Say whether this person reads everything and changes nothing."""
    return _is_in(user, AUDITOR)


def _is_in(user: User, name: str) -> bool:
    # `groups.all()` uses what the caller prefetched; otherwise it asks the database each time, so that
    # a role taken away counts at once.
    return user.is_active and any(group.name == name for group in user.groups.all())


def create_groups(using: str) -> None:
    """Make the staff groups that are missing; may run any number of times."""
    standing = set(Group.objects.using(using).filter(name__in=GROUP_NAMES).values_list("name", flat=True))
    Group.objects.using(using).bulk_create(
        [Group(name=name) for name in GROUP_NAMES if name not in standing], ignore_conflicts=True
    )


def after_migrations(*, using: str, **_: Any) -> None:
    create_groups(using)
