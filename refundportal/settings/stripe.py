"""The account at Stripe: read only if money goes back over it, and checked before anything is sent there."""

from typing import Final

from django.core.exceptions import ImproperlyConfigured

from refundportal.environment import OddValue, origin, stripe_key, webhook_secrets
from refundportal.settings.mode import PRODUCTION, env


def _key() -> str:
    """Read the key; it may be a secret, so it is never repeated."""
    try:
        return stripe_key(env.text("STRIPE_API_KEY", ""))
    except ValueError:
        allowed = "empty, or a restricted (rk_...) or secret (sk_...) key of Stripe"
        raise OddValue("STRIPE_API_KEY", "...", allowed) from None


def _secrets() -> tuple[str, ...]:
    try:
        return webhook_secrets(env.text("STRIPE_WEBHOOK_SECRETS", ""))
    except ValueError:
        allowed = "signing secrets (whsec_...) parted by commas"
        raise OddValue("STRIPE_WEBHOOK_SECRETS", "...", allowed) from None


def check_stripe(rails: list[str]) -> None:
    """
    Stop a start with the rail `stripe` and without what it needs.

    :raises ImproperlyConfigured: key or signing secret is missing
    :raises OddValue: a key of the other mode than the one expected
    """
    if "stripe" not in rails:
        return
    needed = "The rail stripe in PAYOUT_RAILS needs it."
    for name, value in (
        ("STRIPE_API_KEY", STRIPE_API_KEY),
        ("STRIPE_WEBHOOK_SECRETS", STRIPE_WEBHOOK_SECRETS),
    ):
        if not value:
            raise ImproperlyConfigured(f"{name} is not set. {needed}")
    mode = "live" if STRIPE_LIVEMODE else "test"
    found = STRIPE_API_KEY.split("_")[1]
    if found != mode:
        allowed = f"a key of {mode} mode, as STRIPE_LIVEMODE says"
        raise OddValue("STRIPE_API_KEY", f"{STRIPE_API_KEY[:8]}...", allowed)


STRIPE_API_KEY: Final = _key()
STRIPE_WEBHOOK_SECRETS: Final = _secrets()
STRIPE_LIVEMODE: Final = env.flag("STRIPE_LIVEMODE", PRODUCTION)
STRIPE_API_BASE: Final[str] = env.parsed(
    "STRIPE_API_BASE", "https://api.stripe.com", origin, "an origin, such as https://api.stripe.com"
)
if PRODUCTION and not STRIPE_API_BASE.startswith("https://"):
    raise OddValue("STRIPE_API_BASE", STRIPE_API_BASE, "in production mode https:// only")
