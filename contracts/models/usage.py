"""Usage: what was agreed to be metered, and what was used."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from contracts.models.agreements import Contract
from contracts.models.work import Stage
from kernel.ids import new_id


class MeterKind(models.TextChoices):
    METERED = "metered", _("metered")
    TIME = "time", _("time")


class Meter(models.Model):
    """A priced use; `price_nano` is per unit (metered) or per period (time), in 10^-9 major units."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="meters")
    code = models.CharField(max_length=40)
    title = models.CharField(max_length=200)
    kind = models.CharField(max_length=10, choices=MeterKind)
    unit = models.CharField(max_length=40, blank=True)
    price_nano = models.BigIntegerField()

    class Meta:
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "code"], name="meter_codes_are_unique_in_a_contract"),
            models.CheckConstraint(condition=Q(price_nano__gte=0), name="a_meter_price_is_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"


class UsageRecord(models.Model):
    """
    One report of use, counted once per (source, external id), never split and never changed.

    `quantity_micro` is in 10^-6 units, `price_nano` copied from the meter in 10^-9 major units.
    `payment_id` names the payment it belongs to, fixed once (a plain id: payments stand above).
    """

    id = models.BigAutoField(primary_key=True)
    source = models.CharField(max_length=60)
    external_id = models.CharField(max_length=120)
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="usage_records")
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="records")
    stage = models.ForeignKey(Stage, on_delete=models.PROTECT, null=True, related_name="usage_records")
    kind = models.CharField(max_length=10, choices=MeterKind)
    quantity_micro = models.BigIntegerField(null=True)
    price_nano = models.BigIntegerField()
    occurred_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField()
    payment_id = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "external_id"],
                name="usage_counts_once_per_source_and_id",
            ),
            models.CheckConstraint(
                condition=(Q(kind="metered") & Q(quantity_micro__isnull=False) & Q(ends_at__isnull=True))
                | (Q(kind="time") & Q(quantity_micro__isnull=True) & Q(ends_at__gt=F("occurred_at"))),
                name="usage_has_a_quantity_or_a_period",
            ),
        ]
        indexes = [
            models.Index(fields=["payment_id", "meter"], name="usage_of_a_payment"),
            models.Index(fields=["contract", "meter"], name="usage_of_a_contract"),
            models.Index(
                fields=["contract", "id"],
                condition=Q(payment_id__isnull=True),
                name="usage_without_a_payment",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source}:{self.external_id}"
