"""Reconciliations: when our books were last held against a provider's."""

from django.conf import settings
from django.db import models

from kernel.ids import new_id
from payments.models.payments import Rail


class Reconciliation(models.Model):
    """
    One comparison of our payouts with the book of a rail's provider.

    `database` names the database that it ended in (a restored one has another name), empty while a comparison
    after a restore has not ended well: nothing is sent on the rail until one has. `since` is the instant from
    which the book was read.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    rail = models.CharField(max_length=10, choices=Rail)
    database = models.CharField(max_length=80, blank=True)
    since = models.DateTimeField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    lines_read = models.PositiveIntegerField(default=0)
    differences = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        indexes = [models.Index(fields=["rail", "started_at"], name="reconciliations_of_a_rail")]

    def __str__(self) -> str:
        return f"{self.rail} {self.started_at:%Y-%m-%d %H:%M}"
