"""Durable records to take away: the acknowledgement and the letter of the decision as PDF."""

from django.http import HttpRequest, HttpResponse

from kernel.errors import NotFoundOrHidden
from refundportal.portal.access import Visit, page
from refundportal.web.files import SANDBOX
from refundportal.web.pdf import letter_pdf
from refunds.letters import Letter, acknowledgement_of, decision_letter_of
from refunds.records import CONTENT_TYPE, file_name_of
from refunds.selectors import current_decision, request_by_number


@page
def received_pdf(request: HttpRequest, visit: Visit, number: str) -> HttpResponse:
    """Give the acknowledgement of an application."""
    return _download(acknowledgement_of(request_by_number(visit.principal, number)))


@page
def decision_pdf(request: HttpRequest, visit: Visit, number: str) -> HttpResponse:
    """Give the letter of the decision, once there is one."""
    found = request_by_number(visit.principal, number)
    decision = current_decision(found.pk)
    if decision is None or found.state not in ("rejected", "approved"):
        raise NotFoundOrHidden
    return _download(decision_letter_of(decision, found))


def _download(letter: Letter) -> HttpResponse:
    return HttpResponse(
        letter_pdf(letter),
        content_type=CONTENT_TYPE,
        headers={
            "Content-Disposition": f'attachment; filename="{file_name_of(letter)}"',
            "Content-Security-Policy": SANDBOX,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        },
    )
