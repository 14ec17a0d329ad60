"""The outside world of money: bank accounts, files, statements, provider events and differences."""

from django.conf import settings
from django.db import models
from django.db.models import Q

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


class BankFile(models.Model):
    """A file of credit transfers for the bank; the same bytes again on every export."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    message_id = models.CharField(max_length=35, unique=True)
    content = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    confirmed_at = models.DateTimeField(null=True)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(confirmed_by__isnull=True) | ~Q(confirmed_by=models.F("created_by")),
                name="a_bank_file_is_confirmed_by_a_second_person",
            )
        ]

    def __str__(self) -> str:
        return self.message_id


class StatementLine(models.Model):
    """One line of a bank's or provider's statement, kept once."""

    id = models.BigAutoField(primary_key=True)
    source = models.CharField(max_length=60)
    external_id = models.CharField(max_length=140)
    booked_on = models.DateField()
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    is_credit = models.BooleanField()
    reference = models.CharField(max_length=200, blank=True)
    end_to_end_id = models.CharField(max_length=35, blank=True)
    imported_at = models.DateTimeField()
    matched_payment_id = models.UUIDField(null=True)
    matched_payout_id = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="a_statement_line_is_kept_once")
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.external_id}"


class BreakKind(models.TextChoices):
    DOUBLE_RETURN = "double_return", "returned twice"
    OURS_ONLY = "ours_only", "only in our books"
    THEIRS_ONLY = "theirs_only", "only at the provider"
    DIFFERENT = "different", "different amounts"


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
