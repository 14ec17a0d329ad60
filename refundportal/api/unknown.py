"""Addresses that do not exist."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from refundportal.web.problems import problem_of_status, problem_response


@csrf_exempt
def not_found(request: HttpRequest) -> HttpResponse:
    """Answer 404 to whatever is asked there, with no redirect to an address that would exist."""
    return problem_response(problem_of_status(404))
