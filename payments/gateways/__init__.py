"""Rails for money on its way back, behind one protocol."""

from django.conf import settings

from kernel.errors import DomainError
from payments.gateways.protocol import (
    NOT_EXECUTED_CODES,
    AnswerKind,
    BookClosed,
    Gateway,
    GatewayAnswer,
    PayoutOrder,
    ProviderLine,
)
from payments.gateways.sandbox import SandboxGateway
from payments.gateways.stripe import StripeGateway
from payments.models import Rail

__all__ = [
    "NOT_EXECUTED_CODES",
    "AnswerKind",
    "BookClosed",
    "Gateway",
    "GatewayAnswer",
    "NoGateway",
    "PayoutOrder",
    "ProviderLine",
    "gateway_of",
    "machine_rails",
]

_GATEWAYS: dict[str, Gateway] = {
    Rail.SANDBOX.value: SandboxGateway(),
    Rail.STRIPE.value: StripeGateway(),
}


class NoGateway(DomainError):
    """The rail is off, or no machine sends on it."""

    code = "no_gateway"
    title = "There is no machine that sends on this rail."


def machine_rails() -> list[str]:
    """Name the rails that are switched on and on which a machine sends."""
    return [rail for rail in settings.PAYOUT_RAILS if rail in _GATEWAYS]


def gateway_of(rail: str) -> Gateway:
    """
    Give the gateway of a rail.

    :raises NoGateway: the rail is off, or no machine sends on it
    """
    if rail not in machine_rails():
        raise NoGateway(f"There is no machine that sends on the rail “{rail}”.", rail=rail)
    return _GATEWAYS[rail]
