"""
Who may open what: every address of the staff site, every kind of person, by reading and by forged sending.

An address that is not in the table fails, so that none is added without a thought.
"""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import Model
from django.urls import URLPattern, URLResolver

from accounts.models import User
from accounts.principals import SYSTEM
from accounts.services import create_user
from events.models import Event
from events.vault import seal_secret
from payments.models import (
    Account,
    BankFile,
    Break,
    Payout,
    ProviderEvent,
    Reconciliation,
    StatementLine,
    Transfer,
)
from payments.services import import_statement
from payments.tests.bank_book import Entry, statement
from refundportal.staff.site import site
from refundportal.staff.tests.desk import Desk
from refunds.models import Enquiry
from refunds.services import ask_question, start_trial
from refunds.tests.scene import LATER, Scene, approved, evidence

READERS = ("rita", "arno", "finn", "ada")
OUTSIDERS = ("nobody", "super")
MODELS = (
    "accounts/apiclient",
    "accounts/user",
    "contracts/client",
    "contracts/contract",
    "contracts/document",
    "events/event",
    "payments/account",
    "payments/bankfile",
    "payments/break",
    "payments/payment",
    "payments/payout",
    "payments/providerevent",
    "payments/reconciliation",
    "payments/statement",
    "payments/statementline",
    "payments/transfer",
    "refunds/enquiry",
    "refunds/refundrequest",
    "refunds/trial",
)
ACTING = (
    "accounts/apiclient",
    "accounts/user",
    "contracts/client",
    "contracts/contract",
    "payments/bankfile",
    "payments/break",
    "payments/payment",
    "payments/payout",
    "payments/providerevent",
    "payments/reconciliation",
    "payments/statement",
    "payments/statementline",
    "refunds/enquiry",
    "refunds/refundrequest",
    "refunds/trial",
)
OF_A_RECORD = ("<path:object_id>/", "<path:object_id>/change/", "<path:object_id>/history/")
NOBODYS = ("add/", "<path:object_id>/delete/")

# What reading gives: to people of the groups, to staff in no group, to a superuser in no group.
TABLE: dict[str, tuple[int, int, int]] = {
    "": (200, 200, 200),
    "login/": (302, 302, 302),
    "logout/": (405, 405, 405),
    "password_change/": (302, 302, 302),
    "password_change/done/": (302, 302, 302),
    "jsi18n/": (200, 200, 200),
    "autocomplete/": (403, 403, 403),
    "search/": (200, 403, 403),
    "r/<path:content_type_id>/<path:object_id>/": (404, 404, 404),
    "<app>/": (200, 404, 404),
    "(?P<url>.*)$": (404, 404, 404),
    "filters/": (405, 405, 405),
    "attachment/<uuid:row_id>/": (404, 403, 403),
    "attachment/<uuid:row_id>/preview/": (404, 403, 403),
    "accounts/apiclient/new/": (403, 403, 200),
    "accounts/user/new/": (403, 403, 200),
    "contracts/contract/import/": (200, 403, 403),
    "contracts/contract/new/": (200, 403, 403),
    "contracts/contract/<uuid:row_id>/write/": (200, 403, 403),
    "contracts/document/<uuid:row_id>/file/": (200, 403, 403),
    "ledger/": (200, 403, 403),
    "ledger/account/<str:code>/": (200, 403, 403),
    "ledger/<slug:what>/csv/": (200, 403, 403),
    "payments/bankfile/<uuid:row_id>/file/": (200, 403, 403),
    "payments/bankfile/new/": (200, 403, 403),
    "payments/statement/import/": (200, 403, 403),
    "refunds/refundrequest/<uuid:row_id>/letter/": (200, 403, 403),
    "refunds/trial/new/": (200, 403, 403),
    "refunds/trial/<uuid:row_id>/csv/": (200, 403, 403),
    "refunds/trial/<uuid:row_id>/case/<int:case_id>/": (404, 403, 403),
    "reports/": (200, 403, 403),
    "reports/<slug:by>/csv/": (200, 403, 403),
}
FINANCE_AND_AUDITORS = {"ledger/", "ledger/account/<str:code>/", "ledger/<slug:what>/csv/"}
"""What of the table is not for the other groups."""
for _model in MODELS:
    _super = 200 if _model.startswith("accounts/") else 403
    TABLE[f"{_model}/"] = (200, 403, _super)
    TABLE[f"{_model}/<path:object_id>/change/"] = (200, 403, _super)
    TABLE[f"{_model}/<path:object_id>/history/"] = (200, 403, _super)
    TABLE[f"{_model}/<path:object_id>/"] = (302, 302, 302)
    for _end in NOBODYS:
        TABLE[f"{_model}/{_end}"] = (403, 403, 403)
for _model in ACTING:
    _super = 200 if _model.startswith("accounts/") else 403
    TABLE[f"{_model}/<uuid:row_id>/do/<slug:act_name>/"] = (200, 403, _super)
