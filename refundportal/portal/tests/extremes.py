"""What pages must bear: long names, large amounts, many stages, other currencies, nothing at all."""

from datetime import datetime, timedelta
from typing import Any

from accounts.models import User
from accounts.principals import SYSTEM
from accounts.services import create_user
from contracts.models import Client, Contract, Role
from contracts.services import add_member, create_client
from contracts.tests.cast import Cast, delivered_stage, signed_contract
from payments.services import record_usage
from refunds.tests.scene import Scene, applied, approved, paid

LONG = (
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerk "
    "and its warehouses, order desks, printers and back offices, north."
)
"""120 letters, with a word of 53."""


def long_item(number: int) -> dict[str, Any]:
    return {"code": f"AC-{number}", "statement": f"{LONG}: {number}.", "weight": "1", "reference": LONG}


def work(number: int, amount: str, title: str = "Order desk") -> dict[str, Any]:
    items = [long_item(number) for number in range(1, 5)]
    return {"code": f"S{number}", "title": title, "kind": "work", "amount": amount, "items": items}


def rich(cast: Cast, now: datetime) -> dict[str, Scene]:
    """
    Enter contracts at the edges for Alice's client, each with its payment of stage S1, an hour ago.

    Fourteen stages: nothing was delivered and everything was used; the application was answered.
    """
    stages = {
        "one stage": ("EUR", [work(1, "100.00")]),
        "fourteen stages": ("EUR", [work(number, "100.00", LONG) for number in range(1, 15)]),
        "twelve digits": ("EUR", [work(1, "4999999999.99"), work(2, "5000000000.00")]),
        "yen": ("JPY", [work(1, "1234567"), work(2, "7654321")]),
        "dinar": ("KWD", [work(1, "1234.567"), work(2, "7654.321")]),
    }
    cast.client.name = LONG
    cast.client.save(update_fields=["name"])
    cast.alice.name = LONG
    cast.alice.save(update_fields=["name"])
    found = {
        name: _paid(cast, now, title=f"{LONG[: 118 - len(name)]}: {name}"[:120], currency=currency, stages=of)
        for name, (currency, of) in stages.items()
    }
    _use(found["fourteen stages"].contract, now)
    approved(found["fourteen stages"], now=now, statement=f"{LONG}. " * 20)
    applied(found["yen"], now=now, statement=f"{LONG}. " * 20)
    return found


def _paid(cast: Cast, now: datetime, *, currency: str, **fields: Any) -> Scene:
    price = {"EUR": "0.0125", "JPY": "3", "KWD": "0.001"}[currency]
    meters = [
        {"code": f"calls-{number}", "title": LONG, "kind": "metered", "unit": "call", "price": price}
        for number in range(40)
    ]
    contract = signed_contract(cast, now=now - timedelta(days=9), currency=currency, meters=meters, **fields)
    if len(fields["stages"]) < 14:
        delivered_stage(cast, contract, "S1", at=now - timedelta(days=1))
    return Scene(cast, contract, paid(cast, contract, at=now - timedelta(hours=1)))


def _use(contract: Contract, now: datetime) -> None:
    """Use every meter."""
    records = [
        {
            "contract": str(contract.pk),
            "source": "gateway",
            "external_id": f"use-{number}",
            "meter": f"calls-{number}",
            "quantity": str(number + 1),
            "occurred_at": (now - timedelta(minutes=number)).isoformat(),
        }
        for number in range(40)
    ]
    record_usage(principal=SYSTEM, records=records, now=now)


def german(now: datetime) -> User:
    """The owner of a client that reads German and has nothing yet."""
    person = create_user(email="greta@leer.example", name="Greta", language="de")
    client: Client = create_client(
        principal=SYSTEM, kind="consumer", name="Leer", email="greta@leer.example", language="de", now=now
    )
    add_member(principal=SYSTEM, client_id=client.pk, user=person, role=Role.OWNER, now=now)
    return person
