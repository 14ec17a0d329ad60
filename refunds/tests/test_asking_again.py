"""What examples cannot say: parts sum to the whole, and asking again after being paid gives nothing more."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel.money import Money
from payments.models import Payment
from refunds import services
from refunds.errors import Inadmissible
from refunds.selectors import quote
from refunds.tests.scene import LATER, Scene, applied, in_review
from refunds.tests.test_established import assessed
from refunds.tests.test_facts import calls, use

pytestmark = pytest.mark.django_db
bounded = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
shares = st.sampled_from(["0", "1/7", "1/3", "1/2", "0.999", "1"])
parts = st.lists(st.integers(min_value=1, max_value=60_000), max_size=3)


@contextmanager
def undone() -> Iterator[None]:
    """Leave no trace of one example for the next."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def judged(scene: Scene, first: str, second: str, used: int) -> None:
    """The work is examined and the usage recorded, in a case that is then withdrawn."""
    use(scene, calls(str(used), stage="S1"), calls("1"))
    request = in_review(scene)
    assessed(scene, request, {"AC-1": first, "AC-2": second})
    services.withdraw_request(principal=scene.cast.as_alice, request_id=request.pk, now=LATER)


def given_back(scene: Scene, amount: Money | None) -> int:
    """Ask for an amount and take the case to its end; give what was approved, in minor units."""
    try:
        request = applied(scene, amount=amount)
    except Inadmissible:
        return 0
    if request.state == "rejected":
        return 0
    services.start_review(principal=scene.cast.as_rita, request_id=request.pk, now=LATER)
    services.propose_answer(principal=scene.cast.as_rita, request_id=request.pk, now=LATER)
    decision = services.approve_request(principal=scene.cast.as_arno, request_id=request.pk, now=LATER)
    return decision.refund_minor


@bounded
@given(first=shares, second=shares, used=st.integers(0, 100_000), asked=parts)
def test_parts_sum_to_the_whole_and_then_there_is_nothing_more(delivered, first, second, used, asked):
    with undone():
        judged(delivered, first, second, used)
        whole = quote(principal=delivered.cast.as_alice, payment_id=delivered.payment.pk, now=LATER)

        taken = [given_back(delivered, Money(minor, "EUR")) for minor in asked]
        taken.append(given_back(delivered, None))

        payment = Payment.objects.get(pk=delivered.payment.pk)
        assert sum(taken) == whole.answer.refund.minor == payment.reserved_minor
        assert given_back(delivered, None) == 0


@bounded
@given(first=shares, second=shares, used=st.integers(0, 100_000), more=st.integers(1, 100_000))
def test_use_after_being_paid_never_gives_more(delivered, first, second, used, more):
    with undone():
        judged(delivered, first, second, used)
        given_back(delivered, None)
        use(delivered, calls(str(more), source="later"))

        assert given_back(delivered, None) == 0
        assert given_back(delivered, Money(1, "EUR")) == 0
