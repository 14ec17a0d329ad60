"""Forms that are sent twice do their work once: a double click, a second tab, the back button."""

import hashlib
from collections.abc import Callable
from uuid import uuid4

from django import forms

from accounts.idempotency import IdempotencyKeyReused, StillRunning, StoredAnswer, run_once
from kernel.errors import DomainError
from refundportal.portal.access import Visit


class OnceForm(forms.Form):
    """A form that knows itself again: its hidden token is made when it is shown."""

    token = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)


def do_once(visit: Visit, place: str, form: OnceForm, work: Callable[[], str]) -> str:
    """
    Do the work of a form of a place (its address) unless the same form did it already.

    The work gives the address to go on to; whoever comes second is led to where the first one was.

    :raises DomainError: the work was refused; nothing of it was done
    """
    refusals: list[DomainError] = []

    def act() -> StoredAnswer:
        return StoredAnswer(status=303, headers={"Location": work()})

    def refused(error: DomainError) -> StoredAnswer:
        refusals.append(error)
        return StoredAnswer(status=409)

    person, token = visit.principal.user, form.cleaned_data["token"]
    assert person is not None, "pages are for people who are signed in"
    try:
        answer = run_once(
            principal=f"user:{person.pk}",
            key=f"form:{token}",
            fingerprint=hashlib.sha256(f"{place} {token}".encode()).hexdigest(),
            work=act,
            refusal=refused,
            now=visit.now,
        )
    except (StillRunning, IdempotencyKeyReused):
        return place
    if refusals:
        raise refusals[0]
    return answer.headers["Location"]
