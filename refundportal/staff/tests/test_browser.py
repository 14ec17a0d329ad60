"""The staff side in a real browser: a case through four hands, and nobody alone."""

import re
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from accounts.groups import APPROVER
from accounts.principals import SYSTEM
from contracts.models import Role
from contracts.services import add_member
from contracts.tests.cast import NOW, delivered_stage, make_cast, signed_contract
from events.models import Event
from payments.models import Payout
from refundportal.staff.tests import browsing
from refundportal.staff.tests.browsing import PATIENCE_MS, send_forged
from refundportal.staff.tests.desk import act_of, page_of
from refunds.models import RefundRequest
from refunds.tests.scene import Scene, again, another_reviewer, applied, paid, proposed
from refunds.tests.test_facts import calls, use
from refunds.tests.test_four_eyes import delivered_late_by, hand_of_rosa

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
expect.set_options(timeout=PATIENCE_MS)
browser, now = browsing.browser, browsing.now
present, open_as = browsing.present, browsing.open_as


def do(page: Page, title: str) -> None:
    """Choose an act on the page of a case."""
    page.get_by_role("link", name=title, exact=True).click()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def assess(page: Page, **shares: str) -> None:
    """Say how far items are fulfilled, see the new answer beside the old, keep it."""
    do(page, "Assess work item by item")
    for code, share in shares.items():
        page.get_by_label(re.compile(f"^{code.replace('_', '-')} ")).fill(share)
    page.locator("[name=reason]").fill("Tested by hand.")
    expect(page.get_by_role("heading", name="What would follow")).to_be_visible()
    press(page, "Keep this assessment")


def oldest(scene: Scene, now: datetime) -> RefundRequest:
    """Two applications wait; the one of the order desk came first."""
    request = applied(scene, now=now - timedelta(minutes=50))
    later = Scene(scene.cast, scene.contract, paid(scene.cast, scene.contract, "P1", at=now))
    applied(later, now=now)
    return request


def test_a_case_goes_from_the_first_page_through_four_hands_to_its_payout(present, now, open_as):
    cast, request = present.cast, oldest(present, now)
    rita, arno, finn = open_as(cast.rita), open_as(cast.arno), open_as(cast.finn)

    rita.goto("/admin/")
    rita.locator("section[aria-labelledby=queue] tbody a").first.click()
    expect(rita.get_by_role("heading", name=request.number, exact=True)).to_be_visible()
    do(rita, "Start review")
    press(rita, "Start review")
    assess(rita, AC_1="1", AC_2="0", AC_3="0")
    do(rita, "Propose the answer")
    press(rita, "Propose this answer")
    expect(rita.get_by_text("A second person checks it now.").first).to_be_visible()

    arno.goto("/admin/")
    arno.get_by_role("link", name="wait for the second person").click()
    arno.get_by_role("link", name=request.number).click()
    do(arno, "Send back")
    arno.get_by_label("What should be looked at again?").fill("The printer works: test AC-2 again.")
    press(arno, "Send back to review")
    expect(arno.get_by_text("is back in review.").first).to_be_visible()

    rita.goto(page_of(request))
    expect(rita.get_by_text("The printer works: test AC-2 again.").first).to_be_visible()
    assess(rita, AC_2="1/2")
    do(rita, "Propose the answer")
    press(rita, "Propose this answer")
    expect(rita.get_by_text("A second person checks it now.").first).to_be_visible()

    arno.goto(page_of(request))
    do(arno, "Approve")
    press(arno, "Approve this answer")
    expect(arno.get_by_text("The client gets the letter.").first).to_be_visible()

    payout = Payout.objects.get(request_id=request.pk)
    finn.goto("/admin/payments/payout/")
    finn.locator(f"a[href*='{payout.pk}']").first.click()
    expect(finn.get_by_text("350.00 EUR").first).to_be_visible()
    assert payout.amount_minor == 35000
    told = Event.objects.filter(
        subject_id=request.pk, type__startswith="refund_request.", actor_kind="staff"
    ).order_by("at", "position__id")
    assert [(one.type.removeprefix("refund_request."), one.actor_id) for one in told] == [
        ("review_started", cast.rita.pk),
        ("fact_established", cast.rita.pk),
        ("proposed", cast.rita.pk),
        ("sent_back", cast.arno.pk),
        ("fact_established", cast.rita.pk),
        ("proposed", cast.rita.pk),
        ("approved", cast.arno.pk),
    ]


