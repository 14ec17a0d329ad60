"""Questions about the policy, a contract or an application: the list, a thread, and asking."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from contracts.models import Client, Role
from contracts.selectors import contracts_of
from kernel.errors import NotPermitted
from refundportal.portal.access import Visit, page
from refundportal.portal.kept import keeps_typed, typed_before
from refundportal.portal.once import OnceForm, do_once
from refundportal.web.pages import cursor_in, page_of
from refunds.models import Enquiry
from refunds.selectors.access import enquiries_of, enquiry_of, requests_of
from refunds.services import ask_again, ask_question

OFFERED_MAX: Final = 100
"""Contracts, and applications, that a question can be about: the newest ones, and the one asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """Something that a question can be about; `key` stands in the form."""

    key: str
    words: str
    client_id: UUID
    contract_id: UUID | None = None
    request_id: UUID | None = None


class QuestionForm(OnceForm):
    """A question: about what, in one line, and in as many words as it needs."""

    about = forms.ChoiceField(label=_("What is it about?"))
    subject = forms.CharField(
        label=_("Your question in one line"), max_length=200, help_text=_("At most 200 characters.")
    )
    body = forms.CharField(
        label=_("What would you like to know?"), max_length=8000, widget=forms.Textarea(attrs={"rows": 6})
    )

    def __init__(self, *args: Any, topics: dict[str, Topic], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.topics = topics
        about = self.fields["about"]
        assert isinstance(about, forms.ChoiceField), "declared above"
        about.choices = [(key, topic.words) for key, topic in topics.items()]

    @property
    def topic(self) -> Topic:
        """What was chosen."""
        return self.topics[self.cleaned_data["about"]]


class FollowUpForm(OnceForm):
    """One more message in the thread of a question."""

    body = forms.CharField(label=_("Your message"), max_length=8000, widget=forms.Textarea(attrs={"rows": 4}))


@page
def question_list(request: HttpRequest, visit: Visit) -> HttpResponse:
    """List the questions of the visitor's clients, newest first."""
    rows = enquiries_of(visit.principal).filter(client__in=visit.own_clients())
    found = page_of(rows.select_related("contract", "request"), cursor=cursor_in(request))
    may_ask = _clients_to_ask_for(visit).exists()
    return render(request, "portal/questions.html", {"questions": found, "may_ask": may_ask})


@keeps_typed
@page
def ask(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Take a question of an owner or a requester; `?about=` is the number of a contract or application."""
    topics = _topics(visit, request.GET.get("about", "").replace("\0", ""))
    typed = typed_before(request) or {"about": request.GET.get("about") or next(iter(topics))}
    form = QuestionForm(request.POST or None, topics=topics, initial=typed)
    if request.method == "POST" and form.is_valid():
        address = do_once(visit, request.path, form, lambda: _ask(visit, form))
        messages.success(request, _t("Your question has reached us."))
        return redirect(address)
    return render(request, "portal/ask.html", {"form": form})


def _ask(visit: Visit, form: QuestionForm) -> str:
    topic = form.topic
    asked = ask_question(
        principal=visit.principal,
        client_id=topic.client_id,
        contract_id=topic.contract_id,
        request_id=topic.request_id,
        subject=form.cleaned_data["subject"],
        body=form.cleaned_data["body"],
        now=visit.now,
    )
    return reverse("question", args=[asked.pk])


@keeps_typed
@page
def question(request: HttpRequest, visit: Visit, enquiry_id: UUID) -> HttpResponse:
    """Show the thread of a question; owners and requesters may go on with it."""
    found = enquiry_of(visit.principal, enquiry_id)
    form = FollowUpForm(request.POST or None, initial=typed_before(request))
    if request.method == "POST":
        visit.require_to_act_for(found.client_id)
        if form.is_valid():
            address = do_once(visit, request.path, form, lambda: _go_on(visit, found, form))
            messages.success(request, _t("Your message has been sent."))
            return redirect(address)
    thread = found.messages.filter(is_internal=False).select_related("author")
    shown = page_of(thread, cursor=cursor_in(request))
    context = {
        "question": found,
        "thread": shown,
        "messages_shown": list(reversed(shown.rows)),
        "may_act": visit.may_act_for(found.client_id),
        "form": form,
    }
    return render(request, "portal/question.html", context)


def _go_on(visit: Visit, found: Enquiry, form: FollowUpForm) -> str:
    ask_again(principal=visit.principal, enquiry_id=found.pk, body=form.cleaned_data["body"], now=visit.now)
    return reverse("question", args=[found.pk]) + "#thread"


def _clients_to_ask_for(visit: Visit) -> QuerySet[Client]:
    rows = visit.own_clients(Role.OWNER, Role.REQUESTER)
    return rows.none() if visit.principal.is_staff else rows


def _topics(visit: Visit, wanted: str) -> dict[str, Topic]:
    """
    Give what the visitor may ask about: the policy, contracts, applications. Three queries.

    :raises NotPermitted: the visitor only reads
    """
    clients = list(_clients_to_ask_for(visit).order_by("name", "id")[:OFFERED_MAX])
    if not clients:
        raise NotPermitted(_t("Only an owner or a requester of a client may ask."))
    topics = [
        *(_of_policy(client, is_only=len(clients) == 1) for client in clients),
        *_of_contracts(visit, clients, wanted),
        *_of_requests(visit, clients, wanted),
    ]
    return {topic.key: topic for topic in topics}


def _of_policy(client: Client, *, is_only: bool) -> Topic:
    general = _t("The refund policy, or something else")
    words = general if is_only else f"{general} · {client.name}"
    return Topic(key=str(client.pk), words=words, client_id=client.pk)


def _of_contracts(visit: Visit, clients: list[Client], wanted: str) -> list[Topic]:
    rows = contracts_of(visit.principal).filter(client__in=clients)
    return [
        Topic(
            key=row.number,
            words=_t("Contract %(number)s: %(title)s") % {"number": row.number, "title": row.title},
            client_id=row.client_id,
            contract_id=row.pk,
        )
        for row in _newest_and(rows, wanted)
    ]


def _of_requests(visit: Visit, clients: list[Client], wanted: str) -> list[Topic]:
    rows = requests_of(visit.principal).filter(client__in=clients).select_related("contract")
    return [
        Topic(
            key=row.number,
            words=_t("Application %(number)s: %(title)s")
            % {"number": row.number, "title": row.contract.title},
            client_id=row.client_id,
            contract_id=row.contract_id,
            request_id=row.pk,
        )
        for row in _newest_and(rows, wanted)
    ]


def _newest_and(rows: QuerySet[Any], wanted: str) -> list[Any]:
    """Give the newest rows, and the one of a number even if it is older. One query, or two."""
    newest = list(rows.order_by("-id")[:OFFERED_MAX])
    if not wanted or len(newest) < OFFERED_MAX or any(row.number == wanted for row in newest):
        return newest
    return [*newest, *rows.filter(number=wanted)]
