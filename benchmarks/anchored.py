"""The portal's application with the anchors beside it, and limits that let a benchmark call all day."""

from django.conf import settings
from django.urls import include, path

from refundportal.wsgi import application

__all__ = ["application", "urlpatterns"]

settings.ROOT_URLCONF = __name__
settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"] = dict.fromkeys(("client", "anybody", "bad_token"), 10**9)

from benchmarks import anchors  # noqa: E402 - models need the applications

urlpatterns = [
    path("anchor/one-row/", anchors.OneRow.as_view()),
    path("anchor/quote/<uuid:payment_id>/", anchors.MinimalQuote.as_view()),
    path("anchor/bulk-create/", anchors.BulkCreate.as_view()),
    path("anchor/raw-insert/", anchors.RawInsert.as_view()),
    path("", include("refundportal.urls")),
]