HANDS = {
    "proposed": "You proposed this answer. Somebody else approves.",
    "recorded": "You recorded this application. Somebody else approves.",
    "accepted": "You recorded an acceptance in this case. Somebody else approves.",
    "assessed": "You assessed work in this case. Somebody else approves.",
    "excluded": "You established a fact in this case. Somebody else approves.",
    "found a hidden defect": "You established a fact in this case. Somebody else approves.",
    "delivered": "You recorded a delivery after this application had been received. Somebody else approves.",
    "member": "You are a member of this client: somebody else takes the case.",
}


def test_every_refusal_of_the_four_eyes_is_shown_and_holds_against_a_forged_form(
    transactional_db, open_as, monkeypatch
):
    cast = make_cast()
    rosa = another_reviewer("rosa", APPROVER)
    monkeypatch.setattr("refunds.tests.test_four_eyes.another_reviewer", lambda *_: rosa)
    cases = {}
    for hand in [one for one in HANDS if one != "member"]:
        contract = signed_contract(cast)
        if hand not in ("proposed", "delivered"):
            delivered_stage(cast, contract)
        scene = Scene(cast, contract, paid(cast, contract))
        if hand == "excluded":
            use(scene, calls("10"))
        is_late = hand == "delivered"
        cases[hand] = delivered_late_by(scene, rosa) if is_late else hand_of_rosa(scene, hand)[0]
    other = signed_contract(cast, client=cast.other_client)
    add_member(principal=SYSTEM, client_id=cast.other_client.pk, user=rosa.user, role=Role.VIEWER, now=NOW)
    of_mallory = Scene(cast, other, paid(cast, other))
    cases["member"] = proposed(of_mallory, principal=cast.as_mallory)
    page = open_as(rosa.user)
    shown = {}

    for hand, request in cases.items():
        page.goto(page_of(request))
        offer = page.locator("li.offer-closed", has_text="Approve")
        shown[hand] = offer.locator("small").inner_text()
        page.goto(act_of(request, "approve"))
        expect(page.get_by_text("This is not possible:")).to_be_visible()
        status = send_forged(page, act_of(request, "approve"), proposal=str(request.proposals.get().pk))
        assert (status, again(request).state) == (403, "proposed"), hand

    assert shown == HANDS
    assert not Payout.objects.exists()


def test_above_the_limit_a_reviewer_sees_the_limit_and_a_forged_form_does_nothing(
    transactional_db, open_as, settings
):
    settings.APPROVAL_LIMIT = {"EUR": 500}
    cast = make_cast()
    contract = signed_contract(cast)
    request = proposed(Scene(cast, contract, paid(cast, contract)))
    page = open_as(another_reviewer("rosa").user)

    page.goto(page_of(request))

    offer = page.locator("li.offer-closed", has_text="Approve")
    expect(offer).to_contain_text("Up to 500.00 EUR a day and client a Reviewer may approve")
    page.goto(act_of(request, "send_back"))
    status = send_forged(page, act_of(request, "approve"), proposal=str(request.proposals.get().pk))
    assert (status, again(request).state) == (403, "proposed")


def test_a_contract_is_written_with_a_live_sum_and_found_from_the_keyboard(present, open_as):
    page = open_as(present.cast.rita)
    page.goto("/admin/contracts/contract/new/")
    for name, text in (
        ("client", "acme"),
        ("title", "Fleet"),
        ("total", "700.00"),
        ("stages[0].amount", "200.00"),
        ("stages[1].title", "Vans"),
        ("stages[1].amount", "400.00"),
    ):
        page.locator(f"[name='{name}']").fill(text)
    expect(page.locator("#check")).to_contain_text("100.00 EUR are missing")

    page.locator("[name='stages[1].amount']").fill("500.00")
    expect(page.locator("#check")).to_contain_text("it is the sum")
    page.locator("[name='terms-window_days']").fill("1")
    expect(page.locator("#check")).to_contain_text("less than the published policy")
    page.locator("[name='stages[1].items[0].statement']").fill("A van is booked.")
    page.locator("[name='stages[1].items[0].weight']").fill("1")
    press(page, "Keep as a draft")
    expect(page.locator("h2.title")).to_contain_text("Fleet")
    number = page.locator("h2.title").inner_text().split()[0]

    page.goto("/admin/")
    page.keyboard.press("Control+k")
    page.locator("#search-input-command").press_sequentially(number)
    page.locator("#command-results-list a", has_text=number).wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Fleet").last).to_be_visible()
