"""Importing contracts made elsewhere: all or nothing, every fault with its path."""

import copy
import json
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from accounts.principals import SYSTEM
from contracts.models import Client, Contract, Delivery, Document, Stage
from contracts.selectors import role_of, terms_in_force
from contracts.services import import_contracts
from contracts.tests.cast import NOW, STAGES
from events.models import Event
from kernel.errors import InvalidInput, NotPermitted

pytestmark = pytest.mark.django_db

MEMBERS = [
    {"email": "Lena@Lumen.example", "name": "Lena", "role": "owner"},
    {"email": "max@lumen.example", "name": "Max", "role": "viewer"},
]


def entry(reference="L-1", **changes):
    stages = copy.deepcopy(STAGES)
    stages[1]["deliveries"] = [
        {
            "delivered_at": "2026-05-01T12:00:00+02:00",
            "objected_at": "2026-05-04T12:00:00+02:00",
            "objected_by": "lena@lumen.example",
            "objections": [{"item": "AC-2", "text": "Prints nothing."}],
        },
        {
            "delivered_at": "2026-05-20T23:30:00+02:00",
            "accepted_at": "2026-05-22T12:00:00+02:00",
            "accepted_by": "lena@lumen.example",
        },
    ]
    stages[2]["started"] = True
    return {
        "reference": reference,
        "client": {
            "kind": "business",
            "name": "Lumen",
            "email": "office@lumen.example",
            "members": copy.deepcopy(MEMBERS),
        },
        "title": "Lights",
        "currency": "EUR",
        "signed_at": "2026-04-10T09:00:00+02:00",
        "signed_by": "lena@lumen.example",
        "stages": stages,
        **changes,
    }


def run(raw, *, folder=None, dry_run=False, principal=SYSTEM):
    return import_contracts(principal=principal, raw=raw, folder=folder, now=NOW, dry_run=dry_run)


def paths(raw, **more):
    with pytest.raises(InvalidInput) as caught:
        run(raw, **more)
    assert not Contract.objects.filter(reference="L-2").exists()
    return [fault.path for fault in caught.value.faults]


def test_an_existing_contract_arrives_with_its_parties_and_its_history():
    report = run(entry())

    assert (len(report.numbers), report.clients, report.people) == (1, 1, 2)
    contract = Contract.objects.get(number=report.numbers[0])
    lena = User.objects.get(email="lena@lumen.example")
    assert (contract.state, contract.imported, contract.signed_by) == ("signed", True, lena)
    assert contract.signed_at == datetime(2026, 4, 10, 7, 0, tzinfo=UTC)
    assert role_of(lena, contract.client) == "owner"
    first, second = Delivery.objects.filter(stage__contract=contract)
    assert (first.state, first.objected_by) == ("objected", lena)
    assert (second.state, second.accepted_by_client, second.acceptance_recorded_by) == (
        "accepted",
        True,
        lena,
    )
    states = dict(Stage.objects.filter(contract=contract).values_list("code", "state"))
    assert states == {"P1": "planned", "S1": "delivered", "S2": "in_progress"}
    due = dict(Stage.objects.filter(contract=contract).values_list("code", "due_on"))
    assert due == {"P1": date(2026, 4, 10), "S1": date(2026, 6, 3), "S2": None}
    assert terms_in_force(contract.pk, contract.signed_at).version == 1
    told = set(Event.objects.values_list("type", flat=True))
    assert {"contract.created", "contract.signed", "stage.delivered", "stage.accepted"} <= told


def test_a_contract_that_is_not_signed_arrives_as_a_draft():
    raw = entry(signed_at=None, signed_by=None)
    raw["stages"] = copy.deepcopy(STAGES)

    run(raw)

    contract = Contract.objects.get()
    assert (contract.state, contract.imported) == ("draft", False)


