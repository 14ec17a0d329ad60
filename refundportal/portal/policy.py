"""The policy page: seven clauses in plain words, worked examples, and a form for made-up figures."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from refundportal.portal.examples import AMOUNT, PAID_AT, worked_examples
from refundportal.portal.trying import TryForm, starting_figures, work_out
from refunds.wording import CLAUSES


def policy(request: HttpRequest) -> HttpResponse:
    """Show the policy to everybody, signed in or not; figures to try come with the address. No query."""
    form = TryForm(request.GET) if "paid" in request.GET else TryForm(initial=starting_figures())
    tried = work_out(form.cleaned_data, timezone.now()) if form.is_valid() else None
    context = {
        "clauses": CLAUSES.items(),
        "examples": worked_examples(),
        "example_amount": AMOUNT,
        "example_paid_at": PAID_AT,
        "form": form,
        "tried": tried,
    }
    return render(request, "portal/policy.html", context)
