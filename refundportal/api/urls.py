"""All addresses of the API. The last one answers whatever has none."""

from django.urls import path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from refundportal.api import policy
from refundportal.api.unknown import not_found

urlpatterns = [
    path("policy/", policy.PolicyView.as_view(), name="api-policy"),
    path("policy/evaluate/", policy.EvaluateView.as_view(), name="api-evaluate"),
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="api-schema"), name="api-docs"),
    re_path(r"^.*$", not_found, name="api-unknown"),
]