TABLE["contracts/client/<uuid:row_id>/do/<slug:act_name>/"] = (404, 403, 403)
TABLE["payments/statement/<uuid:row_id>/do/<slug:act_name>/"] = (404, 403, 403)
FINANCE_ONLY = ("payments/bankfile/<uuid:row_id>/file/",)  # whole IBANs

ACTS = {
    "accounts/apiclient": "renew-secret",
    "accounts/user": "give-role",
    "contracts/contract": "add_document",
    "payments/bankfile": "confirm",
    "payments/payment": "capture",
    "payments/break": "resolve",
    "payments/payout": "cancel",
    "payments/providerevent": "again",
    "payments/reconciliation": "again",
    "payments/statementline": "match",
    "refunds/enquiry": "answer",
    "refunds/refundrequest": "approve",
    "refunds/trial": "cancel",
}


def routes(patterns: Any = None, before: str = "") -> Iterator[str]:
    for pattern in site.get_urls() if patterns is None else patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield "<app>/" if route.startswith("^(?P<app_label>") else route


def a_bank_file(scene: Scene) -> BankFile:
    """A file that Finn made, as it lies in the database."""
    content = "<Document/>"
    return BankFile.objects.create(
        message_id="RPMATRIX",
        content_sealed=seal_secret(content),
        sha256=hashlib.sha256(content.encode()).hexdigest(),
        execution_on=LATER.date(),
        payouts_count=0,
        total_minor=0,
        currency="EUR",
        created_at=LATER,
        created_by=scene.cast.finn,
    )


def a_line() -> StatementLine:
    import_statement(principal=SYSTEM, content=statement(Entry(amount="7.00")), now=LATER)
    return StatementLine.objects.get()


def rows(scene: Scene) -> dict[str, Model]:
    request = approved(scene)
    enquiry = ask_question(
        principal=scene.cast.as_alice, client_id=scene.cast.client.pk, subject="S", body="B", now=LATER
    )
    return {
        "accounts/apiclient": scene.cast.erp,
        "accounts/user": scene.cast.rita,
        "contracts/client": scene.cast.client,
        "contracts/contract": scene.contract,
        "contracts/document": evidence(scene),
        "events/event": Event.objects.order_by("pk").first(),
        "payments/account": Account.objects.first(),
        "payments/break": Break.objects.create(
            kind="ours_only", amount_minor=1, currency="EUR", found_at=LATER
        ),
        "payments/payment": scene.payment,
        "payments/payout": Payout.objects.get(request_id=request.pk),
        "payments/providerevent": ProviderEvent.objects.create(
            provider="stripe",
            external_id="evt_1",
            type="x",
            body=b"{}",
            received_at=LATER,
            next_attempt_at=LATER,
        ),
        "payments/reconciliation": Reconciliation.objects.create(
            rail="sandbox", since=LATER, started_at=LATER
        ),
        "payments/bankfile": a_bank_file(scene),
        "payments/statement": a_line().statement,
        "payments/statementline": StatementLine.objects.get(),
        "payments/transfer": Transfer.objects.first(),
        "refunds/enquiry": Enquiry.objects.get(pk=enquiry.pk),
        "refunds/refundrequest": request,
        "refunds/trial": start_trial(
            principal=scene.cast.as_rita,
            changes={"window_days": 2},
            since=LATER - timedelta(days=1),
            until=LATER + timedelta(days=1),
            now=LATER + timedelta(hours=1),
        ),
    }


def address(route: str, found: dict[str, Model]) -> str:
    """Fill a route with a record of its kind."""
    model = "/".join(route.split("/")[:2])
    key = str(found[model].pk) if model in found else "00000000-0000-0000-0000-000000000000"
    for name, value in (
        ("<uuid:row_id>", key),
        ("<path:object_id>", key),
        ("<slug:act_name>", ACTS.get(model, "nothing")),
        ("<path:content_type_id>", str(ContentType.objects.get_for_model(User).pk)),
        ("<app>/", "payments/"),
        ("<int:case_id>", "1"),
        ("<slug:by>", "clause"),
        ("<slug:what>", "entries"),
        ("<str:code>", "received:EUR"),
        ("(?P<url>.*)$", "nowhere"),
    ):
        route = route.replace(name, value)
    return f"/admin/{route}"


@pytest.fixture
def people(scene: Scene) -> dict[str, User]:
    nobody = create_user(email="nobody@company.example", name="Nobody", is_staff=True)
    boss = create_user(email="super@company.example", name="Super", is_staff=True)
    User.objects.filter(pk=boss.pk).update(is_superuser=True)
    boss.refresh_from_db()
    return {**{name: getattr(scene.cast, name) for name in READERS}, "nobody": nobody, "super": boss}


def place_of(name: str) -> int:
    return {"nobody": 1, "super": 2}.get(name, 0)


