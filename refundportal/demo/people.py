"""The people of the demonstration, their clients, and how they sign in."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from accounts.groups import APPROVER, AUDITOR, FINANCE, REVIEWER
from accounts.models import ApiClient, User
from accounts.principals import SYSTEM, Principal
from accounts.scopes import SCOPES
from accounts.services import create_api_client, create_user
from contracts.models import Client, Role
from contracts.services import add_member, create_client

PASSWORD: Final = "paper-and-hairlines"  # noqa: S105 - known to everybody: the demonstration is not for production
STAFF: Final = (
    ("rita@softwarecreator.example", "Rita Sommer", REVIEWER),
    ("arno@softwarecreator.example", "Arno Weiss", APPROVER),
    ("finn@softwarecreator.example", "Finn Larsen", FINANCE),
    ("ada@softwarecreator.example", "Ada Kranz", AUDITOR),
)
JOINERY: Final = (
    "business",
    "Brandt Joinery GmbH",
    "office@brandt-joinery.example",
    "Sägewerk 4\n12459 Berlin",
)
SHIPPING: Final = (
    "business",
    "Pike & Daughters Shipping Ltd",
    "desk@pike-shipping.example",
    "9 Quay Street\nBoston",
)
MEMBERS: Final = (
    (JOINERY, "alice@brandt-joinery.example", "Alice Brandt", Role.OWNER),
    (JOINERY, "bea@brandt-joinery.example", "Bea Lindqvist", Role.VIEWER),
    (SHIPPING, "mallory@pike-shipping.example", "Mallory Pike", Role.OWNER),
)


@dataclass(frozen=True, slots=True)
class People:
    """Everybody who acts in the demonstration."""

    joinery: Client
    shipping: Client
    alice: Principal
    bea: Principal
    mallory: Principal
    rita: Principal
    arno: Principal
    finn: Principal


def _user(email: str, name: str, group: str | None = None) -> User:
    known = User.objects.filter(email=email).first()
    if known is not None:
        return known
    groups = [group] if group else []
    return create_user(email=email, name=name, password=PASSWORD, is_staff=bool(group), groups=groups)


def _client(kind: str, name: str, email: str, address: str, since: datetime) -> Client:
    known = Client.objects.filter(email=email, name=name).first()
    return known or create_client(
        principal=SYSTEM, kind=kind, name=name, email=email, address=address, now=since
    )


def enter_people(now: datetime) -> People:
    """Enter staff, clients and members, or find them where they are already."""
    since = now - timedelta(days=420)
    staff = {email.split("@")[0]: _user(email, name, group) for email, name, group in STAFF}
    clients = {fields: _client(*fields, since) for fields in (JOINERY, SHIPPING)}
    members = {}
    for fields, email, name, role in MEMBERS:
        user = members[email.split("@")[0]] = _user(email, name)
        if not clients[fields].memberships.filter(user=user).exists():
            add_member(principal=SYSTEM, client_id=clients[fields].pk, user=user, role=role, now=since)
    as_principals = {
        name: Principal(user=user) for name, user in {**staff, **members}.items() if name != "ada"
    }
    return People(joinery=clients[JOINERY], shipping=clients[SHIPPING], **as_principals)


def enter_system() -> tuple[ApiClient, str] | None:
    """Enter the `erp` system with its secret, which is shown this once; nothing if it is there already."""
    if ApiClient.objects.filter(name="erp").exists():
        return None
    rita = User.objects.get(email=STAFF[0][0])
    return create_api_client(name="erp", scopes=SCOPES, all_clients=True, staff_user=rita)


def sign_in_text(credentials: str) -> str:
    """Say who can sign in, as `make run` prints it."""
    lines = [
        f"  {email:32} {name} ({what})"
        for email, name, what in (*STAFF, *((e, n, r) for _, e, n, r in MEMBERS))
    ]
    return "\n".join(
        [
            f"\nSign in with one of these addresses and the password “{PASSWORD}”:",
            *lines,
            "\nOther systems (OAuth 2 client credentials at /identity/o/api/token):",
            f"  {credentials}\n",
        ]
    )
