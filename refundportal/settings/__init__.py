"""
All settings. Everything that differs between places comes from the environment; see README.md.

`REFUNDPORTAL_MODE` is `embedded` (SQLite, everything in one process, the sandbox as bank) or
`production`. A value that makes no sense stops the start.
"""

from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from refundportal import logs
from refundportal.environment import (
    OddValue,
    approval_limits,
    company_account,
    field_keys,
    networks,
    origin,
    own_secrets,
    scanner_address,
    time_zone,
)
from refundportal.settings.mode import BASE_DIR as BASE_DIR
from refundportal.settings.mode import MODE as MODE
from refundportal.settings.mode import PRODUCTION as PRODUCTION
from refundportal.settings.mode import env
from refundportal.settings.rooms import INSTALLED_APPS as INSTALLED_APPS
from refundportal.settings.rooms import MIDDLEWARE as MIDDLEWARE
from refundportal.settings.rooms import TEMPLATES as TEMPLATES
from refundportal.settings.stripe import STRIPE_API_BASE as STRIPE_API_BASE
from refundportal.settings.stripe import STRIPE_API_KEY as STRIPE_API_KEY
from refundportal.settings.stripe import STRIPE_LIVEMODE as STRIPE_LIVEMODE
from refundportal.settings.stripe import STRIPE_WEBHOOK_SECRETS as STRIPE_WEBHOOK_SECRETS
from refundportal.settings.stripe import check_stripe
from refundportal.staff.look import unfold

VAR_DIR = Path(env.text("VAR_DIR", str(BASE_DIR / "var"))).resolve()
_NEEDED = "Production mode needs it."

# Secrets

if PRODUCTION:
    SECRET_KEY = env.text("SECRET_KEY", needed_because=_NEEDED)
    if len(SECRET_KEY) < 50 or len(set(SECRET_KEY)) < 5:
        raise OddValue("SECRET_KEY", "...", "at least 50 random characters")
    try:
        FIELD_KEYS = field_keys(env.text("FIELD_KEYS", needed_because=_NEEDED))
    except ValueError:
        raise OddValue("FIELD_KEYS", "...", "Fernet keys, parted by commas, the newest first") from None
else:
    _secrets = own_secrets(VAR_DIR / "secrets.json")
    SECRET_KEY = _secrets["SECRET_KEY"]
    FIELD_KEYS = _secrets["FIELD_KEYS"]

# The company

COMPANY_NAME = env.text("COMPANY_NAME", "Software Creator Django LTD")
COMPANY_TIME_ZONE: str = env.parsed(
    "COMPANY_TIME_ZONE", "Europe/Berlin", time_zone, "the exact name of an IANA zone, such as Europe/Berlin"
)
APPROVAL_LIMIT = env.parsed(
    "APPROVAL_LIMIT",
    '{"EUR": "1000.00"}',
    approval_limits,
    'amounts per currency, such as {"EUR": "1000.00"}',
)
API_APPROVAL = env.flag("API_APPROVAL", False)
PAYOUT_RAILS = env.choices(
    "PAYOUT_RAILS",
    ["sandbox", "stripe", "bank_file", "manual"],
    ["manual"] if PRODUCTION else ["sandbox", "bank_file", "manual"],
)
if PRODUCTION and "sandbox" in PAYOUT_RAILS:
    raise OddValue("PAYOUT_RAILS", ",".join(PAYOUT_RAILS), "in production mode no sandbox: it moves no money")
check_stripe(PAYOUT_RAILS)
_sample = () if PRODUCTION else ("DE02120300000000202051", "BYLADEM1001")
_own = env.text("COMPANY_IBAN", ""), env.text("COMPANY_BIC", "")
COMPANY_IBAN, COMPANY_BIC = company_account(*_own, sample=_sample, is_needed="bank_file" in PAYOUT_RAILS)

# With this on, a process dies where the variable CRASH_AT says, to show that nothing is lost or done twice.
DEBUG_CRASH_POINTS = env.flag("DEBUG_CRASH_POINTS", False)
if PRODUCTION and DEBUG_CRASH_POINTS:
    raise OddValue("DEBUG_CRASH_POINTS", "yes", "in production mode only no")

# Where the portal stands

DEBUG = env.flag("DEBUG", False)
if PRODUCTION and DEBUG:
    raise OddValue("DEBUG", "yes", "in production mode only no: error pages would show secrets")
