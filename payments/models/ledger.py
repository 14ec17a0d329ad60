"""The ledger: a transfer is one row, so it cannot be unbalanced."""

from django.db import models
from django.db.models import F, Q

from payments.models.payments import Payment
from payments.models.payouts import Payout


class Account(models.Model):
    """A ledger account of one currency, such as `refunds_payable:EUR`."""

    id = models.BigAutoField(primary_key=True)
    code = models.CharField(max_length=60, unique=True)
    currency = models.CharField(max_length=3)

    def __str__(self) -> str:
        return self.code


class Transfer(models.Model):
    """An amount (minor units, above zero) from the credited to the debited account; never changed."""

    id = models.BigAutoField(primary_key=True)
    key = models.CharField(max_length=120, unique=True)
    debit = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="debits")
    credit = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="credits")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="transfers")
    payout = models.ForeignKey(Payout, on_delete=models.PROTECT, null=True, related_name="transfers")
    request_id = models.UUIDField(null=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_minor__gt=0),
                name="a_transfer_moves_a_positive_amount",
            ),
            models.CheckConstraint(condition=~Q(debit=F("credit")), name="a_transfer_has_two_accounts"),
        ]
        indexes = [
            models.Index(fields=["debit", "id"], name="transfers_by_debit"),
            models.Index(fields=["credit", "id"], name="transfers_by_credit"),
            models.Index(fields=["at", "id"], name="transfers_by_time"),
        ]

    def __str__(self) -> str:
        return self.key
