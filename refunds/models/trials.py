"""Trials: stored decisions evaluated again, under other terms or the same, and what came of it."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from kernel.ids import new_id
from refunds.models.decisions import Decision
from refunds.states import TRIAL_OPEN


class TrialState(models.TextChoices):
    WAITING = "waiting", _("waiting")
    RUNNING = "running", _("under way")
    DONE = "done", _("done")
    CANCELLED = "cancelled", _("called off")


class Trial(models.Model):
    """
    Decisions of a period evaluated again: with `changes` of their terms, or as they are if there are none.

    The row is the queue: `after` is the last decision that was evaluated, work goes on behind it. The period
    is from `since` until, and not including, `until`. `differing` counts the cases that are kept, `faulty`
    those among them that could not be evaluated at all. Nobody is named in `asked_by` when a command asked.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    changes = models.JSONField(default=dict)
    note = models.CharField(max_length=200, blank=True)
    since = models.DateTimeField()
    until = models.DateTimeField()
    state = models.CharField(max_length=10, choices=TrialState, default=TrialState.WAITING)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    differing = models.PositiveIntegerField(default=0)
    faulty = models.PositiveIntegerField(default=0)
    after = models.UUIDField(null=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    asked_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("trial")
        verbose_name_plural = _("laboratory")
        indexes = [
            models.Index(fields=["id"], condition=Q(state__in=sorted(TRIAL_OPEN)), name="trials_to_be_run"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(differing__lte=models.F("done"), faulty__lte=models.F("differing")),
                name="a_trial_counts_no_case_twice",
            ),
            models.CheckConstraint(
                condition=Q(since__lt=models.F("until")), name="a_period_begins_before_it_ends"
            ),
        ]

    def __str__(self) -> str:
        return self.note or f"{self.asked_at:%Y-%m-%d %H:%M}"


class TrialCase(models.Model):
    """
    A decision that would have been another one; amounts in minor units.

    `answer` is the other answer (interchange form), `findings` lists the rules whose verdict changed as
    `{"rule", "before", "after"}`; `fault` says why it could not be evaluated at all.
    """

    id = models.BigAutoField(primary_key=True)
    trial = models.ForeignKey(Trial, on_delete=models.PROTECT, related_name="cases")
    decision = models.ForeignKey(Decision, on_delete=models.PROTECT, related_name="+")
    before_minor = models.BigIntegerField()
    after_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    answer = models.JSONField(default=dict)
    findings = models.JSONField(default=list)
    fault = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["trial", "decision"], name="a_trial_lists_a_decision_once")
        ]

    def __str__(self) -> str:
        return f"{self.trial_id} {self.decision_id}"
