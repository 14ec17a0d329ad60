"""
The examples of the OpenAPI document were recorded from a whole job, and are what is answered still.

Recorded anew by `RECORD_EXAMPLES=yes .venv/bin/pytest refundportal/api/tests/test_examples.py`.
"""

import json
import os

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.scopes import SCOPES
from contracts.tests.cast import METERS, STAGES
from events.journal import sequence_events
from events.models import Delivery
from refundportal.api.document import EXAMPLES
from refundportal.api.links import LINKS
from refundportal.api.tests.document import document, faults_of
from refundportal.api.tests.job import ago
from refundportal.api.tests.recording import Recording, same_shape
from refundportal.api.tests.test_policy import FACTS


def pdf(name):
    return SimpleUploadedFile(name, b"%PDF-1.4\n%%EOF\n", content_type="application/pdf")


def done(answer):
    assert answer.status_code < 300, answer.content
    return answer.json()


class Job:
    """Everything that other systems can do, done once."""

    def __init__(self, cast, recording):
        self.cast = cast
        scopes = [scope for scope in SCOPES if scope != "refunds:decide"]
        decides = ("contracts:read", "refunds:read", "refunds:write", "refunds:decide")
        self.erp = recording.caller(*scopes, all_clients=True)
        self.rita = recording.caller(*decides, all_clients=True, staff_user=cast.rita)
        self.arno = recording.caller(*decides, all_clients=True, staff_user=cast.arno)

    def agree(self):
        erp = self.erp
        done(erp.get("policy/"))
        done(erp.post("policy/evaluate/", FACTS))
        client = {"kind": "business", "name": "Brandt Joinery", "email": "office@brandt-joinery.example"}
        self.client = done(erp.post("clients/", {**client, "address": "Sawmill Lane 4"}))["id"]
        done(erp.patch(f"clients/{self.client}/", {"language": "de"}))
        done(erp.get(f"clients/{self.client}/"))
        done(erp.get("clients/"))
        body = {"client": self.client, "title": "Order desk", "currency": "EUR", "reference": "PO-4711"}
        made = done(erp.post("contracts/", {**body, "total": "1800.00", "stages": STAGES, "meters": METERS}))
        self.contract, self.stages = made["id"], {stage["code"]: stage["id"] for stage in made["stages"]}
        signed = {"kind": "contract", "title": "Signed contract", "file": pdf("contract.pdf")}
        done(erp.upload(f"contracts/{self.contract}/documents/", signed))
        done(erp.get(f"contracts/{self.contract}/documents/"))
        done(erp.post(f"contracts/{self.contract}/sign/", {"terms_version": 1}))
        done(erp.post(f"contracts/{self.contract}/terms/", {"window_days": 7}))
        done(erp.get(f"contracts/{self.contract}/terms/"))
        done(erp.get(f"contracts/{self.contract}/"))
        done(erp.get("contracts/", {"state": "signed"}))

    def work(self):
        erp, stage = self.erp, self.stages["S1"]
        done(erp.post(f"stages/{stage}/start/"))
        done(erp.post(f"stages/{stage}/deliver/", {"note": "Version 1.0"}))
        objections = [{"item": "AC-2", "text": "Orders cannot be printed."}]
        done(erp.post(f"stages/{stage}/object/", {"objections": objections}))
        done(erp.post(f"stages/{stage}/deliver/", {"note": "Version 1.1"}))
        done(erp.get(f"stages/{stage}/"))
        protocol = {"kind": "protocol", "title": "Acceptance", "file": pdf("protocol.pdf")}
        document_id = done(erp.upload(f"contracts/{self.contract}/documents/", protocol))["id"]
        other = self.stages["S2"]
        done(erp.post(f"stages/{other}/start/"))
        done(erp.post(f"stages/{other}/deliver/"))
        done(erp.post(f"stages/{other}/accept/", {"protocol": document_id}))

    def pay(self, amount="1000.00"):
        amount = {"amount": amount, "currency": "EUR"}
        body = {"stage": self.stages["S1"], "method": "bank", "amount": amount, "reference": "Invoice 17"}
        return done(self.erp.post("payments/", body))["id"]

    def be_paid(self):
        erp = self.erp
        self.payment = self.pay("900.00")
        done(erp.post(f"payments/{self.payment}/capture/", {"captured_at": ago(minutes=5)}))
        for act in ("fail", "void"):
            done(erp.post(f"payments/{self.pay('1.00')}/{act}/", {"reason": "It did not come."}))
        disputed = self.pay("2.00")
        done(erp.post(f"payments/{disputed}/capture/"))
        done(erp.post(f"payments/{disputed}/dispute/", {"reason": "The bank says so."}))
        done(erp.get(f"payments/{self.payment}/"))
        done(erp.get("payments/", {"contract": self.contract}))
        record = {"source": "gateway", "external_id": "2026-11-23/7", "contract": self.contract}
        used = {**record, "meter": "api_calls", "quantity": "2000", "occurred_at": ago(minutes=1)}
        hosted = {**record, "external_id": "2026-11/hosting", "meter": "hosting"}
        period = {**hosted, "start": ago(minutes=3), "end": ago(minutes=2)}
        done(erp.post("usage-records/", {"records": [used, period]}))
        done(erp.get(f"contracts/{self.contract}/usage/"))

    def apply(self):
        quote = done(self.erp.get(f"payments/{self.payment}/refund-quote/"))
        body = {
            "payment": self.payment,
            "reason": "not_as_agreed",
            "statement": "Orders cannot be printed.",
            "objections": [{"stage": "S1", "item": "AC-2", "text": "The printer stays silent."}],
            "expected_fingerprint": quote["facts_fingerprint"],
        }
        return "refund-requests/" + done(self.erp.post("refund-requests/", body))["id"]

    def be_refunded(self):
        erp, rita = self.erp, self.rita
        done(erp.post(f"{self.apply()}/withdraw/"))
        case = self.apply()
        done(erp.get(f"{case}/"))
        done(erp.get("refund-requests/", {"payment": self.payment}))
        done(rita.post(f"{case}/start-review/"))
        done(rita.post(f"{case}/request-information/", {"question": "Which printer is it?"}))
        done(erp.post(f"{case}/messages/", {"body": "The one in the yard."}))
        done(erp.get(f"{case}/messages/"))
        done(erp.upload(f"{case}/attachments/", {"file": pdf("printer.pdf")}))
        if done(erp.get(f"{case}/"))["state"] != "in_review":
            done(rita.post(f"{case}/start-review/"))
        reason = {"reason": "Our own load test."}
        usage = [{"source": "gateway", "external_id": "2026-11-23/7"}]
        done(rita.post(f"{case}/usage-exclusions/", {"records": usage, **reason}))
        defect = {"stage": self.stages["S1"], "holds": True, "reason": "Seen only under load."}
        done(rita.post(f"{case}/hidden-defects/", defect))
        self.assess(case)
        self.check_law()
        for _ in range(2):
            done(rita.post(f"{case}/propose/", {"note": "Tested on 23 November."}))
            if _ == 0:
                done(self.arno.post(f"{case}/send-back/", {"reason": "Please test printing once more."}))
        done(self.arno.post(f"{case}/approve/"))
        done(erp.get(f"{case}/decision/"))
        assert erp.get(f"{case}/decision.pdf").status_code == 200
        paid = done(erp.get("payouts/", {"request": case.partition("/")[2]}))["results"]
        done(erp.get(f"payouts/{paid[0]['id']}/"))

    def assess(self, case):
        values = {"AC-1": "1", "AC-2": "0", "AC-3": "1/2"}
        body = {"request": case.partition("/")[2], "values": values, "reason": "Tested on 23 November."}
        done(self.rita.post(f"stages/{self.stages['S1']}/assessments/", body))
        done(self.rita.get(f"stages/{self.stages['S1']}/assessments/"))

    def check_law(self):
        """A consumer pays for something else."""
        consumer = {"kind": "consumer", "name": "Alice Brandt", "email": "alice@brandt-joinery.example"}
        client = done(self.erp.post("clients/", consumer))["id"]
        body = {"client": client, "title": "A bookshop", "currency": "EUR", "stages": STAGES[1:2]}
        contract = done(self.erp.post("contracts/", body))
        done(self.erp.post(f"contracts/{contract['id']}/sign/"))
        self.stages["S1"], kept = contract["stages"][0]["id"], self.stages["S1"]
        self.payment, paid = self.pay(), self.payment
        done(self.erp.post(f"payments/{self.payment}/capture/"))
        body = {"payment": self.payment, "reason": "other", "statement": "I changed my mind."}
        case = "refund-requests/" + done(self.erp.post("refund-requests/", body))["id"]
        done(self.rita.post(f"{case}/start-review/"))
        found = {"holds": False, "reason": "No distance contract."}
        done(self.rita.post(f"{case}/statutory-check/", found))
        done(self.erp.post(f"contracts/{contract['id']}/terminate/", {"reason": "Agreed by both."}))
        self.stages["S1"], self.payment = kept, paid

    def be_told(self):
        erp = self.erp
        question = {"client": self.client, "contract": self.contract, "subject": "Terms"}
        done(erp.post("enquiries/", {**question, "body": "From when do the new terms count?"}))
        done(erp.get("enquiries/"))
        body = {"url": "https://erp.example.com/hooks", "types": ["payment.captured"]}
        endpoint = "webhook-endpoints/" + done(erp.post("webhook-endpoints/", body))["id"]
        done(erp.patch(f"{endpoint}/", {"types": []}))
        done(erp.post(f"{endpoint}/rotate-secret/"))
        done(erp.post(f"{endpoint}/test/"))
        sequence_events(batch_max=1000)
        delivery = Delivery.objects.get(event__type="webhook_endpoint.tested")
        Delivery.objects.update(state="dead")
        done(erp.post(f"deliveries/{delivery.pk}/resend/"))
        done(erp.get(f"{endpoint}/deliveries/"))
        done(erp.get("webhook-endpoints/"))
        done(erp.get(f"{endpoint}/"))
        done(erp.delete(f"{endpoint}/"))
        done(erp.get("events/", {"client": self.client, "page_size": 3}))


