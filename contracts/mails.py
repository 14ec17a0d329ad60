"""The e-mail that follows from an invitation: who is told, and how it reads."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from contracts.models import Invitation
from contracts.services.invitations import invitation_token
from events.mail import Mail, MailRoute, Recipient
from events.models import Event
from kernel.days import local_date, zone_of


def _invited(event: Event) -> list[Recipient]:
    """Give the address that was invited, in the client's language; nobody once the link is of no use."""
    rows = Invitation.objects.select_related("client").filter(pk=event.data["invitation"], used_at=None)
    return [
        Recipient(user_id=None, email=row.email, language=row.client.language)
        for row in rows
        if row.expires_at > event.at
    ]


def _invitation(event: Event, recipient: Recipient) -> Mail:
    invitation = Invitation.objects.select_related("client", "invited_by").get(pk=event.data["invitation"])
    subject = _("%(inviter)s invites you to act for %(client)s") % {
        "inviter": invitation.invited_by.name,
        "client": invitation.client.name,
    }
    facts = {
        "company": settings.COMPANY_NAME,
        "subject": " ".join(subject.split()),
        "client": invitation.client.name,
        "role": invitation.get_role_display(),
        "last_day": _day(invitation.expires_at),
        "link": settings.BASE_URL + reverse("join", args=[invitation_token(invitation.pk)]),
    }
    return Mail(
        subject=str(facts["subject"]),
        text=render_to_string("contracts/emails/invitation.txt", facts).strip() + "\n",
        html=render_to_string("contracts/emails/invitation.html", facts),
    )


def _day(instant: datetime) -> str:
    """Write the day before an instant's own: the last one that is whole."""
    return date_format(local_date(instant, zone_of(settings.COMPANY_TIME_ZONE)) - timedelta(days=1))


ROUTES: Final[Mapping[str, MailRoute]] = {
    "member.invited": MailRoute(recipients=_invited, render=_invitation),
}
