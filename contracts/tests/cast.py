"""
The fixed cast, and contracts for them to act on. Tests of every room begin here.

Alice owns the client “Acme”, Bea is her colleague and may only look, Cem may apply; Mallory owns another
client. Rita reviews, Arno approves, Finn is in Finance, Ada audits. `erp` is a system that acts for Acme.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from accounts.groups import APPROVER, AUDITOR, FINANCE, REVIEWER
from accounts.models import ApiClient, User
from accounts.principals import SYSTEM, Principal
from accounts.scopes import SCOPES
from accounts.services import create_api_client, create_user
from contracts.drafts import parse_contract
from contracts.models import Client, Contract, Delivery, Role, Stage
from contracts.services import (
    add_member,
    create_client,
    create_contract,
    deliver_stage,
    grant_client,
    sign_contract,
    start_stage,
)

NOW = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
"""A Monday morning: ten o'clock in Berlin."""

STAGES: list[dict[str, Any]] = [
    {"code": "P1", "title": "Prepayment", "kind": "prepayment", "amount": "300.00"},
    {
        "code": "S1",
        "title": "Order desk",
        "kind": "work",
        "amount": "1000.00",
        "items": [
            {"code": "AC-1", "statement": "An order is saved.", "weight": "5", "reference": "Spec 2.1"},
            {"code": "AC-2", "statement": "An order is printed.", "weight": "3", "reference": "Spec 2.2"},
            {"code": "AC-3", "statement": "An order is found again.", "weight": "2", "reference": "Spec 2.3"},
        ],
    },
    {
        "code": "S2",
        "title": "Warehouse",
        "kind": "work",
        "amount": "500.00",
        "items": [{"code": "AC-1", "statement": "Stock is counted.", "weight": "1"}],
    },
]
METERS: list[dict[str, Any]] = [
    {"code": "api_calls", "title": "API calls", "kind": "metered", "unit": "call", "price": "0.0125"},
    {"code": "hosting", "title": "Hosting", "kind": "time", "unit": "month", "price": "30.00"},
]


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody, and the two clients."""

    client: Client
    other_client: Client
    alice: User
    bea: User
    cem: User
    mallory: User
    rita: User
    arno: User
    finn: User
    ada: User
    erp: ApiClient

    @property
    def as_erp(self) -> Principal:
        return Principal(user=self.erp.staff_user, api_client=self.erp)

    @property
    def as_alice(self) -> Principal:
        return Principal(user=self.alice)

    @property
    def as_bea(self) -> Principal:
        return Principal(user=self.bea)

    @property
    def as_cem(self) -> Principal:
        return Principal(user=self.cem)

    @property
    def as_mallory(self) -> Principal:
        return Principal(user=self.mallory)

    @property
    def as_rita(self) -> Principal:
        return Principal(user=self.rita)

    @property
    def as_arno(self) -> Principal:
        return Principal(user=self.arno)

    @property
    def as_finn(self) -> Principal:
        return Principal(user=self.finn)

    @property
    def as_ada(self) -> Principal:
        return Principal(user=self.ada)


def make_cast(*, kind: str = "business", now: datetime = NOW - timedelta(days=30)) -> Cast:
    """Enter everybody; `kind` says what Alice's client is."""
    staff = {
        name: create_user(email=f"{name}@company.example", name=name.title(), is_staff=True, groups=[group])
        for name, group in (("rita", REVIEWER), ("arno", APPROVER), ("finn", FINANCE), ("ada", AUDITOR))
    }
    people = {
        name: create_user(email=f"{name}@{home}.example", name=name.title())
        for name, home in (("alice", "acme"), ("bea", "acme"), ("cem", "acme"), ("mallory", "other"))
    }
    client = create_client(principal=SYSTEM, kind=kind, name="Acme", email="office@acme.example", now=now)
    other = create_client(
        principal=SYSTEM, kind="business", name="Other", email="office@other.example", now=now
    )
    for home, name, role in (
        (client, "alice", Role.OWNER),
        (client, "bea", Role.VIEWER),
        (client, "cem", Role.REQUESTER),
        (other, "mallory", Role.OWNER),
    ):
        add_member(principal=SYSTEM, client_id=home.pk, user=people[name], role=role, now=now)
    erp, _ = create_api_client(name="erp", scopes=[scope for scope in SCOPES if scope != "refunds:decide"])
    grant_client(api_client=erp, client_id=client.pk, now=now)
    return Cast(client=client, other_client=other, erp=erp, **people, **staff)


def administrator(name: str = "boss") -> Principal:
    """One who looks after accounts, and has no right over a case or a cent by that."""
    person = create_user(email=f"{name}@company.example", name=name.title(), is_staff=True)
    User.objects.filter(pk=person.pk).update(is_superuser=True)
    person.refresh_from_db()
    return Principal(user=person)


def draft_contract(
    cast: Cast,
    *,
    client: Client | None = None,
    currency: str = "EUR",
    stages: Sequence[dict[str, Any]] = STAGES,
    meters: Sequence[dict[str, Any]] = METERS,
    terms: dict[str, Any] | None = None,
    now: datetime = NOW - timedelta(days=10),
    **fields: Any,
) -> Contract:
    """Store a draft of a contract; other fields as in the contract's JSON."""
    draft = parse_contract(
        {
            "client": str((client or cast.client).pk),
            "title": "Order desk and warehouse",
            "currency": currency,
            "terms": terms or {},
            "stages": list(stages),
            "meters": list(meters),
            **fields,
        },
        default_time_zone="Europe/Berlin",
    )
    return create_contract(principal=cast.as_rita, draft=draft, now=now)


def signed_contract(cast: Cast, *, now: datetime = NOW - timedelta(days=10), **fields: Any) -> Contract:
    """A contract that its client's owner has signed; fields as of `draft_contract`."""
    contract = draft_contract(cast, now=now, **fields)
    owner = contract.client.memberships.filter(role=Role.OWNER).select_related("user").get().user
    return sign_contract(principal=Principal(user=owner), contract_id=contract.pk, now=now)


def stage_named(contract: Contract, code: str) -> Stage:
    return Stage.objects.get(contract=contract, code=code)


def delivered_stage(
    cast: Cast, contract: Contract, code: str = "S1", *, at: datetime = NOW - timedelta(days=1)
) -> Delivery:
    """Start a stage of work, if need be, and deliver it."""
    stage = stage_named(contract, code)
    if stage.state == "planned":
        start_stage(principal=cast.as_rita, stage_id=stage.pk, now=at)
    return deliver_stage(principal=cast.as_rita, stage_id=stage.pk, now=at)
