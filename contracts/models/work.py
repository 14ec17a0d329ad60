"""The work: stages, what they prepay, what is accepted, delivered and assessed."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from contracts.models.agreements import Contract, Document
from kernel.ids import new_id


class StageKind(models.TextChoices):
    PREPAYMENT = "prepayment", _("prepayment")
    WORK = "work", _("work")


class StageState(models.TextChoices):
    PLANNED = "planned", _("planned")
    IN_PROGRESS = "in_progress", _("in progress")
    DELIVERED = "delivered", _("delivered")


class Stage(models.Model):
    """
    One payment of a contract: the prepayment, or a segment of work.

    `code` is the stage's name in decisions. `covered_minor` is the sum of the payments for it that
    are not failed or voided, less what was charged back: kept by payments, never above the amount.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="stages")
    position = models.PositiveSmallIntegerField()
    code = models.CharField(max_length=40)
    title = models.CharField(max_length=200)
    kind = models.CharField(max_length=12, choices=StageKind)
    amount_minor = models.BigIntegerField()
    covered_minor = models.BigIntegerField(default=0)
    state = models.CharField(max_length=12, choices=StageState, default=StageState.PLANNED)
    due_on = models.DateField(null=True)
    is_removed = models.BooleanField(default=False)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "code"], name="stage_codes_are_unique_in_a_contract"),
            models.UniqueConstraint(
                fields=["contract", "position"],
                condition=Q(is_removed=False),
                name="stage_positions_are_unique_in_a_contract",
            ),
            models.CheckConstraint(condition=Q(amount_minor__gte=0), name="a_stage_amount_is_not_negative"),
            models.CheckConstraint(
                condition=Q(covered_minor__gte=0) & Q(covered_minor__lte=F("amount_minor")),
                name="a_stage_is_not_paid_beyond_its_amount",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"


class PrepaymentShare(models.Model):
    """How much of a prepayment prepays one stage of work (minor units)."""

    id = models.BigAutoField(primary_key=True)
    prepayment = models.ForeignKey(Stage, on_delete=models.PROTECT, related_name="shares")
    work = models.ForeignKey(Stage, on_delete=models.PROTECT, related_name="prepaid_by")
    amount_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["prepayment", "work"], name="one_share_per_prepayment_and_stage"),
            models.CheckConstraint(
                condition=Q(amount_minor__gte=0),
                name="a_prepayment_share_is_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.prepayment_id} prepays {self.work_id}"


class AcceptanceItem(models.Model):
    """One statement of the technical documentation by which a stage is judged; weight in millionths."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    stage = models.ForeignKey(Stage, on_delete=models.PROTECT, related_name="items")
    position = models.PositiveSmallIntegerField()
    code = models.CharField(max_length=40)
    statement = models.TextField(max_length=1000)
    weight_micro = models.BigIntegerField()
    reference = models.CharField(max_length=200, blank=True)
    is_removed = models.BooleanField(default=False)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["stage", "code"], name="item_codes_are_unique_in_a_stage"),
            models.CheckConstraint(condition=Q(weight_micro__gt=0), name="an_item_weight_is_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.statement[:60]}"


class DeliveryState(models.TextChoices):
    DELIVERED = "delivered", _("delivered")
    ACCEPTED = "accepted", _("accepted")
    OBJECTED = "objected", _("objected to")


class Delivery(models.Model):
    """
    One delivery of a stage, with its own acceptance, objection and assessments.

    Acceptance is the client's act (`accepted_by_client`). Recorded by anybody else it needs the
    signed protocol, and counts only for applications received after it was recorded.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    stage = models.ForeignKey(Stage, on_delete=models.PROTECT, related_name="deliveries")
    number = models.PositiveSmallIntegerField()
    delivered_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    note = models.TextField(max_length=4000, blank=True)
    documents = models.ManyToManyField(Document, blank=True, related_name="deliveries")
    state = models.CharField(max_length=10, choices=DeliveryState, default=DeliveryState.DELIVERED)
    accepted_at = models.DateTimeField(null=True)
    accepted_by_client = models.BooleanField(default=False)
    acceptance_recorded_at = models.DateTimeField(null=True)
    acceptance_recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    acceptance_protocol = models.ForeignKey(Document, on_delete=models.PROTECT, null=True, related_name="+")
    objected_at = models.DateTimeField(null=True)
    objected_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    objections = models.JSONField(default=list)

    class Meta:
        verbose_name_plural = "deliveries"
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["stage", "number"], name="deliveries_are_numbered_once"),
            models.CheckConstraint(
                condition=Q(accepted_at__isnull=True)
                | Q(accepted_by_client=True)
                | Q(acceptance_protocol__isnull=False),
                name="acceptance_by_others_needs_the_protocol",
            ),
            models.CheckConstraint(
                condition=(Q(state="accepted") & Q(accepted_at__isnull=False))
                | (~Q(state="accepted") & Q(accepted_at__isnull=True)),
                name="an_accepted_delivery_has_its_instant",
            ),
            models.CheckConstraint(
                condition=~Q(state="objected") | Q(objected_at__isnull=False),
                name="an_objected_delivery_has_its_instant",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stage_id} delivery {self.number}"


class Assessment(models.Model):
    """What a reviewer found when testing a delivery against the documentation; append-only."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="assessments")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    reason = models.TextField(max_length=4000)
    evidence = models.ForeignKey(Document, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"assessment of {self.delivery_id}"


class AssessmentValue(models.Model):
    """The fulfilled share of one item as an exact fraction in [0, 1]; empty: it cannot be tested."""

    id = models.BigAutoField(primary_key=True)
    assessment = models.ForeignKey(Assessment, on_delete=models.PROTECT, related_name="values")
    item = models.ForeignKey(AcceptanceItem, on_delete=models.PROTECT, related_name="+")
    numerator = models.BigIntegerField(null=True)
    denominator = models.BigIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["assessment", "item"], name="one_value_per_item_and_assessment"),
            models.CheckConstraint(
                condition=Q(denominator__gt=0)
                & (Q(numerator__isnull=True) | (Q(numerator__gte=0) & Q(numerator__lte=F("denominator")))),
                name="a_fulfilled_share_lies_between_0_and_1",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.item_id}: {self.numerator}/{self.denominator}"