@pytest.fixture
def recorded(cast, settings):
    """The calls of a whole job."""
    settings.API_APPROVAL = True
    recording = Recording()
    job = Job(cast, recording)
    for part in (job.agree, job.work, job.be_paid, job.be_refunded, job.be_told):
        part()
    return recording


def operations():
    return {
        operation["operationId"]: operation
        for methods in document()["paths"].values()
        for operation in methods.values()
    }


def test_every_operation_can_be_called_with_success_and_answers_like_its_example(recorded):
    if os.environ.get("RECORD_EXAMPLES") == "yes":
        EXAMPLES.write_text(
            json.dumps(recorded.as_json(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        )
    kept = json.loads(EXAMPLES.read_text())

    assert recorded.operations == set(operations())
    for part, now in recorded.as_json().items():
        assert now.keys() == kept[part].keys()
        assert [name for name in now if not same_shape(now[name], kept[part][name])] == []


def test_every_example_is_of_its_schema():
    faults = {}
    for name, operation in operations().items():
        for content in operation.get("requestBody", {}).get("content", {}).values():
            if "example" in content:
                faults[name] = faults_of(content["schema"], content["example"])
    components = document()["components"]
    for name, example in components["examples"].items():
        faults[name] = faults_of(components["schemas"][name], example["value"])
    for response in components["responses"].values():
        content = response["content"]["application/problem+json"]
        faults[response["description"]] = faults_of(content["schema"], content["example"])

    assert len(faults) > 60
    assert {name: found for name, found in faults.items() if found} == {}


def test_every_operation_shows_what_is_sent_and_what_is_answered():
    without = []
    for name, operation in operations().items():
        sent = operation.get("requestBody", {}).get("content", {})
        nothing = {"$ref": "#/components/schemas/NothingRequest"}
        if any("example" not in one and one.get("schema") != nothing for one in sent.values()):
            without.append(f"{name} sent")
        for status, response in operation["responses"].items():
            for kind, one in response.get("content", {}).items():
                if status.startswith("2") and kind == "application/json" and "examples" not in one:
                    without.append(f"{name} answered")

    assert without == []


def test_every_link_leads_from_an_operation_to_another_by_its_own_parameters():
    known = operations()
    for source, links in LINKS.items():
        for target, values in links.items():
            names = {one["name"] for one in known[target].get("parameters", [])}
            assert source in known
            assert set(values) - {"body"} <= names
