"""Below /api/ nothing answers in HTML: what fails outside of the views is told as problem details too."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from refundportal.web.problems import CONTENT_TYPE, problem_of_status, problem_response

_KEPT = ("Allow", "Retry-After", "WWW-Authenticate")


class ApiProblemMiddleware:
    """Replace error pages (unknown address, forbidden host, a bug) by problem details."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.status_code < 400 or not request.path.startswith("/api/"):
            return response
        if response.headers.get("Content-Type", "").startswith(CONTENT_TYPE):
            return response
        problem = problem_response(problem_of_status(response.status_code))
        for name in _KEPT:
            if name in response.headers:
                problem.headers[name] = response.headers[name]
        return problem
