import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.seals import EMPTY_ROOT, Entry, MerkleTree, canonical, chain_digest, instant, written_at
from kernel.ids import new_id

NOON = datetime(2026, 6, 2, 12, 0, tzinfo=UTC)
ENTRY = Entry(
    position=1,
    id=UUID(int=1),
    type="payment.captured",
    subject_type="payment",
    subject_id=UUID(int=2),
    client_id=None,
    actor_kind="system",
    actor_id=None,
    at=NOON,
    data={"b": "é", "a": [1, {"d": 2, "c": 3}]},
)
SEAL = {"first": 1, "last": 3, "root": "ab", "previous": "cd", "sealed_at": NOON}


def root_of(leaves):
    tree = MerkleTree()
    for leaf in leaves:
        tree.add(leaf)
    return tree.root()


def root_by_definition(leaves):
    """RFC 6962, section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    left, right = root_by_definition(leaves[:split]), root_by_definition(leaves[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


@given(st.lists(st.binary(max_size=8), max_size=70))
def test_the_root_is_that_of_the_standard(leaves):
    assert root_of(leaves) == root_by_definition(leaves).hex()


def test_the_root_of_the_standard_s_own_example():
    leaves = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]

    root = root_of([bytes.fromhex(leaf) for leaf in leaves])

    assert root == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    assert root_of([]) == EMPTY_ROOT


@given(st.lists(st.binary(max_size=4), min_size=1, max_size=20), st.data())
def test_a_root_tells_any_change_of_a_leaf_its_order_or_its_number(leaves, data):
    place = data.draw(st.integers(0, len(leaves) - 1))
    changed = [*leaves[:place], leaves[place] + b"!", *leaves[place + 1 :]]

    assert root_of(changed) != root_of(leaves)
    assert root_of(leaves[:-1]) != root_of(leaves)
    if leaves != leaves[::-1]:
        assert root_of(leaves[::-1]) != root_of(leaves)


def test_the_canonical_form_is_sorted_whatever_the_order_it_was_read_in():
    other = ENTRY._replace(data={"a": [1, {"c": 3, "d": 2}], "b": "é"})

    text = canonical(ENTRY).decode()

    assert canonical(other) == canonical(ENTRY)
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    assert '"at":"2026-06-02T12:00:00.000000+00:00"' in text


@pytest.mark.parametrize(
    "change",
    [
        {"position": 2},
        {"id": UUID(int=9)},
        {"type": "payment.voided"},
        {"subject_type": "payout"},
        {"subject_id": UUID(int=9)},
        {"client_id": UUID(int=9)},
        {"actor_kind": "staff"},
        {"actor_id": UUID(int=9)},
        {"at": NOON + timedelta(microseconds=1)},
        {"data": {}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_canonical_form_covers_every_field(change):
    assert canonical(ENTRY._replace(**change)) != canonical(ENTRY)


def test_an_instant_reads_the_same_from_every_zone():
    in_berlin = NOON.astimezone(timezone(timedelta(hours=2)))

    assert instant(in_berlin) == instant(NOON)


@pytest.mark.parametrize(
    "change",
    [{"first": 2}, {"last": 4}, {"root": "ac"}, {"previous": ""}, {"sealed_at": NOON + timedelta(seconds=1)}],
    ids=lambda change: next(iter(change)),
)
def test_a_seal_s_digest_covers_every_field(change):
    assert chain_digest(**(SEAL | change)) != chain_digest(**SEAL)


def test_an_id_tells_when_it_was_made():
    before = datetime.now(UTC) - timedelta(seconds=1)

    assert before <= written_at(new_id()) <= datetime.now(UTC)
