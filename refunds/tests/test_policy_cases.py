"""Worked cases, each through the command: the project's own and, where it is at hand, the handbook's."""

import io
import json
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

OWN = Path(__file__).with_name("cases") / "answers.jsonl"
HANDBOOK = Path(settings.BASE_DIR).parent / "shared" / "policy_cases.jsonl"

CASES = [
    pytest.param(json.loads(line), id=f"{path.parent.name}-{json.loads(line)['input']['id']}")
    for path in (OWN, HANDBOOK)
    if path.exists()
    for line in path.read_text("utf-8").splitlines()
]

MAY_BE_MORE = {"policy_version", "findings", "data_versions"}


@pytest.mark.parametrize("case", CASES)
def test_a_worked_case_gives_its_answer(case, tmp_path):
    lines = tmp_path / "lines.jsonl"
    lines.write_text(json.dumps(case["input"], ensure_ascii=False) + "\n", "utf-8")
    written = io.StringIO()

    if "paths" in case:
        with pytest.raises(SystemExit) as ended:
            call_command("evaluate_policy", str(lines), stdout=written)
        assert ended.value.code == 1
        found = json.loads(written.getvalue())
        assert found["error"]["code"] == case["expected"]["error"]["code"]
        assert [error["path"] for error in found["error"]["errors"]] == case["paths"]
        return
    call_command("evaluate_policy", str(lines), stdout=written)
    found = json.loads(written.getvalue())
    assert {name: found.get(name) for name in case["expected"]} == case["expected"]
    assert set(found) - set(case["expected"]) <= MAY_BE_MORE


def test_the_projects_own_cases_cover_every_outcome_and_reason():
    from refunds.policy.codes import Outcome, Reason

    expected = [param.values[0]["expected"] for param in CASES if "error" not in param.values[0]["expected"]]

    assert {answer["outcome"] for answer in expected} == set(Outcome)
    own = [json.loads(line)["expected"] for line in OWN.read_text("utf-8").splitlines()]
    missing = set(Reason) - {reason for answer in own for reason in answer["reasons"]}
    assert missing <= {
        Reason.PAYMENT_CHARGED_BACK,
        Reason.REQUEST_ALREADY_OPEN,
        Reason.STATUTORY_RIGHT_CHECK,
    }
