"""Whatever arrives is read or refused with paths; nothing else ever happens."""

import copy
import json
import random

import pytest

from contracts.drafts import parse_amendment, parse_contract
from contracts.drafts.imports import parse_import
from contracts.tests.cast import METERS, NOW, STAGES
from contracts.tests.test_imports import entry
from kernel.errors import InvalidInput

ODD = [
    None,
    True,
    False,
    0,
    -1,
    3.5,
    10**400,
    "",
    " ",
    "\u0000",
    "\ud800",
    "x" * 5000,
    "1e5",
    "-0",
    "٣",
    "999999999999999999.99",
    "9" * 40,
    "2026-02-30T00:00:00Z",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    [],
    {},
    [[]],
    [None],
    {"": None},
    {"code": {}},
    ["S1"] * 600,
]

CONTRACT = {
    "client": "018f0000-0000-7000-8000-000000000001",
    "title": "Order desk",
    "currency": "EUR",
    "total": "1800.00",
    "payment_days": 14,
    "terms": {"window_days": 5, "holiday_calendar": "DE"},
    "stages": STAGES,
    "meters": METERS,
}
AMENDMENT = {
    "change": [{"code": "P1", "amount": "100.00", "shares": {"S1": "100.00"}}],
    "add": [{"code": "S3", "title": "New", "kind": "work", "amount": "1.00", "items": []}],
    "remove": ["S2"],
}
READERS = {
    "contract": (CONTRACT, lambda raw: parse_contract(raw, default_time_zone="Europe/Berlin")),
    "amendment": (AMENDMENT, lambda raw: parse_amendment(raw, currency="EUR")),
    "import": (
        {
            "contracts": [
                entry("A", documents=[{"kind": "contract", "title": "C", "path": "c.txt"}]),
                entry("B"),
            ]
        },
        lambda raw: parse_import(raw, default_time_zone="Europe/Berlin", now=NOW),
    ),
}


def places(node, at=()):
    """Every place in a document, as a chain of keys and indexes."""
    yield at
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield from places(child, (*at, key))


def spoil(document, chance):
    """Put something odd in one place, drop it, or say it twice."""
    spoilt = copy.deepcopy(document)
    *way, last = chance.choice([place for place in places(spoilt) if place])
    node = spoilt
    for key in way:
        node = node[key]
    deed = chance.randrange(4)
    if deed == 0:
        del node[last]
    elif deed == 1 and isinstance(node, list):
        node.append(copy.deepcopy(node[last]))
    elif deed == 1:
        node[f"{last}_"] = node[last]
    else:
        node[last] = copy.deepcopy(chance.choice(ODD))
    return spoilt


def faults_of(read, document):
    """The paths that are refused, or None if the document was read."""
    try:
        read(document)
    except InvalidInput as error:
        return [fault.path for fault in error.faults if fault.message]
    return None


@pytest.mark.parametrize("kind", READERS)
def test_a_spoilt_document_is_read_or_refused_with_paths(kind):
    document, read = READERS[kind]
    chance = random.Random(kind)
    refused = 0

    for _ in range(1500):
        spoilt = spoil(document, chance)
        if chance.random() < 0.5 and isinstance(spoilt, dict) and spoilt:
            spoilt = spoil(spoilt, chance)
        faults = faults_of(read, spoilt)
        refused += faults is not None
        assert faults is None or faults, json.dumps(spoilt)[:500]

    assert refused > 900


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_an_odd_value_in_place_of_a_document_is_refused(kind, odd):
    with pytest.raises(InvalidInput):
        READERS[kind][1](odd)


@pytest.mark.parametrize("kind", READERS)
def test_the_documents_themselves_are_read(kind):
    document, read = READERS[kind]

    assert read(copy.deepcopy(document))
