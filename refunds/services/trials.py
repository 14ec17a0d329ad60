"""
The laboratory: decisions of a period evaluated again, under other terms or as they are.

A trial reads decisions and writes its own rows; no decision, application, payment or event comes of it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from accounts.principals import Principal
from accounts.rights import require_reviewer
from contracts.policy.terms import as_json, parse_terms
from kernel.errors import Fault, InvalidInput
from kernel.money import Money
from kernel.states import move
from refunds.models import Decision, Trial, TrialCase
from refunds.policy.interchange import evaluate_json
from refunds.replay import fault_of
from refunds.selectors.quotes import differences
from refunds.selectors.trials import decisions_of, decisions_to_try, trial_of
from refunds.services.inputs import read_text
from refunds.states import TRIAL, TRIAL_OPEN

NOTE_MAX: Final = 200
FAULT_MAX: Final = 500
OF_THE_WINDOW: Final = frozenset(
    {"window_days", "day_rule", "time_zone", "roll_to_working_day", "holiday_calendar"}
)
"""Terms that the end of the window follows from: with others it is computed again."""


def start_trial(
    *,
    principal: Principal,
    changes: Mapping[str, Any],
    since: datetime,
    until: datetime,
    note: str = "",
    now: datetime,
) -> Trial:
    """
    Ask for the decisions of a period to be evaluated again; without changes, exactly as they are.

    The period is from `since` until, and not including, `until`, and ends now at the latest.

    :raises NotPermitted: not a Reviewer or Approver
    :raises InvalidInput: terms that no contract can have, a period that ends before it begins, a long note
    """
    person = require_reviewer(principal)
    end = min(until, now)
    if since >= end:
        message = _("must be after the beginning, and that in the past")
        raise InvalidInput(
            _("The period ends before it begins."),
            faults=[Fault(path="until", message=message, code="invalid")],
        )
    trial = Trial(
        changes=read_changes(changes),
        note=read_text("note", note, NOTE_MAX, needed=False),
        since=since,
        until=end,
        asked_by=person,
        asked_at=now,
    )
    trial.total = decisions_of(trial).count()
    trial.save(force_insert=True)
    return trial


def read_changes(changes: Mapping[str, Any]) -> dict[str, Any]:
    """
    Read changes of terms as they are exchanged; whether they go with a contract's own is found case by case.

    :raises InvalidInput: unknown fields, wrong values or a combination that no contract can have
    """
    # The shortest window goes with every number of days until acceptance.
    read = as_json(parse_terms({"window_days": 0, **changes}, settings.COMPANY_TIME_ZONE))
    return {name: read[name] for name in changes}


def cancel_trial(*, principal: Principal, trial_id: UUID, now: datetime) -> Trial:
    """
    Call a trial off; what it found so far stays.

    :raises NotFoundOrHidden: no such trial for this principal
    :raises NotPermitted: not a Reviewer or Approver
    :raises StaleState: it has ended already
    """
    require_reviewer(principal)
    trial = trial_of(principal, trial_id)
    move(trial, trial.state, "cancelled", table=TRIAL, ended_at=now)
    return trial


def run_trial(*, trial_id: UUID, now: datetime, batch_max: int) -> int:
    """
    Evaluate so many more decisions of a trial; give how many.

    Evaluated outside of any transaction; what was found is written down only if nobody else went on behind
    the same place and nobody called the trial off.
    """
    trial = Trial.objects.get(pk=trial_id)
    if trial.state not in TRIAL_OPEN:
        return 0
    if trial.state == "waiting":
        Trial.objects.filter(pk=trial.pk, state="waiting").update(state="running")
    piece = list(decisions_to_try(trial)[:batch_max])
    found = [case for case in (_try(trial, decision) for decision in piece) if case is not None]
    is_over = len(piece) < batch_max
    with transaction.atomic():
        here = Trial.objects.filter(pk=trial.pk, after=trial.after, done=trial.done, state="running")
        moved = here.update(
            after=piece[-1].pk if piece else trial.after,
            done=F("done") + len(piece),
            differing=F("differing") + len(found),
            faulty=F("faulty") + sum(not case.answer for case in found),
            **({"state": "done", "ended_at": now} if is_over else {}),
        )
        if moved == 1:
            TrialCase.objects.bulk_create(found)
    return len(piece)


def keep_replay(*, checked: int, differing: int, started: datetime, now: datetime) -> Trial | None:
    """Keep what a replay of all decisions by a command came to, without its cases; None if there was none."""
    first = Decision.objects.order_by("decided_at").values_list("decided_at", flat=True).first()
    if first is None or first >= started:
        return None
    with transaction.atomic():
        trial = Trial.objects.create(since=first, until=started, total=checked, asked_at=started)
        move(trial, "waiting", "running", table=TRIAL)
        move(trial, "running", "done", table=TRIAL, done=checked, differing=differing, ended_at=now)
    return trial


def _try(trial: Trial, decision: Decision) -> TrialCase | None:
    """Evaluate a decision again; None if nothing differs that people would see."""
    if not trial.changes:
        fault = fault_of(decision)
        return _case(trial, decision, decision.facts, fault) if fault else None
    return _case(trial, decision, facts_under(decision.facts, trial.changes), "")


def facts_under(facts: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """
    Give the facts of a decision as they would be under other terms (interchange form).

    The end of the window was stored at capture; where it follows from what changes, it is left to the policy.
    """
    changed = {**facts, "terms": {**facts["terms"], **changes}}
    if OF_THE_WINDOW.intersection(changes):
        changed["payment"] = {**facts["payment"], "deadline": None}
    return changed


def _case(trial: Trial, decision: Decision, facts: Mapping[str, Any], fault: str) -> TrialCase | None:
    again = evaluate_json(facts, default_time_zone=settings.COMPANY_TIME_ZONE)
    case = TrialCase(
        trial=trial,
        decision=decision,
        before_minor=decision.refund_minor,
        after_minor=decision.refund_minor,
        currency=decision.currency,
        fault=fault[:FAULT_MAX],
    )
    if "error" in again:
        first = again["error"]["errors"][0]
        case.fault = f"{first['path']}: {first['message']}"[:FAULT_MAX]
        return case
    if not fault and not differences(decision.answer, again):
        return None
    case.answer = again
    case.after_minor = Money.parse(again["refund"], again["currency"]).minor
    case.findings = changed_findings(decision.answer, again)
    return case


def changed_findings(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """List the rules whose verdict is another one: `{"rule", "before", "after"}`."""
    held = {finding["rule"]: finding["holds"] for finding in before["findings"]}
    return [
        {"rule": finding["rule"], "before": held[finding["rule"]], "after": finding["holds"]}
        for finding in after["findings"]
        if finding["rule"] in held and held[finding["rule"]] is not finding["holds"]
    ]
