"""Figures over everything: counted piece by piece, kept, and shown with the instant they are of."""

from django.db import models

from kernel.ids import new_id


class Snapshot(models.Model):
    """
    What staff see first about everything, as it was at `as_of`; complete when `ended_at` is there.

    `after` is the last payment with an open window that was evaluated: counting goes on behind it.
    Amounts in `figures` are minor units by currency.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    as_of = models.DateTimeField()
    after = models.UUIDField(null=True)
    figures = models.JSONField(default=dict)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["as_of"], name="snapshots_by_time")]

    def __str__(self) -> str:
        return f"{self.as_of:%Y-%m-%d %H:%M}"