BASE_URL: str = env.parsed(
    "BASE_URL",
    env.text("BASE_URL", needed_because=_NEEDED) if PRODUCTION else "http://localhost:8000",
    origin,
    "an origin, such as https://refunds.example.com",
)
if PRODUCTION and not BASE_URL.startswith("https://"):
    raise OddValue("BASE_URL", BASE_URL, "in production mode https:// only")
_host = BASE_URL.split("://")[1].rsplit(":", 1)[0]
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", [_host] if PRODUCTION else ["localhost", "127.0.0.1", "[::1]"])
if "*" in ALLOWED_HOSTS:
    raise OddValue("ALLOWED_HOSTS", "*", "the names under which the portal is reached")
CSRF_TRUSTED_ORIGINS = [BASE_URL]
_NETWORKS = "addresses and networks parted by commas, such as 10.0.0.0/8"
TRUSTED_PROXIES = env.parsed("TRUSTED_PROXIES", "", networks, _NETWORKS)
METRICS_FROM = env.parsed("METRICS_FROM", "127.0.0.1,::1", networks, _NETWORKS)
# Webhooks go to public addresses only, over https; in these networks anywhere, over http too.
WEBHOOK_NETWORKS = env.parsed("WEBHOOK_NETWORKS", "", networks, _NETWORKS)
ROOT_URLCONF = "refundportal.urls"
WSGI_APPLICATION = "refundportal.wsgi.application"

# Rooms: which there are, and what stands around them, in rooms.py

FORM_RENDERER = "refundportal.web.forms.PageRenderer"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Database

DATABASES: dict[str, dict[str, Any]] = {
    "default": env.database("DATABASE_URL", None if PRODUCTION else f"sqlite:///{VAR_DIR / 'db.sqlite3'}")
}
_database = DATABASES["default"]
_database["ATOMIC_REQUESTS"] = False
if _database["ENGINE"].endswith("sqlite3"):
    if PRODUCTION:
        raise OddValue("DATABASE_URL", "sqlite:...", "in production mode postgres://...")
    VAR_DIR.mkdir(parents=True, exist_ok=True)
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON",
    }
    _database["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
else:
    _database.setdefault("OPTIONS", {})
    # Who waits longer than this for a row gets a clear answer ("busy, try again") and no hanging page.
    _database["OPTIONS"].setdefault("options", "-c lock_timeout=3s")
    _database["OPTIONS"].setdefault("connect_timeout", 5)
    _database["CONN_MAX_AGE"] = 60
    _database["CONN_HEALTH_CHECKS"] = True

# The cache is never needed for an answer. Production shares it between processes through the database.

CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache_entries",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
    if PRODUCTION
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

# Tasks: the rows are the queue, Celery is the bell

REDIS_URL = env.text("REDIS_URL", needed_because=_NEEDED) if PRODUCTION else ""
CELERY_BROKER_URL = REDIS_URL or "memory://"
CELERY_TASK_ALWAYS_EAGER = not PRODUCTION  # what does not differ between places stands in celery.py

# People: sign-in with e-mail address and password, code by e-mail or passkey; nobody signs up alone

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "accounts.forms.SignInForm",
    "request_login_code": "accounts.forms.AskForCodeForm",
    "confirm_login_code": "accounts.forms.CodeForm",
    "reset_password": "accounts.forms.ForgottenForm",
    "reset_password_from_key": "accounts.forms.NewPasswordForm",
    "change_password": "accounts.forms.ChangePasswordForm",
    "set_password": "accounts.forms.FirstPasswordForm",
    "reauthenticate": "accounts.forms.ReauthenticateForm",
}
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = 600  # mail may take its time; three wrong tries end it anyway
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 900
ACCOUNT_RATE_LIMITS = {"keep_typed": "30/h/ip"}  # beside the limits that the library has
ACCOUNT_SESSION_REMEMBER = None
ACCOUNT_DEFAULT_HTTP_PROTOCOL = BASE_URL.split("://")[0]
MFA_ADAPTER = "accounts.adapter.SecondFactorAdapter"
MFA_FORMS = {
    "authenticate": "accounts.forms.SecondFactorForm",
    "reauthenticate": "accounts.forms.ReauthenticateByCodeForm",
    "activate_totp": "accounts.forms.AppForm",
    "add_webauthn": "accounts.forms.AddKeyForm",
    "edit_webauthn": "accounts.forms.RenameKeyForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = COMPANY_NAME
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION
STAFF_SECOND_FACTOR = env.flag("STAFF_SECOND_FACTOR", PRODUCTION)
if PRODUCTION and not STAFF_SECOND_FACTOR:
    raise OddValue("STAFF_SECOND_FACTOR", "no", "in production mode only yes")

# Systems: OAuth 2 client credentials, opaque tokens of one hour

IDP_OIDC_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]
IDP_OIDC_ACCESS_TOKEN_FORMAT = "opaque"  # noqa: S105 - a format, no password
IDP_OIDC_ACCESS_TOKEN_EXPIRES_IN = 3600

