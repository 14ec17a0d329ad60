"""All addresses of the portal."""

from allauth.idp.oidc import views as oauth
from django.urls import include, path
from django.urls.resolvers import URLPattern, URLResolver

from refundportal import incoming, metrics
from refundportal.staff.site import site as staff

# Of the identity provider only what client credentials need: no other grant has an address.
identity = ([path("token", oauth.token, name="token"), path("revoke", oauth.revoke, name="revoke")], "oidc")

handler500 = "refundportal.web.unavailable.error_page"

urlpatterns: list[URLPattern | URLResolver] = [
    path("account/", include("allauth.urls")),
    path("identity/o/api/", include(identity)),
    path("metrics", metrics.metrics, name="metrics"),
    path("webhooks/stripe/", incoming.stripe, name="incoming-stripe"),
    path("admin/", staff.urls),
    path("api/v1/", include("refundportal.api.urls")),
    path("", include("refundportal.portal.urls")),
]
