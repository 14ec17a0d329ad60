"""All addresses of the portal."""

from allauth.idp.oidc import views as oauth
from django.urls import include, path
from django.urls.resolvers import URLPattern, URLResolver

from refundportal import incoming, metrics
from refundportal.portal import signing_in
from refundportal.staff.site import site as staff

# Of the identity provider only what client credentials need: no other grant has an address.
identity = ([path("token", oauth.token, name="token"), path("revoke", oauth.revoke, name="revoke")], "oidc")

handler500 = "refundportal.web.unavailable.error_page"

urlpatterns: list[URLPattern | URLResolver] = [
    path("account/email/", signing_in.email, name="account_email"),
    path("account/password/set/", signing_in.first_password, name="account_set_password"),
    path("account/2fa/totp/activate/", signing_in.first_app, name="mfa_activate_totp"),
    path("account/2fa/webauthn/add/", signing_in.first_key, name="mfa_add_webauthn"),
    path("account/", include("allauth.urls")),
    path("identity/o/api/", include(identity)),
    path("metrics", metrics.metrics, name="metrics"),
    path("webhooks/stripe/", incoming.stripe, name="incoming-stripe"),
    path("admin/", staff.urls),
    path("api/v1/", include("refundportal.api.urls")),
    path("", include("refundportal.portal.urls")),
]
