"""The letter of a decision as PDF."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils import translation
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request

from accounts.scopes import REFUNDS_READ
from kernel.errors import NotFoundOrHidden
from refundportal.api.views import ApiView
from refundportal.web.pdf import letter_pdf
from refunds.letters import decision_letter_of
from refunds.records import CONTENT_TYPE, file_name_of
from refunds.selectors import current_decision, request_of


class PdfRenderer(BaseRenderer):
    """Lets callers ask for PDF by `Accept`; a refusal is told as problem details all the same."""

    media_type = CONTENT_TYPE
    format = "pdf"
    charset = None
    render_style = "binary"

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> bytes:
        return bytes(JSONRenderer().render(data))


class DecisionPdfView(ApiView):
    """The letter of a decision with its calculation sheet, in the language of the client."""

    scopes = {"GET": REFUNDS_READ}
    renderer_classes = [PdfRenderer, JSONRenderer]

    @extend_schema(
        responses={(200, CONTENT_TYPE): OpenApiTypes.BINARY}, summary="Read the letter of the decision as PDF"
    )
    def get(self, request: Request, request_id: UUID) -> HttpResponse:
        case = request_of(self.principal, request_id)
        decision = current_decision(case.pk)
        if decision is None or case.state not in ("rejected", "approved"):
            raise NotFoundOrHidden("There is no decision yet.")
        with translation.override(case.client.language):
            letter = decision_letter_of(decision, case)
            content = letter_pdf(letter)
        disposition = f'attachment; filename="{file_name_of(letter)}"'
        return HttpResponse(content, content_type=CONTENT_TYPE, headers={"Content-Disposition": disposition})