def test_a_contract_that_has_ended_arrives_ended():
    run(entry(ended={"state": "terminated", "at": "2026-05-30T12:00:00+02:00", "reason": "Sold."}))

    contract = Contract.objects.get()
    assert (contract.state, contract.end_reason) == ("terminated", "Sold.")
    assert contract.ended_at == datetime(2026, 5, 30, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize("wrap", [lambda rows: rows, lambda rows: {"contracts": rows}])
def test_many_contracts_of_one_client_are_one_client(wrap):
    report = run(wrap([entry("L-1"), entry("L-2")]))

    assert (len(report.numbers), report.clients, report.people) == (2, 1, 2)
    assert Client.objects.count() == 1


def test_a_client_that_is_known_by_address_and_name_is_used():
    run(entry("L-1"))

    report = run(entry("L-3"))

    assert (report.clients, report.people, Client.objects.count()) == (0, 0, 1)


def test_the_same_contract_is_not_imported_twice():
    run(entry("L-1"))

    assert paths([entry("L-2"), entry("L-1")]) == ["contracts[1].reference"]
    assert Contract.objects.count() == 1


def test_one_fault_anywhere_stores_nothing_at_all():
    broken = entry("L-2")
    broken["stages"][1]["amount"] = "1.001"

    assert paths([entry("L-1"), broken]) == ["contracts[1].stages[1].amount"]
    assert not Client.objects.exists()
    assert not User.objects.exists()
    assert not Event.objects.exists()


def test_a_dry_run_finds_what_the_run_would_find_and_stores_nothing(tmp_path, private_files):
    (tmp_path / "a.txt").write_text("We promise.")
    document = {"kind": "contract", "title": "Contract", "path": "a.txt"}

    report = run(entry(documents=[document]), folder=tmp_path, dry_run=True)

    assert (len(report.numbers), report.documents) == (1, 1)
    assert not Contract.objects.exists()
    assert not Event.objects.exists()
    assert not [path for path in private_files.rglob("*") if path.is_file()]


def test_documents_stand_beside_the_file(tmp_path):
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "contract.txt").write_text("We promise.")

    run(
        entry(documents=[{"kind": "contract", "title": "Contract", "path": "papers/contract.txt"}]),
        folder=tmp_path,
    )

    document = Document.objects.get()
    assert (document.file_name, document.kind) == ("contract.txt", "contract")
    assert Contract.objects.get().signed_sha256 == document.sha256


@pytest.mark.parametrize(
    "path", ["../secret.txt", "/etc/hostname", "nothing.txt", ".", "page.html", "empty.txt"]
)
def test_a_document_that_cannot_be_kept_stops_the_import(tmp_path, path, private_files):
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (home / "page.html").write_text("<html>")
    (home / "empty.txt").write_text("")
    (home / "good.txt").write_text("good")
    documents = [
        {"kind": "other", "title": "Good", "path": "good.txt"},
        {"kind": "other", "title": "Bad", "path": path},
    ]

    assert paths(entry("L-2", documents=documents), folder=home) == ["contracts[0].documents[1].path"]
    assert not [file for file in private_files.rglob("*") if file.is_file()]


def change_delivery(place, **changes):
    raw = entry("L-2")
    raw["stages"][1]["deliveries"][place].update(changes)
    return raw


LATE = (NOW + timedelta(seconds=1)).isoformat()
D = "contracts[0].stages[1].deliveries"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (entry(None), ["contracts[0].reference"]),
        (entry("L-2", signed_at=LATE, stages=STAGES), ["contracts[0].signed_at"]),
        (entry("L-2", signed_at="2026-04-10"), ["contracts[0].signed_at"]),
        (entry("L-2", signed_by="max@lumen.example"), ["contracts[0].signed_by"]),
        (entry("L-2", signed_at=None, stages=STAGES), ["contracts[0].signed_by"]),
        (entry("L-2", client="Lumen"), ["contracts[0].client"]),
        (entry("L-2", number="C-1"), ["contracts[0].number"]),
        (
            entry("L-2", ended={"state": "terminated", "at": "2026-05-30T12:00:00Z"}),
            ["contracts[0].ended"],
        ),
        (
            entry("L-2", ended={"state": "completed", "at": "2026-04-01T12:00:00Z"}),
            ["contracts[0].ended.at"],
        ),
        (change_delivery(1, delivered_at=LATE, accepted_at=None, accepted_by=None), [f"{D}[1].delivered_at"]),
        (change_delivery(0, delivered_at="2026-04-01T12:00:00Z"), [f"{D}[0].delivered_at"]),
        (change_delivery(1, delivered_at="2026-05-03T12:00:00Z"), [f"{D}[1].delivered_at"]),
        (change_delivery(1, accepted_at="2026-05-20T12:00:00Z"), [f"{D}[1].accepted_at"]),
        (change_delivery(1, accepted_by=None), [f"{D}[1].accepted_at"]),
        (change_delivery(1, accepted_by="max@lumen.example"), [f"{D}[1].accepted_by"]),
        (change_delivery(1, accepted_by=None, protocol="None"), [f"{D}[1].protocol"]),
        (
            change_delivery(1, objected_at="2026-05-23T12:00:00Z"),
            [f"{D}[1].objected_at", f"{D}[1].objected_at"],
        ),
        (change_delivery(0, objections=[]), [f"{D}[0].objected_at"]),
        (change_delivery(0, objections=[{"item": "AC-9", "text": "?"}]), [f"{D}[0].objections[0].item"]),
        (
            change_delivery(0, objected_at=None, objected_by=None, objections=None),
            [f"{D}[0]"],
        ),
    ],
)
def test_a_history_that_cannot_have_been_is_refused_with_its_path(raw, expected):
    assert paths(raw) == expected


