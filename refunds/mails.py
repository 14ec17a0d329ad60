"""The e-mails that follow from requests and questions: who is told, and how it reads, from what is stored."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Final

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from contracts.models import Client, Role
from events.mail import Mail, MailRoute, Recipient
from events.models import Event
from refunds import records
from refunds.letters import Letter, acknowledgement_of, decision_letter_of
from refunds.models import Decision, Enquiry, Message, RefundRequest
from refunds.wording import day_words


def people_of_client(client: Client, *also: Any) -> list[Recipient]:
    """Give those who are told: the owners and whoever acted; the client's own address if there is nobody."""
    members = client.memberships.filter(role=Role.OWNER, user__is_active=True).select_related("user")
    users = {member.user.pk: member.user for member in members}
    users |= {user.pk: user for user in also if user is not None and user.is_active and not user.is_staff}
    if not users:
        return [Recipient(user_id=None, email=client.email, language=client.language)]
    return [Recipient(user_id=key, email=user.email, language=user.language) for key, user in users.items()]


def _of_request(event: Event) -> list[Recipient]:
    request = _request(event)
    return people_of_client(request.client, request.applicant)


def _of_question(event: Event) -> list[Recipient]:
    enquiry = Enquiry.objects.select_related("client", "asked_by").get(pk=event.subject_id)
    if enquiry.asked_by is not None and enquiry.asked_by.is_active:
        person = enquiry.asked_by
        return [Recipient(user_id=person.pk, email=person.email, language=person.language)]
    return people_of_client(enquiry.client)


def _request(event: Event) -> RefundRequest:
    rows = RefundRequest.objects.select_related("client", "contract", "payment", "applicant")
    return rows.get(pk=event.subject_id)


def _received(event: Event, recipient: Recipient) -> Mail:
    request = _request(event)
    return _letter(acknowledgement_of(request), _link("request", request.number))


def _decided(event: Event, recipient: Recipient) -> Mail:
    request = _request(event)
    decision = Decision.objects.get(pk=event.data["decision"])
    return _letter(decision_letter_of(decision, request), _link("request", request.number))


def _letter(letter: Letter, link: str) -> Mail:
    """Write the letter as an e-mail, with the same letter as a file."""
    mail = _mail(letter.subject, "letter", {"letter": letter, "link": link})
    return replace(mail, attachments=records.files_of(letter))


def _asked(event: Event, recipient: Recipient) -> Mail:
    request = _request(event)
    question = Message.objects.get(pk=event.data["message"])
    subject = _("We have a question about your application %(number)s") % {"number": request.number}
    return _question(subject, request, question, str(event.data["due_on"]))


def _reminded(event: Event, recipient: Recipient) -> Mail:
    request = _request(event)
    asked = request.messages.filter(by_staff=True, is_internal=False, at__lte=event.at)
    subject = _("Our question about your application %(number)s is still open") % {"number": request.number}
    return _question(subject, request, asked.order_by("-at", "-id")[0], str(event.data["due_on"]))


def _question(subject: str, request: RefundRequest, question: Message, due_on: str) -> Mail:
    facts = {
        "number": request.number,
        "due_on": day_words(date.fromisoformat(due_on)),
        "body": question.body,
        "link": _link("request", request.number),
    }
    return _mail(subject, "question", facts)


def _answered(event: Event, recipient: Recipient) -> Mail:
    enquiry = Enquiry.objects.select_related("request", "contract").get(pk=event.subject_id)
    about = enquiry.request or enquiry.contract
    number = "" if about is None else about.number
    subject = _("We have answered your question: %(subject)s") % {"subject": enquiry.subject}
    answer = enquiry.messages.filter(by_staff=True, at__lte=event.at).order_by("-at", "-id")[0]
    facts = {"subject": enquiry.subject, "body": answer.body, "link": _link("question", str(enquiry.pk))}
    return _mail(f"{subject} ({number})" if number else subject, "answer", facts)


def _mail(subject: str, template: str, context: Mapping[str, Any]) -> Mail:
    """Render both forms of one content; a subject is one line."""
    context = {**context, "company": settings.COMPANY_NAME, "subject": " ".join(subject.split())}
    return Mail(
        subject=str(context["subject"]),
        text=render_to_string(f"refunds/emails/{template}.txt", dict(context)).strip() + "\n",
        html=render_to_string(f"refunds/emails/{template}.html", dict(context)),
    )


def _link(name: str, number: str) -> str:
    """Give the address of a page; the front page where there is none of that name."""
    try:
        return f"{settings.BASE_URL}{reverse(name, args=[number])}"
    except NoReverseMatch:
        return str(settings.BASE_URL)


ROUTES: Final[Mapping[str, MailRoute]] = {
    "refund_request.submitted": MailRoute(recipients=_of_request, render=_received),
    "refund_request.information_requested": MailRoute(recipients=_of_request, render=_asked),
    "refund_request.information_reminded": MailRoute(recipients=_of_request, render=_reminded),
    "refund_request.approved": MailRoute(recipients=_of_request, render=_decided),
    "refund_request.rejected": MailRoute(recipients=_of_request, render=_decided),
    "enquiry.answered": MailRoute(recipients=_of_question, render=_answered),
}