def everything() -> dict[str, int]:
    """How many rows each table of the rooms holds, and what those of cases and money say."""
    with connection.cursor() as cursor:
        counts = {}
        for table in connection.introspection.table_names(cursor):
            if table.startswith(("accounts_", "contracts_", "events_", "payments_", "refunds_")):
                cursor.execute(f"SELECT COUNT(*) FROM {connection.ops.quote_name(table)}")
                counts[table] = cursor.fetchone()[0]
        for table, column in (
            ("refunds_refundrequest", "state"),
            ("payments_payment", "status"),
            ("payments_payout", "state"),
            ("payments_bankfile", "confirmed_at"),
            ("payments_statementline", "state"),
            ("contracts_contract", "state"),
        ):
            cursor.execute(f"SELECT {column} FROM {table} ORDER BY id")
            counts[f"{table}.{column}"] = hash(tuple(cursor.fetchall()))
    return counts


def test_every_address_of_the_staff_site_is_in_the_table():
    assert sorted(set(routes())) == sorted(TABLE)


@pytest.mark.parametrize("name", [*READERS, *OUTSIDERS])
def test_reading_gives_what_the_table_says(scene: Scene, people: dict[str, User], name: str):
    found = rows(scene)
    desk = Desk(people[name])

    given = {route: desk.get(address(route, found)).status_code for route in TABLE}

    expected = {route: codes[place_of(name)] for route, codes in TABLE.items()}
    if name in ("rita", "arno"):
        expected.update(dict.fromkeys(FINANCE_AND_AUDITORS, 403))
    expected |= dict.fromkeys(FINANCE_ONLY, expected["reports/"] if name == "finn" else 403)
    # Signing in again is only a way to the first page, for those who are in.
    assert given == expected


@pytest.mark.parametrize("name", [*READERS, *OUTSIDERS])
def test_sending_something_forged_anywhere_but_to_an_act_changes_nothing(
    scene: Scene, people: dict[str, User], name: str
):
    found = rows(scene)
    desk = Desk(people[name])
    before = everything()
    forged = {
        "action": "delete_selected",
        "_selected_action": str(found["payments/payment"].pk),
        "post": "yes",
        "index": "0",
        "_save": "Save",
        "state": "approved",
        "form-TOTAL_FORMS": "1",
        "form-INITIAL_FORMS": "1",
        "form-0-id": str(found["payments/payment"].pk),
        "form-0-status": "captured",
        "groups": "1",
        "is_superuser": "on",
    }

    for route in TABLE:
        if "/do/" in route or route.endswith(("import/", "trial/new/")) or route == "logout/":
            continue
        answer = desk.post(address(route, found), forged)
        assert (
            answer.status_code in (302, 403, 404, 405)
            or route in ("", "jsi18n/", "search/")
            or (route.endswith("/new/") and answer.status_code == 422)
            or (route == "contracts/contract/new/" and answer.status_code == 200)
            or (route == "<app>/" and name in READERS)
        ), (route, answer.status_code)

    assert everything() == before


@pytest.mark.parametrize("name", ["nobody", "super"])
def test_staff_in_no_group_do_nothing_even_as_superuser(scene: Scene, people: dict[str, User], name: str):
    found = rows(scene)
    desk = Desk(people[name])
    before = everything()

    for model, act in ACTS.items():
        if model.startswith("accounts/"):
            continue
        answer = desk.post(
            address(f"{model}/<uuid:row_id>/do/{act}/", found), {"confirmed": "1", "reason": "x"}
        )
        assert answer.status_code == 403, model

    assert everything() == before


@pytest.mark.parametrize("name", ["alice", "mallory"])
def test_a_client_comes_nowhere(scene: Scene, name: str):
    found = rows(scene)
    desk = Desk(getattr(scene.cast, name))

    for route in TABLE:
        answer = desk.get(address(route, found))
        assert answer.status_code in (302, 403, 404, 405), route
        assert answer.status_code != 302 or answer.headers["Location"].startswith(("/account/", "/admin/")), (
            route
        )


def test_somebody_who_is_not_signed_in_is_led_to_the_sign_in(scene: Scene, client):
    answer = client.get("/admin/refunds/refundrequest/", follow=True)

    assert [place for place, _ in answer.redirect_chain][-1].startswith("/account/login/")


def test_a_superuser_looks_after_names_but_gives_no_rights(scene: Scene, people: dict[str, User]):
    desk = Desk(people["super"])
    rita = scene.cast.rita

    answer = desk.post(
        f"/admin/accounts/user/{rita.pk}/do/change/",
        {
            "name": "Rita S.",
            "language": "de",
            "is_active": "on",
            "is_superuser": "on",
            "is_staff": "",
            "email": "mine@evil.example",
            "groups": ["1", "2", "3"],
        },
    )

    before = set(rita.groups.all())
    rita.refresh_from_db()
    assert answer.status_code == 302
    assert (rita.name, rita.language) == ("Rita S.", "de")
    assert (rita.email, rita.is_superuser, rita.is_staff) == ("rita@company.example", False, True)
    assert set(rita.groups.all()) == before
    event = Event.objects.get(type="user.changed")
    assert (event.actor_id, event.data["fields"]) == (people["super"].pk, ["name", "language"])
