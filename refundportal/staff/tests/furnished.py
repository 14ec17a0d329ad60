"""One of everything that staff see, and where it stands."""

from datetime import datetime, timedelta

from contracts.tests.cast import delivered_stage, draft_contract, signed_contract
from payments.models import BankFile, Break, BreakKind, Payout, StatementLine
from payments.services import import_statement, leave_break, make_bank_file, waiting_for_the_bank
from payments.services.bank_files import fingerprint
from payments.tests.bank_book import Entry, account_of, statement
from refundportal.staff.tests.desk import act_of, page_of
from refunds.models import Enquiry, RefundRequest, Trial
from refunds.services import ask_question, assess, count_on, post_message, run_trial, start_trial
from refunds.tests.scene import Scene, applied, approved, eur, in_review, paid, proposed

NEW = "/admin/contracts/contract/new/"
IMPORT = "/admin/contracts/contract/import/"
Pages = dict[str, tuple[str, str]]
"""Who looks (a name of the cast), and at which address."""


def cases_of(scene: Scene, now: datetime) -> dict[str, RefundRequest]:
    """Cases in every state, examined work, a thread and a snapshot."""
    cast = scene.cast

    def another(title: str, hours: int) -> Scene:
        contract = signed_contract(cast, now=now - timedelta(days=30), title=title)
        delivered_stage(cast, contract, "S1", at=now - timedelta(days=3))
        return Scene(cast, contract, paid(cast, contract, at=now - timedelta(hours=hours)))

    case = in_review(scene, now=now - timedelta(minutes=50))
    for text in ("Tested on the machine of the client.", "The printer is the one of the specification."):
        post_message(principal=cast.as_rita, request_id=case.pk, body=text, is_internal=True, now=now)
    post_message(principal=cast.as_alice, request_id=case.pk, body="It stops after three orders.", now=now)
    values = {"AC-1": "1", "AC-2": "1/3", "AC-3": "0"}
    assess(
        principal=cast.as_rita,
        request_id=case.pk,
        stage_id=scene.stage.pk,
        values=values,
        reason="Tested by hand.",
        now=now,
    )
    undelivered = Scene(cast, scene.contract, paid(cast, scene.contract, "S2", at=now - timedelta(hours=2)))
    fresh = applied(another("Spare parts shop", 30), now=now - timedelta(hours=29))
    waiting = proposed(undelivered, now=now - timedelta(minutes=40))
    answered = signed_contract(cast, now=now - timedelta(days=30), title="Answered")
    asked = Scene(cast, answered, paid(cast, answered, at=now - timedelta(hours=30)))
    done = approved(asked, now=now - timedelta(minutes=10))
    while count_on(now=now, batch_max=100):
        pass
    return {"review": case, "new": fresh, "proposed": waiting, "approved": done}


def trial_of(scene: Scene, now: datetime) -> Trial:
    """A trial that is done."""
    trial: Trial = start_trial(
        principal=scene.cast.as_rita,
        changes={"window_days": 0, "rounding": "company"},
        since=now - timedelta(days=5),
        until=now,
        note="No window at all",
        now=now,
    )
    run_trial(trial_id=trial.pk, now=now, batch_max=100)
    return trial


def at_the_bank(scene: Scene, now: datetime) -> BankFile:
    """A bank file that waits, a line that nobody knows, and a difference."""
    cast = scene.cast
    account_of(cast, now=now - timedelta(days=9))
    contract = signed_contract(cast, now=now - timedelta(days=30), title="Paid by transfer")
    money = paid(cast, contract, at=now - timedelta(hours=30), rail="bank_file")
    approved(Scene(cast, contract, money), now=now - timedelta(minutes=20))
    shown = fingerprint(waiting_for_the_bank(principal=cast.as_finn, now=now))
    file: BankFile = make_bank_file(principal=cast.as_finn, expected=shown, now=now)
    content = statement(Entry(amount="9.00", text="Hello"))
    import_statement(principal=cast.as_finn, content=content, now=now)
    leave_break(kind=BreakKind.UNCLAIMED, amount=eur("9.00"), reference="re_1", now=now)
    return file


def furnish(scene: Scene, now: datetime) -> Pages:
    """Fill the staff side, and name its pages."""
    cases, trial, file = cases_of(scene, now), trial_of(scene, now), at_the_bank(scene, now)
    draft = draft_contract(scene.cast, title="Fleet", terms={"window_days": 1}, now=now)
    ask_question(
        principal=scene.cast.as_alice, client_id=scene.cast.client.pk, subject="Why?", body="So?", now=now
    )
    of_rita = {
        "dashboard": "/admin/",
        "queue": "/admin/refunds/refundrequest/",
        "queue-new": "/admin/refunds/refundrequest/?standing=new",
        **{f"case-{state}": page_of(case) for state, case in cases.items()},
        "case-assess": act_of(cases["review"], "assess"),
        "case-usage": act_of(cases["review"], "exclude_usage"),
        "case-propose": act_of(cases["review"], "propose"),
        "question": page_of(Enquiry.objects.get()),
        "contract": page_of(scene.contract),
        "authoring-new": NEW,
        "authoring-draft": f"/admin/contracts/contract/{draft.pk}/write/",
        "import": IMPORT,
        "laboratory": "/admin/refunds/trial/",
        "laboratory-new": "/admin/refunds/trial/new/",
        "laboratory-trial": page_of(trial),
        "reports": "/admin/reports/",
        "payment": page_of(scene.payment),
        "payments": "/admin/payments/payment/",
    }
    of_finn = {
        "payouts": "/admin/payments/payout/",
        "payout": page_of(Payout.objects.latest("id")),
        "bank-files": "/admin/payments/bankfile/",
        "bank-file": page_of(file),
        "bank-file-new": "/admin/payments/bankfile/new/",
        "statement-import": "/admin/payments/statement/import/",
        "statement-lines": "/admin/payments/statementline/",
        "statement-line": page_of(StatementLine.objects.get()),
        "statement-line-match": act_of(StatementLine.objects.get(), "match"),
        "differences": "/admin/payments/break/",
        "difference": page_of(Break.objects.get()),
        "ledger": "/admin/ledger/",
    }
    return {
        **{name: ("rita", address) for name, address in of_rita.items()},
        "case-approve": ("arno", act_of(cases["proposed"], "approve")),
        **{name: ("finn", address) for name, address in of_finn.items()},
    }
