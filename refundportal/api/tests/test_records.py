"""The letter of a decision over REST."""

from io import BytesIO

import pytest
from pypdf import PdfReader

from contracts.models import Client
from refundportal.api.tests.job import apply, assess, delivered_contract, pay, step


@pytest.fixture
def case(cast, erp, rita):
    contract = delivered_contract(cast)
    case = apply(erp, pay(erp, contract))
    step(rita, case, "start-review")
    assess(rita, case, contract, {"AC-1": "1", "AC-2": "0", "AC-3": "0"})
    return step(rita, case, "propose")


def letter(erp, case, **headers):
    return erp.get(f"refund-requests/{case['id']}/decision.pdf", **headers)


def text(answer):
    return PdfReader(BytesIO(answer.content)).pages[0].extract_text()


@pytest.mark.parametrize("accept", ["application/pdf", "*/*", "application/json"])
def test_the_letter_is_given_as_a_file_whatever_else_the_caller_would_take(erp, arno, case, accept):
    step(arno, case, "approve")

    answer = letter(erp, case, Accept=accept)

    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    assert answer["Content-Disposition"] == f'attachment; filename="{case["number"]}-answer.pdf"'
    assert "500.00 EUR" in text(answer)


def test_it_is_in_the_language_of_the_client(erp, arno, case):
    Client.objects.update(language="de")
    step(arno, case, "approve")

    assert "500,00 EUR" in text(letter(erp, case))


def test_the_same_letter_is_the_same_file(erp, arno, case):
    step(arno, case, "approve")

    assert letter(erp, case).content == letter(erp, case).content


@pytest.mark.parametrize("accept", ["application/pdf", "application/json"])
def test_before_there_is_a_decision_there_is_no_letter(erp, case, accept):
    answer = letter(erp, case, Accept=accept)

    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert answer.json()["code"] == "not_found"