def test_work_before_the_signature_is_refused():
    assert paths(entry("L-2", signed_at=None, signed_by=None)) == [
        "contracts[0].stages[1].deliveries",
        "contracts[0].stages[2].started",
    ]


def test_a_prepayment_has_no_history():
    raw = entry("L-2")
    raw["stages"][0]["started"] = True

    assert paths(raw) == ["contracts[0].stages[0].started"]


def test_a_client_is_told_the_same_way_each_time():
    other = entry("L-2")
    other["client"]["kind"] = "consumer"

    assert paths([entry("L-1"), other]) == ["contracts[1].client"]


def test_a_client_that_is_known_as_a_business_does_not_become_a_consumer():
    run(entry("L-1"))
    other = entry("L-2")
    other["client"]["kind"] = "consumer"

    assert paths(other) == ["contracts[0].client.kind"]


def test_members_and_references_stand_once():
    raw = entry("L-2")
    raw["client"]["members"].append({"email": "lena@lumen.example", "name": "Lena", "role": "viewer"})

    assert paths(raw) == ["contracts[0].client.members[2].email"]
    assert paths([entry("L-2"), entry("L-2")]) == ["contracts[1].reference"]


def test_all_faults_of_all_contracts_are_told_at_once():
    first, second = entry("L-1", currency="EURO"), entry("L-2", title="")
    second["stages"][1]["deliveries"][1]["accepted_by"] = "max@lumen.example"
    second["terms"] = {"window_days": "3"}

    assert paths([first, second]) == [
        "contracts[0].currency",
        "contracts[1].title",
        "contracts[1].stages[1].deliveries[1].accepted_by",
        "contracts[1].terms.window_days",
    ]


@pytest.mark.parametrize("raw", [[], {"contracts": []}, {"contracts": {}}, 7, None, "x", [[]]])
def test_what_is_no_import_is_refused(raw):
    assert paths(raw)


def test_only_those_who_do_contract_work_import(cast):
    with pytest.raises(NotPermitted):
        run(entry(), principal=cast.as_alice)


def command(path, *options):
    out, err = StringIO(), StringIO()
    call_command("import_contracts", str(path), *options, stdout=out, stderr=err)
    return out.getvalue() + err.getvalue()


def refusal(path, *options):
    out, err = StringIO(), StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("import_contracts", str(path), *options, stdout=out, stderr=err)
    assert not Contract.objects.exists()
    assert caught.value.returncode == 1
    return f"{err.getvalue()}{caught.value}"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "contracts.json"
    path.write_text(json.dumps([entry("L-1"), entry("L-5")]), encoding="utf-8")
    return path


def test_the_command_imports_a_file(file):
    said = command(file)

    assert "Stored 2 contracts, 1 new clients, 2 new people, 0 documents" in said
    assert all(number in said for number in Contract.objects.values_list("number", flat=True))


def test_the_command_tries_a_file(file):
    assert "No fault was found: 2 contracts" in command(file, "--dry-run")
    assert not Contract.objects.exists()


def test_the_command_names_each_fault_on_its_line(file):
    broken = entry("L-2")
    broken["stages"][0]["amount"] = "300.001"
    broken["payment_days"] = "soon"
    file.write_text(json.dumps([entry("L-1"), broken]))

    said = refusal(file)

    assert "contracts[1].stages[0].amount: must have at most 2 decimals" in said
    assert "contracts[1].payment_days: must be a whole number" in said
    assert "Nothing was stored." in said


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is not JSON"),
        (b"[", "is not JSON"),
        (b"\xff\xfe[\x00]\x00", "is not written in UTF-8"),
        (b'[{"payment_days": NaN}]', "NaN is no number"),
        (b"[" * 100_000, "is nested too deeply"),
        (b'{"title": "a", "title": "b"}', "contracts[0].title: is there more than once"),
        (b'{"payment_days": ' + b"9" * 5000 + b"}", "is not JSON"),
    ],
)
def test_the_command_refuses_what_is_no_file_of_contracts(file, content, says):
    file.write_bytes(content)

    assert says in refusal(file)


def test_the_command_reads_a_file_with_a_byte_order_mark(file):
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())

    assert "Stored 2 contracts" in command(file)


def test_the_command_says_when_there_is_no_file(tmp_path):
    assert "cannot be read" in refusal(tmp_path / "nothing.json")
