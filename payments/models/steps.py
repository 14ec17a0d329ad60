"""Steps with money that take two people of Finance."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from contracts.models import Document
from kernel.ids import new_id
from payments.models.payouts import Payout
from payments.models.statements import StatementLine


class StepKind(models.TextChoices):
    MARK_ACCEPTED = "mark_accepted", _("it was sent")
    MARK_FAILED = "mark_failed", _("it was not sent")
    MARK_RETURNED = "mark_returned", _("it came back less a fee")
    REPLACE = "replace", _("send it again")
    GIVE_UP = "give_up", _("it is not owed any more")


class PayoutStep(models.Model):
    """
    What one of Finance wants to do with a payout: done when a second person confirms it.

    `evidence_reference` names the proof outside (a bank reference); `evidence` is a file of it, `value_date`
    the day on which the bank moved the money. `line` is what came back, where a bank kept a part.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    payout = models.ForeignKey(Payout, on_delete=models.PROTECT, related_name="steps")
    kind = models.CharField(max_length=15, choices=StepKind)
    reason = models.CharField(max_length=500)
    evidence_reference = models.CharField(max_length=140, blank=True)
    value_date = models.DateField(null=True)
    evidence = models.ForeignKey(Document, on_delete=models.PROTECT, null=True, related_name="+")
    line = models.ForeignKey(StatementLine, on_delete=models.PROTECT, null=True, related_name="steps")
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    confirmed_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(confirmed_by__isnull=True, confirmed_at__isnull=True)
                | (
                    Q(confirmed_at__isnull=False, withdrawn_at__isnull=True)
                    & ~Q(confirmed_by=F("proposed_by"))
                ),
                name="a_step_is_confirmed_by_a_second_person",
            ),
            models.UniqueConstraint(
                fields=["payout"],
                condition=Q(confirmed_at__isnull=True, withdrawn_at__isnull=True),
                name="a_payout_has_one_open_step",
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=["mark_accepted", "mark_failed"])
                | ~Q(evidence_reference="")
                | Q(evidence__isnull=False),
                name="a_payout_is_resolved_by_evidence",
            ),
            models.CheckConstraint(
                condition=Q(kind="mark_returned", line__isnull=False)
                | (~Q(kind="mark_returned") & Q(line__isnull=True)),
                name="what_came_back_less_a_fee_names_its_line",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.payout_id}"
