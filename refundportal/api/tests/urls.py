"""The API alone, at its address."""

from django.urls import include, path

urlpatterns = [path("api/v1/", include("refundportal.api.urls"))]
