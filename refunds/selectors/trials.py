"""Trials of the laboratory: which there are, what they are about, and what came of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum

from accounts.principals import Principal
from kernel.errors import NotFoundOrHidden
from kernel.money import Money
from refunds.models import Decision, Trial, TrialCase
from refunds.states import TRIAL_OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialSum:
    """What the cases of a trial come to in one currency."""

    cases: int
    before: Money
    after: Money

    @property
    def difference(self) -> Money:
        return self.after - self.before


def trials_of(principal: Principal) -> QuerySet[Trial]:
    """Give the trials that a principal may see: staff all, others none."""
    return Trial.objects.all() if principal.is_staff else Trial.objects.none()


def trial_of(principal: Principal, trial_id: UUID) -> Trial:
    """
    :raises NotFoundOrHidden: no such trial for this principal
    """
    found = trials_of(principal).select_related("asked_by").filter(pk=trial_id).first()
    if found is None:
        raise NotFoundOrHidden("There is no such trial.")
    return found


def cases_of(trial: Trial) -> QuerySet[TrialCase]:
    """Give the cases of a trial in the order in which they were found, without the facts."""
    rows = TrialCase.objects.filter(trial=trial).order_by("id")
    return rows.select_related("decision__request__client").defer(
        "decision__facts", "decision__request__answer"
    )


def case_of_trial(trial: Trial, case_id: int) -> TrialCase:
    """
    Give one case with what its statements name.

    :raises NotFoundOrHidden: the trial has no such case
    """
    rows = TrialCase.objects.filter(trial=trial, pk=case_id)
    found = rows.select_related("decision__request__client", "decision__request__contract").first()
    if found is None:
        raise NotFoundOrHidden("The trial has no such case.")
    return found


def sums_of(trial: Trial) -> Iterator[TrialSum]:
    """Sum what the cases that could be evaluated come to, by currency. One query."""
    rows = TrialCase.objects.filter(trial=trial).exclude(answer={}).order_by()
    found = rows.values("currency").annotate(
        many=Count("pk"), before=Sum("before_minor"), after=Sum("after_minor")
    )
    for row in found.order_by("currency"):
        yield TrialSum(
            cases=row["many"],
            before=Money(int(row["before"]), row["currency"]),
            after=Money(int(row["after"]), row["currency"]),
        )


def open_trials(limit: int) -> list[UUID]:
    """Name the trials that are to be run, the oldest first."""
    rows = Trial.objects.filter(state__in=TRIAL_OPEN).order_by("id")
    return list(rows.values_list("pk", flat=True)[:limit])


def decisions_of(trial: Trial) -> QuerySet[Decision]:
    """
    Give the decisions of a trial's period by their time.

    Under other terms only those that stand count, so that no money is summed twice; a replay takes all.
    """
    rows = Decision.objects.filter(decided_at__gte=trial.since, decided_at__lt=trial.until)
    if trial.changes:
        later = Decision.objects.filter(request=OuterRef("request"), number__gt=OuterRef("number"))
        rows = rows.filter(~Exists(later))
    return rows.order_by("decided_at", "id")


def decisions_to_try(trial: Trial) -> QuerySet[Decision]:
    """Give the decisions of a trial that were not evaluated yet."""
    rows = decisions_of(trial).select_related("request")
    if trial.after is None:
        return rows
    at = Decision.objects.values_list("decided_at", flat=True).get(pk=trial.after)
    return rows.filter(Q(decided_at__gt=at) | Q(decided_at=at, pk__gt=trial.after), decided_at__gte=at)


def last_replay(principal: Principal) -> Trial | None:
    """Give the last replay of decisions as they are that came to its end. One query."""
    rows = trials_of(principal).filter(changes={}, state="done").select_related("asked_by")
    return rows.order_by("-ended_at", "-id").first()
