"""The bank in the staff pages: files, statements and their lines, and that nobody but Finance acts."""

import hashlib
import time
from datetime import timedelta

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.groups import FINANCE
from contracts.tests.cast import stage_named
from events.models import Event
from payments.models import BankFile, Break, Payout, PayoutStep, Statement, StatementLine
from payments.services import leave_break, record_payment
from payments.tests.bank_book import BERLIN, Entry, account_of, come_back, paid, statement
from refundportal.staff.tests.desk import Desk, count_events, hidden, list_of, words
from refundportal.staff.tests.test_dashboard import figures_in, rows_of
from refundportal.web.tests.signing_in import signed_in_just_now
from refunds.tests.scene import LATER, Scene, another_reviewer, approved, eur, make_scene

NEW = "/admin/payments/bankfile/new/"
IMPORT = "/admin/payments/statement/import/"


@pytest.fixture
def scene(db: None, clock: time_machine.Traveller) -> Scene:
    """What Alice paid came through the bank."""
    return make_scene(rail="bank_file")


@pytest.fixture
def payout(scene: Scene) -> Payout:
    """A refund that was approved and goes out through the bank."""
    account_of(scene.cast, now=LATER - timedelta(days=9))
    return Payout.objects.get(request_id=approved(scene).pk)


def fred() -> Desk:
    """A second person in Finance."""
    return Desk(another_reviewer("fred", FINANCE).user)


def make(scene: Scene) -> BankFile:
    finn = Desk(scene.cast.finn)
    shown = finn.get(NEW)
    answer = finn.post(NEW, {"expected": hidden(shown, "expected")})
    assert answer.status_code == 302
    return BankFile.objects.get()


def upload(desk: Desk, content: bytes, *, is_trial: bool = False):
    file = SimpleUploadedFile("statement.xml", content)
    return desk.post(IMPORT, {"file": file, "is_trial": "yes" if is_trial else "no"})


def state(payout: Payout) -> str:
    return Payout.objects.get(pk=payout.pk).state


def test_finance_makes_a_file_and_a_second_person_confirms_its_upload(scene: Scene, payout: Payout):
    page = words(Desk(scene.cast.finn).get(NEW))
    assert "One transfer of" in page
    assert "•••• 3000" in page
    assert BERLIN not in page

    file = make(scene)
    own = Desk(scene.cast.finn).do(file, "confirm")
    other = fred().do(file, "confirm")

    assert (own.status_code, other.status_code) == (403, 302)
    assert state(payout) == "accepted"
    assert Event.objects.get(type="bank_file.created").actor_id == scene.cast.finn.pk


def test_a_transfer_that_the_bank_lacks_is_said_to_be_unsent_by_two_people(scene: Scene, payout: Payout):
    finn, typed = Desk(scene.cast.finn), {"accepted": "no", "evidence_reference": "pain.002", "reason": "No."}
    fred().do(make(scene), "confirm")
    assert finn.do(payout, "resolve", **typed).status_code != 302
    leave_break(
        kind="ours_only", payment_id=payout.payment_id, payout_id=payout.pk, amount=eur("1.00"), now=LATER
    )

    assert finn.do(payout, "resolve", **typed).status_code == 302
    step = str(PayoutStep.objects.get().pk)
    assert finn.do(payout, "confirm", step=step).status_code == 403
    assert Desk(scene.cast.arno).do(payout, "confirm", step=step).status_code == 302
    assert state(payout) == "failed"


