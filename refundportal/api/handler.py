"""One handler turns every refusal into problem details; views have no `try`."""

from dataclasses import replace

import structlog
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError, transaction
from django.http import Http404
from rest_framework.exceptions import APIException, ErrorDetail, Throttled, ValidationError
from rest_framework.response import Response
from rest_framework.views import set_rollback

from kernel.errors import DomainError, NotFoundOrHidden
from refundportal.api.access import Refusal
from refundportal.web.problems import BAD_INPUT_TITLE, CONTENT_TYPE, Problem, problem_of, problem_of_status
from refundportal.web.serializers import validation_errors

log = structlog.get_logger(__name__)


class QueryFaults(ValidationError):
    """Faults in the query of an address: each names its parameter; `refusal` is of the domain's own words."""

    refusal: DomainError | None = None

    @classmethod
    def of(cls, parameter: str, refusal: DomainError) -> "QueryFaults":
        """Name the parameter that the domain has refused."""
        faults = cls({parameter: [ErrorDetail(str(refusal.detail), code=refusal.code)]})
        faults.refusal = refusal
        return faults


def answer_problem(error: Exception, context: object) -> Response | None:
    """Answer a refusal; None for a bug, which becomes a 500 without a word about its inside."""
    problem = _problem(error)
    if problem is None:
        return None
    set_rollback()
    return Response(
        problem.as_json(), status=problem.status, headers=dict(problem.headers), content_type=CONTENT_TYPE
    )


def _problem(error: Exception) -> Problem | None:
    if isinstance(error, DomainError):
        return problem_of(error)
    if isinstance(error, Http404):
        return problem_of(NotFoundOrHidden())
    if isinstance(error, RequestDataTooBig):
        return problem_of_status(413)
    if isinstance(error, SuspiciousOperation):
        return problem_of_status(400)
    if isinstance(error, OperationalError):
        return _busy(error)
    return _rest_problem(error) if isinstance(error, APIException) else None


def _busy(error: OperationalError) -> Problem | None:
    """A row or the database was locked for too long, or a deadlock was broken: asking again may help."""
    state = getattr(error.__cause__, "pgcode", None)
    if state not in ("55P03", "40P01", "40001") and "locked" not in str(error):
        return None
    log.warning("database_busy", state=state, in_transaction=transaction.get_connection().in_atomic_block)
    return Problem(
        status=503,
        code="busy",
        title="Somebody else is working on the same thing. Please try again.",
        headers={"Retry-After": "1"},
    )


def _rest_problem(error: APIException) -> Problem:
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = str(challenge)
    if isinstance(error, ValidationError):
        return _faults_told(error)
    if isinstance(error, Refusal):
        headers |= error.headers
    if isinstance(error, Throttled):
        headers["Retry-After"] = str(max(1, round(getattr(error, "wait", None) or 1)))
    detail = error.detail
    code = detail.code if isinstance(detail, ErrorDetail) else error.default_code
    return Problem(
        status=error.status_code,
        code=str(code),
        title=problem_of_status(error.status_code).title,
        detail=str(detail),
        headers=headers,
    )


def _faults_told(error: ValidationError) -> Problem:
    told = Problem(
        status=400, code="invalid_input", title=BAD_INPUT_TITLE, errors=validation_errors(error.detail)
    )
    if not isinstance(error, QueryFaults):
        return told
    faults = [{"parameter": fault.pop("pointer").strip("/"), **fault} for fault in map(dict, told.errors)]
    if error.refusal is None:
        return replace(told, errors=faults)
    return replace(problem_of(error.refusal), errors=faults)
