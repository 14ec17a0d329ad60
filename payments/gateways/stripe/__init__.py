"""Stripe: refunds of what was paid there, and what its objects say."""

from payments.gateways.stripe.gateway import StripeGateway
from payments.gateways.stripe.objects import (
    Contradiction,
    DisputesFound,
    IntentFound,
    ObjectGone,
    StripeReader,
    Unreachable,
)
from payments.gateways.stripe.signature import BadSignature, check_signature

__all__ = [
    "BadSignature",
    "Contradiction",
    "DisputesFound",
    "IntentFound",
    "ObjectGone",
    "StripeGateway",
    "StripeReader",
    "Unreachable",
    "check_signature",
]
