"""All addresses of the portal."""

from allauth.account.decorators import secure_admin_login
from allauth.idp.oidc import views as oauth
from django.contrib import admin
from django.urls import include, path
from django.urls.resolvers import URLPattern, URLResolver

from refundportal import metrics

admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

# Of the identity provider only what client credentials need: no other grant has an address.
identity = ([path("token", oauth.token, name="token"), path("revoke", oauth.revoke, name="revoke")], "oidc")

urlpatterns: list[URLPattern | URLResolver] = [
    path("account/", include("allauth.urls")),
    path("identity/o/api/", include(identity)),
    path("metrics", metrics.metrics, name="metrics"),
    path("admin/", admin.site.urls),
    path("api/v1/", include("refundportal.api.urls")),
    path("", include("refundportal.portal.urls")),
]
