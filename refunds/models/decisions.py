"""Proposals and decisions: the facts and the answer as they were, never changed."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from kernel.ids import new_id
from refunds.models.requests import RefundRequest


class Proposal(models.Model):
    """The answer a reviewer put forward, with the facts that gave it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="proposals")
    number = models.PositiveSmallIntegerField()
    facts = models.JSONField()
    answer = models.JSONField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    note = models.TextField(max_length=4000, blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["request", "number"], name="proposals_are_numbered_once"),
        ]

    def __str__(self) -> str:
        return f"{self.request_id} proposal {self.number}"


class ApprovedAs(models.TextChoices):
    REVIEWER = "reviewer", _("reviewer")
    APPROVER = "approver", _("approver")


class Decision(models.Model):
    """
    The company's answer to a request.

    `facts` is a complete interchange object (its terms included), `answer` what the policy made of
    it. Without people it was answered by the policy at once; else two different people decided.
    A decision whose payout was cancelled is superseded by the next one of the same request.
    `approved_as` and `limit_minor` say under which right it was approved: a Reviewer up to the
    limit that held then (minor units), an Approver above it.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="decisions")
    number = models.PositiveSmallIntegerField(default=1)
    facts = models.JSONField()
    answer = models.JSONField()
    policy_version = models.CharField(max_length=10)
    outcome = models.CharField(max_length=20)
    refund_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    proposal = models.OneToOneField(Proposal, on_delete=models.PROTECT, null=True, related_name="decision")
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    approved_as = models.CharField(max_length=10, choices=ApprovedAs, blank=True)
    limit_minor = models.BigIntegerField(null=True)
    decided_at = models.DateTimeField()
    decided_on = models.DateField()

    class Meta:
        indexes = [
            models.Index(fields=["decided_at"], name="decisions_by_time"),
            models.Index(
                fields=["approved_by", "decided_on"],
                name="decisions_by_approver_and_day",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["request", "number"], name="decisions_are_numbered_once"),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True, proposed_by__isnull=True)
                | (
                    Q(approved_by__isnull=False)
                    & Q(proposed_by__isnull=False)
                    & ~Q(approved_by=F("proposed_by"))
                ),
                name="nobody_approves_what_they_proposed",
            ),
            models.CheckConstraint(
                condition=Q(refund_minor=0) | Q(approved_by__isnull=False),
                name="money_is_returned_only_by_two_people",
            ),
            models.CheckConstraint(
                condition=Q(outcome__in=["no_refund", "inadmissible"], refund_minor=0)
                | (Q(outcome__in=["refund_in_full", "refund_in_part"]) & Q(refund_minor__gt=0)),
                name="a_decision_is_a_yes_with_money_or_a_no",
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True, approved_as="")
                | Q(approved_by__isnull=False, approved_as="approver")
                | Q(approved_by__isnull=False, approved_as="reviewer", limit_minor__gte=F("refund_minor")),
                name="above_the_limit_an_approver_approves",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.request_id} {self.outcome}"