def test_the_file_is_taken_as_an_attachment_and_always_the_same(scene: Scene, payout: Payout):
    file = make(scene)
    address = f"/admin/payments/bankfile/{file.pk}/file/"

    first, second = (Desk(scene.cast.finn).get(address) for _ in range(2))

    assert first.content == second.content
    assert hashlib.sha256(first.content).hexdigest() == file.sha256
    assert first["Content-Disposition"] == f'attachment; filename="{file.message_id}.xml"'
    assert first["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in first["Cache-Control"]
    assert Desk(scene.cast.rita).get(address).status_code == 403


def test_who_signed_in_long_ago_shows_who_they_are_before_a_file_is_made(scene: Scene, payout: Payout):
    finn = Desk(scene.cast.finn)
    shown = hidden(finn.get(NEW), "expected")
    signed_in_just_now(finn, scene.cast.finn, at=time.time() - 7200)

    answer = finn.post(NEW, {"expected": shown})

    assert answer.status_code == 302 or "sign in once more" in words(answer)
    assert not BankFile.objects.exists()


def test_who_signed_in_long_ago_shows_who_they_are_before_whole_ibans_are_taken(scene: Scene, payout: Payout):
    file, finn = make(scene), Desk(scene.cast.finn)
    signed_in_just_now(finn, scene.cast.finn, at=time.time() - 7200)

    answer = finn.get(f"/admin/payments/bankfile/{file.pk}/file/")

    assert answer.status_code == 302 or "sign in once more" in words(answer)
    assert b"IBAN" not in answer.content


@pytest.mark.parametrize("act", ["propose-discard", "withdraw-discard"])
def test_who_signed_in_long_ago_shows_who_they_are_before_a_file_is_given_up_or_kept(
    scene: Scene, payout: Payout, act: str
):
    file, finn = make(scene), Desk(scene.cast.finn)
    if act == "withdraw-discard":
        finn.do(file, "propose-discard", reason="The bank has it not.")
    before = (BankFile.objects.values().get(), count_events())
    signed_in_just_now(finn, scene.cast.finn, at=time.time() - 7200)

    answer = finn.do(file, act, reason="It is not so.")

    assert answer.status_code == 302 or "sign in once more" in words(answer)
    assert (BankFile.objects.values().get(), count_events()) == before


@pytest.mark.parametrize("shown", ["", "RPELSE"])
def test_a_file_that_was_not_shown_is_not_made(scene: Scene, payout: Payout, shown: str):
    answer = Desk(scene.cast.finn).post(NEW, {"expected": shown})

    assert answer.status_code in (409, 422)
    assert not BankFile.objects.exists()


def test_a_file_is_discarded_by_two_people_and_its_payouts_wait_anew(scene: Scene, payout: Payout):
    file = make(scene)
    finn, second = Desk(scene.cast.finn), fred()

    assert finn.do(file, "propose-discard", reason="The bank has it not.").status_code == 302
    assert "The bank has it not." in words(second.look(file, "discard"))
    assert finn.do(file, "discard").status_code == 403
    assert second.do(file, "withdraw-discard").status_code == 302
    assert second.do(file, "propose-discard", reason="Not there.").status_code == 302
    assert finn.do(file, "discard").status_code == 302

    assert (state(payout), Payout.objects.get(replaces=payout).state) == ("failed", "ready")
    assert finn.get(f"/admin/payments/bankfile/{file.pk}/file/").status_code == 404


@pytest.mark.parametrize("name", ["rita", "ada"])
def test_nobody_else_does_anything_with_a_file_or_a_line(scene: Scene, payout: Payout, name: str):
    file = make(scene)
    upload(Desk(scene.cast.finn), statement(Entry(amount="7.00")))
    line, events = StatementLine.objects.get(), count_events()
    desk = Desk(getattr(scene.cast, name))

    answers = [
        desk.post(NEW, {"expected": "x"}),
        upload(desk, statement(Entry(amount="8.00"), name="2")),
        *(
            desk.do(file, act, reason="x")
            for act in ("confirm", "propose-discard", "discard", "withdraw-discard")
        ),
        *(desk.do(line, act, reason="x", target="") for act in ("set-aside", "not-ours")),
    ]

    assert {answer.status_code for answer in answers} == {403}
    assert desk.do(line, "match", reason="x", target="").status_code in (403, 422)
    assert (count_events(), state(payout), Statement.objects.count()) == (events, "submitting", 1)


def test_a_statement_is_tried_first_and_then_imported(scene: Scene, payout: Payout):
    make(scene)
    content = statement(paid(payout), Entry(amount="12.00", text="<b>Hello</b>"))
    finn = Desk(scene.cast.finn)

    tried = upload(finn, content, is_trial=True)
    assert "Nothing was stored." in words(tried)
    assert b"<b>Hello" not in tried.content
    assert not Statement.objects.exists()
    done = upload(finn, content)
    again = upload(finn, content)

    assert "Payouts that arrived: 1" in words(done)
    assert "imported already" in words(again)
    assert (state(payout), StatementLine.objects.get(state="open").reference) == ("settled", "<b>Hello</b>")
    assert "Hello" in words(finn.open(Statement.objects.get()))


def test_a_broken_statement_is_refused_in_words(scene: Scene):
    answer = upload(Desk(scene.cast.finn), statement(Entry(amount="7.00"), closing="1.00"))

    assert answer.status_code == 422
    assert "closing balance" in words(answer)
    assert not Statement.objects.exists()


def test_a_statement_too_long_to_wait_for_is_refused_before_anything_is_matched(scene: Scene, monkeypatch):
    monkeypatch.setattr("refundportal.staff.statements.LINES_MAX", 2)
    entries = [Entry(amount=f"{euros}.00") for euros in (7, 8, 9)]

    refused = upload(Desk(scene.cast.finn), statement(*entries))

    assert refused.status_code == 422
    assert "The file holds 3 movements, and 2 at most are taken while you wait." in words(refused)
    assert not Statement.objects.exists()
    assert upload(Desk(scene.cast.finn), statement(*entries[:2])).status_code == 200


def test_finance_says_on_the_page_which_payment_a_line_is(scene: Scene):
    payment = record_payment(
        principal=scene.cast.as_finn,
        stage_id=stage_named(scene.contract, "S2").pk,
        amount=eur("500.00"),
        method="bank",
        now=LATER,
    )
    finn = Desk(scene.cast.finn)
    upload(finn, statement(Entry(amount="500.00", text="warehouse, as agreed")))
    line = StatementLine.objects.get()
    assert payment.number in words(finn.look(line, "match"))

    answer = finn.do(line, "match", target=f"payment:{payment.pk}", reason="They rang.")

    assert answer.status_code == 302
    payment.refresh_from_db()
    assert (payment.status, StatementLine.objects.get().decided_by) == ("captured", scene.cast.finn)
    assert payment.number in words(finn.open(line))


@pytest.mark.parametrize("target", ["", "payment:00000000-0000-0000-0000-000000000001", "payout:x", "x"])
def test_a_target_that_was_not_offered_is_not_taken(scene: Scene, target: str):
    finn = Desk(scene.cast.finn)
    upload(finn, statement(Entry(amount="500.00")))
    line = StatementLine.objects.get()

    assert finn.do(line, "match", target=target, reason="x").status_code == 422
    assert StatementLine.objects.get().state == "open"


def test_lines_are_set_aside_or_become_differences(scene: Scene):
    finn = Desk(scene.cast.finn)
    upload(finn, statement(Entry(amount="-5.00", text="Fee"), Entry(amount="9.00")))
    fee, gift = (StatementLine.objects.get(is_credit=is_credit) for is_credit in (False, True))

    finn.do(fee, "set-aside", reason="A fee.")
    finn.do(gift, "not-ours", reason="Nobody knows.")

    assert StatementLine.objects.get(pk=fee.pk).state == "set_aside"
    found = Break.objects.get()
    assert found.kind == "unclaimed"
    assert "fits nothing" in words(finn.open(found))


def test_money_that_came_back_less_a_fee_is_booked_by_two_people(scene: Scene, payout: Payout):
    finn, second, file = Desk(scene.cast.finn), fred(), make(scene)
    second.do(file, "confirm")
    back = come_back(payout, amount="1.00")
    assert finn.do(payout, "returned-less-fee", reason="x").status_code != 302
    upload(finn, statement(paid(payout), back))
    line = StatementLine.objects.get(is_credit=True)

    said = finn.do(payout, "returned-less-fee", line=str(line.pk), reason="A fee.")
    step = str(PayoutStep.objects.get().pk)
    own, other = finn.do(payout, "confirm", step=step), second.do(payout, "confirm", step=step)

    assert (said.status_code, own.status_code, other.status_code) == (302, 403, 302)
    assert (state(payout), Break.objects.get().resolution) == ("returned", "A fee.")


def test_the_lists_show_what_waits(scene: Scene, payout: Payout):
    make(scene)
    upload(Desk(scene.cast.finn), statement(Entry(amount="9.00", text="Hello")))
    ada = Desk(scene.cast.ada)

    assert "waits for a second person" in words(ada.get(list_of("payments_bankfile") + "?standing=open"))
    assert "Hello" in words(ada.get(list_of("payments_statementline") + "?standing=open"))
    assert "2026-06-02/1" in words(ada.get(list_of("payments_statement")))
    assert "Hello" not in words(ada.get(list_of("payments_statementline") + "?standing=matched"))


def test_the_first_page_counts_what_the_bank_leaves_open_and_leads_there(scene: Scene, payout: Payout):
    make(scene)
    finn, ada = Desk(scene.cast.finn), Desk(scene.cast.ada)
    upload(finn, statement(*(Entry(amount=f"{euros}.00", text="Hello") for euros in (7, 8, 9))))
    finn.do(StatementLine.objects.get(amount_minor=700), "not-ours", reason="Nobody knows.")

    counted = dict(figures_in(ada.get("/admin/").content.decode()))

    lists = [
        list_of(f"payments_{name}") + "?standing=open" for name in ("bankfile", "statementline", "break")
    ]
    assert [counted[address] for address in lists] == [1, 2, 1]
    assert [rows_of(ada, address) for address in lists] == [1, 2, 1]
