"""The policy against a second, plainly written reading of it, over random facts."""

import json
import os
from random import Random

import pytest
from django.conf import settings

from refunds.policy.codes import Outcome, Reason
from refunds.policy.interchange import evaluate_json
from refunds.tests.random_facts import random_facts
from refunds.tests.reference_policy import reference_answer

# No case touches the database: the whole number runs once, with the database that every machine has.
ON_SQLITE = settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")
CASES = int(os.environ.get("REFERENCE_CASES") or (100_000 if ON_SQLITE else 8_000))
RUNS = 8


def exact_part(raw):
    answer = evaluate_json(raw, default_time_zone="UTC")
    assert "error" not in answer, (raw, answer)
    del answer["findings"], answer["data_versions"]
    return answer


@pytest.mark.parametrize("seed", range(RUNS))
def test_both_readings_of_the_policy_agree(seed):
    random = Random(f"policy {seed} {CASES}")

    for number in range(CASES // RUNS):
        raw = random_facts(random, number)
        assert exact_part(raw) == reference_answer(raw), json.dumps(raw)


def test_random_facts_reach_every_row_of_the_policy():
    random = Random("every row")
    answers = [exact_part(random_facts(random, number)) for number in range(3_000)]

    assert {answer["outcome"] for answer in answers} == set(Outcome)
    assert {reason for answer in answers for reason in answer["reasons"]} == set(Reason)
