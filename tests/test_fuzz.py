"""A small sample of `make fuzz`, and that it can fail."""

from argparse import Namespace

import pytest

from tests import cluster
from tests.fuzz.__main__ import fuzz, prepare

pytestmark = pytest.mark.postgresql


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@pytest.fixture(scope="module")
def variables(folder):
    return prepare(folder, cluster.start())


def a_few(only="", phases="examples,fuzzing"):
    return Namespace(seed=1, cases=2, phases=phases, only=only)


def test_a_sample_of_calls_to_every_operation_fails_nowhere(variables, folder, capsys):
    status = fuzz(a_few(), variables, folder)

    told = capsys.readouterr().out
    assert status == 0, told[-6000:]
    assert "63 operations" in told


def test_every_case_of_the_schema_is_tried_on_the_operations_about_money(variables, folder, capsys):
    status = fuzz(a_few("^(payments_create|refund_requests_create)$", "coverage"), variables, folder)

    told = capsys.readouterr().out
    assert status == 0, told[-6000:]
    assert "2 operations" in told


def test_faults_planted_in_the_portal_are_found(variables, folder, capfd):
    options = a_few("^(policy_read|clients_list)$")

    status = fuzz(options, variables, folder, application="tests.fuzz.broken")

    told = capfd.readouterr().out
    assert status == 1, told[-6000:]
    assert "❌ 2 failed" in told, told
