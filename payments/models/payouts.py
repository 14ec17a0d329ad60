"""Payouts: money on its way back, and every try to send it."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contracts.models import Client
from kernel.ids import new_id
from payments.models.bank import BankAccount
from payments.models.bank_files import BankFile
from payments.models.payments import Payment, Rail
from payments.states import PAYOUT_ENDED_WITHOUT_MONEY


class PayoutState(models.TextChoices):
    READY = "ready", _("ready")
    SUBMITTING = "submitting", _("being sent")
    ACCEPTED = "accepted", _("sent")
    SETTLED = "settled", _("arrived")
    FAILED = "failed", _("failed")
    RETURNED = "returned", _("returned")
    UNKNOWN = "unknown", _("in doubt")
    MANUAL = "manual", _("with Finance")
    CANCELLED = "cancelled", _("cancelled")


class Payout(models.Model):
    """
    One sending of one refund; its id is the key under which the provider knows it, in every try.

    `request_id` names the refund request (a plain id: requests stand above). `key_first_used_at`
    is the age of the key at the provider. A payout is in one `bank_file` for ever. Leases are set by
    the database's clock.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    request_id = models.UUIDField(db_index=True)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="payouts")
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="payouts")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    rail = models.CharField(max_length=10, choices=Rail)
    destination = models.ForeignKey(BankAccount, on_delete=models.PROTECT, null=True, related_name="payouts")
    bank_file = models.ForeignKey(BankFile, on_delete=models.PROTECT, null=True, related_name="payouts")
    state = models.CharField(max_length=12, choices=PayoutState, default=PayoutState.READY)
    replaces = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="replaced_by")
    provider_reference = models.CharField(max_length=140, blank=True)
    failure_code = models.CharField(max_length=60, blank=True)
    attempts_made = models.PositiveIntegerField(default=0)
    look_ups_made = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    next_look_up_at = models.DateTimeField(null=True)
    key_first_used_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    accepted_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["id"], condition=Q(state="ready"), name="payouts_to_send"),
            models.Index(
                fields=["lease_until"],
                condition=Q(state="submitting"),
                name="payouts_on_the_wire",
            ),
            models.Index(
                fields=["next_look_up_at"],
                condition=Q(state="unknown"),
                name="payouts_in_doubt",
            ),
            models.Index(fields=["state", "id"], name="payouts_in_a_state"),
            models.Index(fields=["client", "id"], name="payouts_of_a_client"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="a_payout_amount_is_positive"),
            models.UniqueConstraint(
                fields=["request_id"],
                condition=~Q(state__in=sorted(PAYOUT_ENDED_WITHOUT_MONEY)),
                name="a_request_has_one_live_payout",
            ),
            models.CheckConstraint(
                condition=Q(replaces__isnull=True)
                | (
                    Q(created_by__isnull=False)
                    & Q(confirmed_by__isnull=False)
                    & ~Q(created_by=models.F("confirmed_by"))
                ),
                name="a_successor_payout_has_two_people",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["accepted", "settled"]) | Q(accepted_at__isnull=False),
                name="a_sent_payout_has_its_instant",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.currency} {self.amount_minor} for {self.request_id}"


class AttemptKind(models.TextChoices):
    SUBMIT = "submit", _("submit")
    LOOK_UP = "look_up", _("look up")


class PayoutAttempt(models.Model):
    """One call to the provider: written before, completed after; an empty end means no answer was read."""

    id = models.BigAutoField(primary_key=True)
    payout = models.ForeignKey(Payout, on_delete=models.PROTECT, related_name="attempts")
    kind = models.CharField(max_length=10, choices=AttemptKind)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    result = models.CharField(max_length=20, blank=True)
    code = models.CharField(max_length=60, blank=True)
    detail = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.result}"
