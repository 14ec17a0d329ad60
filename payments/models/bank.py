"""The outside world of money: bank accounts, provider events and differences."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contracts.models import Client
from kernel.ids import new_id


class BankAccount(models.Model):
    """Where a client wants money back; the IBAN is encrypted at rest, its last four signs are shown."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="bank_accounts")
    holder = models.CharField(max_length=70)
    iban_encrypted = models.TextField()
    iban_last4 = models.CharField(max_length=4)
    iban_sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    usable_from = models.DateTimeField()
    replaced_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["client"],
                condition=Q(replaced_at__isnull=True),
                name="a_client_has_one_current_bank_account",
            )
        ]

    def __str__(self) -> str:
        return f"•••• {self.iban_last4}"


class ProviderEvent(models.Model):
    """
    A raw inbound provider event, stored after its signature held, worked off later.

    `attempts` counts tries that failed for a reason of the event; after the last one it is given up and left
    to Finance. `outcome` says what came of it, `note` why a person set it aside.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    provider = models.CharField(max_length=20)
    external_id = models.CharField(max_length=140)
    type = models.CharField(max_length=80)
    body = models.BinaryField()
    received_at = models.DateTimeField()
    worked_at = models.DateTimeField(null=True)
    next_attempt_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=500, blank=True)
    given_up_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=40, blank=True)
    set_aside_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "external_id"], name="a_provider_event_is_kept_once")
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(worked_at__isnull=True, given_up_at__isnull=True),
                name="provider_events_to_work",
            ),
            models.Index(
                fields=["received_at"],
                condition=Q(worked_at__isnull=True),
                name="provider_events_not_worked",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.external_id}"


class BreakKind(models.TextChoices):
    DOUBLE_RETURN = "double_return", _("returned twice")
    OURS_ONLY = "ours_only", _("only in our books")
    THEIRS_ONLY = "theirs_only", _("only at the provider")
    DIFFERENT = "different", _("different amounts")
    UNCLAIMED = "unclaimed", _("money that came and fits nothing")


class Break(models.Model):
    """A difference between our books and the outside world, with the person who clears it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=20, choices=BreakKind)
    payment_id = models.UUIDField(null=True, db_index=True)
    payout_id = models.UUIDField(null=True)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    detail = models.JSONField(default=dict)
    found_at = models.DateTimeField()
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    resolved_at = models.DateTimeField(null=True)
    resolution = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.currency} {self.amount_minor}"
