"""Payments: what a client paid for a stage, and under which frozen terms."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from contracts.models import Client, Contract, RefundTerms, Stage
from kernel.ids import new_id


class Method(models.TextChoices):
    BANK = "bank", _("bank transfer")
    CARD = "card", _("card")
    CASH = "cash", _("cash")
    CREDIT = "credit", _("exchange credit")


class Rail(models.TextChoices):
    SANDBOX = "sandbox", _("sandbox")
    STRIPE = "stripe", _("Stripe")
    BANK_FILE = "bank_file", _("bank file")
    MANUAL = "manual", _("manual")


class PaymentStatus(models.TextChoices):
    PENDING = "pending", _("pending")
    AUTHORISED = "authorised", _("authorised")
    CAPTURED = "captured", _("captured")
    DISPUTED = "disputed", _("disputed")
    CHARGED_BACK = "charged_back", _("charged back")
    FAILED = "failed", _("failed")
    VOIDED = "voided", _("voided")


class Payment(models.Model):
    """
    One payment of a stage, in minor units of `currency`.

    At capture the governing terms, the deadline (instant and written form) are frozen.
    `reserved_minor` is approved and not yet paid back, `refunded_minor` paid back or credited.
    Assigned usage is kept exactly: `usage_micro` in 10^-6 and `usage_rest_femto` in 10^-15 major
    units, the latter in [0, 10^9). `window_warned_at` is when the coming end of the window was told,
    `status_reason` what people said about the last change of status.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.CharField(max_length=20, unique=True)
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="payments")
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="payments")
    stage = models.ForeignKey(Stage, on_delete=models.PROTECT, related_name="payments")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    method = models.CharField(max_length=10, choices=Method)
    rail = models.CharField(max_length=10, choices=Rail)
    status = models.CharField(max_length=12, choices=PaymentStatus, default=PaymentStatus.PENDING)
    reference = models.CharField(max_length=140, blank=True)
    provider_reference = models.CharField(max_length=140, blank=True)
    value_date = models.DateField(null=True)
    created_at = models.DateTimeField()
    recorded_by_id = models.UUIDField(null=True)
    captured_at = models.DateTimeField(null=True)
    terms = models.ForeignKey(RefundTerms, on_delete=models.PROTECT, null=True, related_name="payments")
    deadline = models.DateTimeField(null=True)
    deadline_text = models.CharField(max_length=40, blank=True)
    reserved_minor = models.BigIntegerField(default=0)
    refunded_minor = models.BigIntegerField(default=0)
    charged_back_minor = models.BigIntegerField(default=0)
    usage_micro = models.BigIntegerField(default=0)
    usage_rest_femto = models.BigIntegerField(default=0)
    credit_of_request_id = models.UUIDField(null=True, unique=True)
    imported = models.BooleanField(default=False)
    window_warned_at = models.DateTimeField(null=True)
    status_reason = models.CharField(max_length=500, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["client", "id"], name="payments_of_a_client"),
            models.Index(fields=["contract", "captured_at"], name="payments_of_a_contract"),
            models.Index(fields=["stage", "captured_at"], name="payments_of_a_stage"),
            models.Index(
                fields=["deadline"],
                condition=Q(status="captured"),
                name="payments_by_deadline",
            ),
            models.Index(fields=["status", "id"], name="payments_in_a_status"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="a_payment_amount_is_positive"),
            models.CheckConstraint(
                condition=Q(reserved_minor__gte=0) & Q(refunded_minor__gte=0) & Q(charged_back_minor__gte=0),
                name="payment_counters_are_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(amount_minor__gte=F("reserved_minor") + F("refunded_minor")),
                name="refunds_never_exceed_the_payment",
            ),
            models.CheckConstraint(
                condition=Q(charged_back_minor__lte=F("amount_minor")),
                name="a_chargeback_never_exceeds_the_payment",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["pending", "authorised", "failed", "voided"])
                | (Q(captured_at__isnull=False) & (Q(method="credit") | Q(deadline__isnull=False))),
                name="a_captured_payment_has_its_deadline",
            ),
            models.CheckConstraint(
                condition=Q(
                    method="credit",
                    credit_of_request_id__isnull=False,
                    deadline__isnull=True,
                )
                | (~Q(method="credit") & Q(credit_of_request_id__isnull=True)),
                name="a_credit_comes_from_a_request_and_has_no_window",
            ),
            models.UniqueConstraint(
                fields=["rail", "provider_reference"],
                condition=~Q(provider_reference=""),
                name="a_provider_reference_names_one_payment",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class Allocation(models.Model):
    """The part of a payment that belongs to a stage of work; parts sum to the payment."""

    id = models.BigAutoField(primary_key=True)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="allocations")
    stage = models.ForeignKey(Stage, on_delete=models.PROTECT, related_name="allocations")
    amount_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["payment", "stage"], name="one_allocation_per_payment_and_stage"),
            models.CheckConstraint(condition=Q(amount_minor__gte=0), name="an_allocation_is_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.payment_id} for {self.stage_id}"
