"""Facts changed at random, as bad luck would: never a crash, always an answer or faults."""

import json
from copy import deepcopy
from random import Random

import pytest

from refunds.policy.interchange import evaluate_json
from refunds.tests.malformed import at, leaves, sound
from refunds.tests.random_facts import random_facts

ODD = [
    *(
        None,
        True,
        False,
        0,
        -1,
        3.0,
        1e300,
        10**30,
        "",
        "x",
        "-1",
        "1/3",
        "0.001",
        "1" * 40,
        "NaN",
        "９",
        "\ud800",
    ),
    *(
        [],
        {},
        [None],
        {"a": {}},
        [[[]]],
        "2026-06-02T14:05:00Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
    ),
    *(
        "EUR",
        "JPY",
        "CLF",
        "captured",
        "time",
        "metered",
        "Europe/Berlin",
        "Pacific/Apia",
        "elapsed",
        "S1",
        "DE",
    ),
]


def spoil(random, document):
    """Change one thing somewhere, at random."""
    path = random.choice(list(leaves(document)))
    holder, step = at(document, path)
    act = random.randrange(5)
    if act == 0:
        del holder[step]
    elif act == 1 and isinstance(holder, dict):
        holder[random.choice(("surprise", "amount", "stage", "ä b"))] = random.choice(ODD)
    elif act == 2 and isinstance(holder, list):
        holder.append(deepcopy(random.choice(holder)))
    else:
        holder[step] = deepcopy(random.choice(ODD))


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_changed_there_is_an_answer_or_faults_and_never_a_crash(seed):
    random = Random(f"spoilt {seed}")
    answers, errors = 0, 0

    for number in range(2_500):
        document = deepcopy(sound()) if number % 2 else random_facts(random, number)
        for _ in range(random.choice((1, 1, 2, 5))):
            spoil(random, document)
        written = json.dumps(evaluate_json(document, default_time_zone="UTC"), allow_nan=False)
        found = json.loads(written)
        assert ("error" in found) != ("outcome" in found)
        if "error" in found:
            errors += 1
            assert found["error"]["errors"]
        else:
            answers += 1
    assert answers > 100
    assert errors > 1_000
