"""Figures for the company's own monitoring."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from django_prometheus.exports import ExportToDjangoView

from refundportal.middleware import is_within


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Show Prometheus metrics to `METRICS_FROM`; for everyone else there is no such page."""
    if request.META["refundportal.behind_a_stranger"]:
        raise Http404
    if not is_within(request.META.get("REMOTE_ADDR", ""), settings.METRICS_FROM):
        raise Http404
    response: HttpResponse = ExportToDjangoView(request)
    return response
