"""Established facts: each by whom, when, why and with which evidence; append-only, the latest counts."""

from django.conf import settings
from django.db import models

from contracts.models import Delivery, Document, UsageRecord
from kernel.ids import new_id
from refunds.models.requests import RefundRequest


class EstablishedFact(models.Model):
    """What all established facts share."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="%(class)s_facts")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    reason = models.TextField(max_length=4000)
    evidence = models.ForeignKey(Document, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        abstract = True
        ordering = ["at", "id"]


class StatutoryCheck(EstablishedFact):
    """Whether the law gives a consumer's application a longer period."""

    holds = models.BooleanField()

    def __str__(self) -> str:
        return f"statutory right: {self.holds}"


class HiddenDefect(EstablishedFact):
    """Whether an accepted delivery has a defect that could not be seen when it was accepted."""

    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="hidden_defects")
    holds = models.BooleanField(default=True)

    def __str__(self) -> str:
        return f"hidden defect: {self.holds}"


class UsageExclusion(EstablishedFact):
    """Whether a usage record was the company's own use and does not count."""

    usage_record = models.ForeignKey(UsageRecord, on_delete=models.PROTECT, related_name="exclusions")
    excluded = models.BooleanField(default=True)

    def __str__(self) -> str:
        return f"excluded: {self.excluded}"