# REST: closed unless a view opens it by naming a scope

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["refundportal.api.access.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["refundportal.api.access.ScopePermission"],
    "DEFAULT_THROTTLE_CLASSES": ["refundportal.api.throttles.CallerThrottle"],
    # Calls a minute: of one API client, of one address without a token, tokens that are none.
    "DEFAULT_THROTTLE_RATES": {"client": 1200, "anybody": 120, "bad_token": 30},
    "DEFAULT_PARSER_CLASSES": ["refundportal.api.parsers.StrictJsonParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "refundportal.api.schema.ApiSchema",
    "EXCEPTION_HANDLER": "refundportal.api.handler.answer_problem",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": f"{COMPANY_NAME}: refunds",
    "DESCRIPTION": "Contracts, payments, usage and refunds by a published policy. See docs/api.md.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": [],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": ["refundportal.api.document.complete"],
    "WEBHOOKS": ["refundportal.api.webhooks.EVENT"],
}

# Mail

_mail_defaults = {"from": f"refunds@{_host}" if PRODUCTION else "refunds@localhost.localdomain"}
DEFAULT_FROM_EMAIL = env.text("MAIL_FROM", _mail_defaults["from"])
SERVER_EMAIL = DEFAULT_FROM_EMAIL
MAIL_FOLDER = VAR_DIR / "mail"
EMAIL_BACKEND = "refundportal.mail.ConsoleAndFolderBackend"
EMAIL_TIMEOUT = 15
if PRODUCTION:
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST = env.text("SMTP_HOST", needed_because=_NEEDED)
    EMAIL_PORT = env.number("SMTP_PORT", 587, least=1, most=65535)
    EMAIL_HOST_USER = env.text("SMTP_USER", "")
    EMAIL_HOST_PASSWORD = env.text("SMTP_PASSWORD", "")
    _smtp = env.choice("SMTP_SECURITY", ["starttls", "tls", "none"], "starttls")
    EMAIL_USE_TLS, EMAIL_USE_SSL = _smtp == "starttls", _smtp == "tls"

# Files: what is private lies outside of every folder that is served

PRIVATE_FILES = Path(env.text("PRIVATE_FILES", str(VAR_DIR / "private"))).resolve()
ANCHOR_FILE = Path(env.text("ANCHOR_FILE", str(VAR_DIR / "anchors.jsonl"))).resolve()
ANCHOR_EMAIL = env.words("ANCHOR_EMAIL")
ALARM_EMAIL = env.words("ALARM_EMAIL")
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"] if (BASE_DIR / "static").is_dir() else []
CLAMD_ADDRESS = env.parsed(
    "CLAMD_ADDRESS", "", scanner_address, "empty, unix:/PATH/TO/SOCKET or HOST:PORT of a clamd"
)
if PRIVATE_FILES.is_relative_to(STATIC_ROOT) or STATIC_ROOT.is_relative_to(PRIVATE_FILES):
    raise ImproperlyConfigured(
        f"PRIVATE_FILES={str(PRIVATE_FILES)!r} overlaps the served folder {STATIC_ROOT}."
    )
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": PRIVATE_FILES,
            "base_url": None,
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    },
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
DATA_UPLOAD_MAX_NUMBER_FILES = 20
FILE_UPLOAD_PERMISSIONS = 0o600

# Browsers

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "refundportal.portal.kept.form_refused"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = PRODUCTION
SECURE_SSL_REDIRECT = PRODUCTION
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if TRUSTED_PROXIES:
    # The middleware removes this header unless it comes from one of them.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

# Languages, time, logs

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
LOG_LEVEL = env.choice("LOG_LEVEL", ["DEBUG", "INFO", "WARNING", "ERROR"], "INFO")
LOG_FORMAT = env.choice("LOG_FORMAT", ["json", "console"], "json" if PRODUCTION else "console")
LOGGING = logs.logging_config(log_format=LOG_FORMAT, level=LOG_LEVEL)
logs.configure_structlog()
DJANGO_STRUCTLOG_CELERY_ENABLED = PRODUCTION
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = True
UNFOLD: dict[str, Any] = unfold(COMPANY_NAME)
SILENCED_SYSTEM_CHECKS: list[str] = []
