"""The whole job over HTTP, against a running server, as docs/api.md tells it."""

from uuid import uuid4

import httpx
import pytest

from accounts.scopes import SCOPES
from accounts.services import create_api_client
from contracts.services import grant_client
from contracts.tests.cast import METERS, NOW, STAGES, make_cast
from refundportal.api.tests.job import A_MINUTE_AGO


class System:
    """Another system with its credentials."""

    def __init__(self, server, *scopes, cast, staff_user=None):
        made, secret = create_api_client(name="system", scopes=scopes, staff_user=staff_user)
        grant_client(api_client=made, client_id=cast.client.pk, now=NOW)
        self._http = httpx.Client(base_url=server.url, timeout=30)
        answer = self._http.post(
            "/identity/o/api/token",
            data={
                "grant_type": "client_credentials",
                "client_id": made.oauth_client_id,
                "client_secret": secret,
            },
        )
        assert answer.status_code == 200, answer.text
        self._http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def get(self, path, **query):
        return self._done(self._http.get(f"/api/v1/{path}", params=query))

    def post(self, path, body=None):
        headers = {"Idempotency-Key": str(uuid4())}
        return self._done(self._http.post(f"/api/v1/{path}", json=body or {}, headers=headers))

    @staticmethod
    def _done(answer):
        assert answer.status_code in (200, 201), answer.text
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["X-Request-Id"]
        return answer.json()


@pytest.fixture
def cast(transactional_db):
    return make_cast()


def test_the_whole_job_is_done_by_other_systems(cast, live_server, settings):
    settings.API_APPROVAL = True
    erp = System(live_server, *(scope for scope in SCOPES if scope != "refunds:decide"), cast=cast)
    rita = System(live_server, "refunds:read", "refunds:decide", cast=cast, staff_user=cast.rita)
    arno = System(live_server, "refunds:read", "refunds:decide", cast=cast, staff_user=cast.arno)

    client = erp.get("clients/")["results"][0]["id"]
    body = {"client": client, "title": "Order desk", "currency": "EUR", "stages": STAGES, "meters": METERS}
    contract = erp.post("contracts/", body)
    erp.post(f"contracts/{contract['id']}/sign/")
    stage = next(stage["id"] for stage in contract["stages"] if stage["code"] == "S1")
    erp.post(f"stages/{stage}/start/")
    erp.post(f"stages/{stage}/deliver/", {"note": "Version 1.0"})

    amount = {"amount": "1000.00", "currency": "EUR"}
    payment = erp.post("payments/", {"stage": stage, "method": "bank", "amount": amount})
    captured = erp.post(f"payments/{payment['id']}/capture/")
    usage = {
        "source": "gateway",
        "external_id": "1",
        "contract": contract["id"],
        "meter": "api_calls",
        "quantity": "2000",
        "occurred_at": A_MINUTE_AGO,
    }
    counted = erp.post("usage-records/", {"records": [usage]})
    quote = erp.get(f"payments/{payment['id']}/refund-quote/")
    application = {
        "payment": payment["id"],
        "reason": "not_as_agreed",
        "statement": "Orders cannot be printed.",
        "expected_fingerprint": quote["facts_fingerprint"],
    }
    case = erp.post("refund-requests/", application)
    rita.post(f"refund-requests/{case['id']}/start-review/")
    found = {"AC-1": "1", "AC-2": "0", "AC-3": "1/2"}
    rita.post(f"stages/{stage}/assessments/", {"request": case["id"], "values": found, "reason": "Tested"})
    rita.post(f"refund-requests/{case['id']}/propose/")
    arno.post(f"refund-requests/{case['id']}/approve/")

    decision = erp.get(f"refund-requests/{case['id']}/decision/")
    payouts = erp.get("payouts/", request=case["id"])["results"]
    assert captured["status"] == "captured"
    assert counted == {"created": 1, "duplicates": 0}
    assert (quote["outcome"], quote["refund_at_most"]) == ("needs_review", "975.00")
    assert decision["answer"]["outcome"] == "refund_in_part"
    assert decision["answer"]["lines"] == [
        {"kind": "conforming_work", "stage": "S1", "amount": "600.00"},
        {"kind": "usage", "meter": "api_calls", "amount": "25.00"},
    ]
    assert (decision["answer"]["refund"], payouts[0]["amount"]["amount"]) == ("375.00", "375.00")
    again = erp.post("policy/evaluate/", decision["facts"])
    assert again == decision["answer"]
