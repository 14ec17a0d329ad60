"""The examples are contracts as companies have them, and import as they stand."""

import json
from pathlib import Path

import pytest

from accounts.principals import SYSTEM
from contracts.models import Client, Contract, Delivery, Document, Meter, PrepaymentShare, Stage
from contracts.services import import_contracts
from contracts.tests.cast import NOW

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
FILES = sorted(EXAMPLES.glob("*.json"))

pytestmark = pytest.mark.django_db


def import_file(path: Path):
    raw = json.loads(path.read_text(encoding="utf-8"))
    return import_contracts(principal=SYSTEM, raw=raw, folder=path.parent, now=NOW)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_example_imports_alone(path):
    report = import_file(path)

    assert len(report.numbers) == Contract.objects.count() > 0


def test_all_examples_import_together_and_cover_what_contracts_can_be():
    for path in FILES:
        import_file(path)

    terms = {
        (contract.currency, contract.terms_versions.get().time_zone) for contract in Contract.objects.all()
    }
    assert terms == {
        ("EUR", "Europe/Berlin"),
        ("USD", "America/New_York"),
        ("JPY", "Asia/Tokyo"),
        ("KWD", "Asia/Kuwait"),
    }
    assert set(Contract.objects.values_list("state", flat=True)) == {"draft", "signed", "terminated"}
    assert set(Client.objects.values_list("kind", flat=True)) == {"business", "consumer"}
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered", "accepted", "objected"}
    assert set(Meter.objects.values_list("kind", flat=True)) == {"metered", "time"}
    assert max(contract.stages.count() for contract in Contract.objects.all()) == 12
    assert Client.objects.filter(name__startswith="Hafenkontor").count() == 1
    assert Document.objects.count() == 3


def test_in_every_example_the_parts_sum_to_the_whole():
    for path in FILES:
        import_file(path)

    for contract in Contract.objects.all():
        assert sum(contract.stages.values_list("amount_minor", flat=True)) == contract.total_minor
    for prepayment in Stage.objects.filter(kind="prepayment"):
        shares = PrepaymentShare.objects.filter(prepayment=prepayment).values_list("amount_minor", flat=True)
        assert sum(shares) == prepayment.amount_minor
