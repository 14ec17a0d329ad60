"""Rights of staff: they come from groups alone; a superuser has none by being one."""

from accounts.groups import is_approver, is_finance, is_reviewer
from accounts.models import User
from accounts.principals import Principal
from kernel.errors import NotPermitted


def person_of(principal: Principal) -> User:
    """
    Give the active staff person who acts.

    :raises NotPermitted: nobody on the staff acts here
    """
    if principal.user is None or not principal.is_staff:
        raise NotPermitted("Only staff may do this.")
    return principal.user


def may_review(principal: Principal) -> bool:
    return (
        principal.is_staff
        and principal.user is not None
        and (is_reviewer(principal.user) or is_approver(principal.user))
    )


def require_reviewer(principal: Principal) -> User:
    """
    :raises NotPermitted: the person is neither Reviewer nor Approver
    """
    person = person_of(principal)
    if not (is_reviewer(person) or is_approver(person)):
        raise NotPermitted("Only a Reviewer or an Approver may do this.")
    return person


def require_approver(principal: Principal) -> User:
    """
    :raises NotPermitted: the person is not an Approver
    """
    person = person_of(principal)
    if not is_approver(person):
        raise NotPermitted("Only an Approver may do this.")
    return person


def require_finance(principal: Principal) -> User:
    """
    :raises NotPermitted: the person is not in Finance
    """
    person = person_of(principal)
    if not is_finance(person):
        raise NotPermitted("Only Finance may do this.")
    return person


def may_administer(principal: Principal) -> bool:
    """Say whether an administrator acts: they look after accounts, and have no right over money by that."""
    return principal.is_person and principal.is_staff and bool(principal.user and principal.user.is_superuser)


def require_administrator(principal: Principal) -> User:
    """
    :raises NotPermitted: the person does not look after accounts
    """
    person = person_of(principal)
    if not may_administer(principal):
        raise NotPermitted("Only an administrator may do this.")
    return person


def require_author(principal: Principal) -> None:
    """
    Allow contract work: Reviewers, Approvers, API clients (their door checks the scope), the portal itself.

    :raises NotPermitted: somebody else
    """
    if principal.api_client is None and not principal.is_system:
        require_reviewer(principal)


def require_money(principal: Principal) -> None:
    """
    Allow recording of money: Finance, API clients (their door checks the scope), the portal itself.

    :raises NotPermitted: somebody else
    """
    if principal.api_client is None and not principal.is_system:
        require_finance(principal)
