"""The portal's own application, with limits that let a fuzzer ask as much as it likes."""

from django.conf import settings

from refundportal.wsgi import application

settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"] = dict.fromkeys(("client", "anybody", "bad_token"), 10**9)
settings.IDP_OIDC_ACCESS_TOKEN_EXPIRES_IN = 24 * 3600

__all__ = ["application"]
