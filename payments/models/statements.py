"""What the bank says: statements of the company's account, and every line of them."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from kernel.ids import new_id


class Statement(models.Model):
    """
    One statement (camt.053) of the company's account, imported once.

    `external_id` is the bank's name of it, `sha256` of its canonical content. Balances are in minor units,
    below zero for a debt: `opening_minor` and the lines make `closing_minor`.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    external_id = models.CharField(max_length=140, unique=True)
    sha256 = models.CharField(max_length=64)
    opening_minor = models.BigIntegerField()
    closing_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    opens_on = models.DateField()
    closes_on = models.DateField()
    lines_count = models.PositiveIntegerField()
    imported_at = models.DateTimeField()
    imported_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )

    def __str__(self) -> str:
        return self.external_id


class LineState(models.TextChoices):
    OPEN = "open", _("open")
    MATCHED = "matched", _("matched")
    SET_ASIDE = "set_aside", _("other business")
    DISPUTED = "disputed", _("not ours")


class StatementLine(models.Model):
    """
    One movement of money on a statement, kept once.

    `source` is the rail whose book it stands in. `is_credit` means that money came; `is_return` that the bank
    calls it money that came back, with `return_code` (ISO 20022). `why_open` says as a code why no machine
    matched it. Whoever is behind it is known by name and by the last four signs of the IBAN.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, null=True, related_name="lines")
    source = models.CharField(max_length=60)
    external_id = models.CharField(max_length=180)
    booked_on = models.DateField()
    value_date = models.DateField(null=True)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    is_credit = models.BooleanField()
    is_return = models.BooleanField(default=False)
    return_code = models.CharField(max_length=35, blank=True)
    reference = models.CharField(max_length=500, blank=True)
    bank_reference = models.CharField(max_length=140, blank=True)
    end_to_end_id = models.CharField(max_length=35, blank=True)
    counterparty = models.CharField(max_length=140, blank=True)
    counterparty_last4 = models.CharField(max_length=4, blank=True)
    imported_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=LineState, default=LineState.OPEN)
    why_open = models.CharField(max_length=40, blank=True)
    matched_payment_id = models.UUIDField(null=True)
    matched_payout_id = models.UUIDField(null=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="a_statement_line_is_kept_once"),
            models.CheckConstraint(
                condition=Q(amount_minor__gte=0), name="the_amount_of_a_line_is_not_negative"
            ),
            models.CheckConstraint(
                condition=~Q(state="matched")
                | Q(matched_payment_id__isnull=False)
                | Q(matched_payout_id__isnull=False),
                name="a_matched_line_names_its_match",
            ),
            models.UniqueConstraint(
                fields=["matched_payment_id"],
                condition=Q(state="matched", matched_payment_id__isnull=False),
                name="a_payment_arrives_on_one_line",
            ),
            models.UniqueConstraint(
                fields=["matched_payout_id", "is_credit"],
                condition=Q(state="matched", matched_payout_id__isnull=False),
                name="a_payout_leaves_and_returns_on_one_line_each",
            ),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(state="open"), name="statement_lines_to_match"),
            models.Index(fields=["matched_payout_id"], name="statement_lines_of_a_payout"),
        ]

    def __str__(self) -> str:
        return self.external_id
