"""The policy page: seven clauses in plain words and examples that the engine has worked out."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from refundportal.portal.examples import worked_examples
from refunds.wording import CLAUSES


def policy(request: HttpRequest) -> HttpResponse:
    """Show the policy to everybody, signed in or not. No query."""
    context = {"clauses": CLAUSES.items(), "examples": worked_examples()}
    return render(request, "portal/policy.html", context)
