"""docs/openapi.yaml is what the running code says."""

from pathlib import Path

import yaml
from django.conf import settings

from refundportal.api.tests.document import document
from refundportal.api.tests.operations import OPERATIONS

FILE = Path(settings.BASE_DIR) / "docs" / "openapi.yaml"


def test_the_document_in_the_repository_is_the_one_the_code_gives():
    """Made anew by `python manage.py spectacular --file docs/openapi.yaml`."""
    assert yaml.safe_load(FILE.read_text()) == yaml.safe_load(yaml.safe_dump(document()))


def test_every_operation_is_described_once_with_its_scope():
    described = {
        (path, method.upper()): operation
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    }
    names = [operation["operationId"] for operation in described.values()]

    assert len(described) == len(OPERATIONS)
    assert len(names) == len(set(names))
    scopes = sorted(
        scope
        for operation in described.values()
        for one in operation["security"]
        for scope in one.get("oauth2", [])
    )
    assert scopes == sorted(operation.scope for operation in OPERATIONS if operation.scope)


def test_calls_that_must_be_safe_to_repeat_say_so():
    keyed = {
        path
        for path, methods in document()["paths"].items()
        if any(one["name"] == "Idempotency-Key" for one in methods.get("post", {}).get("parameters", []))
    }

    assert keyed == {
        path
        for path, methods in document()["paths"].items()
        if path.startswith(("/api/v1/payments/", "/api/v1/refund-requests/")) and "post" in methods
    }
