"""Files of credit transfers for the bank."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from kernel.ids import new_id


class BankFile(models.Model):
    """
    A file of credit transfers (pain.001) for the bank; the same bytes again on every export.

    `content_sealed` are its bytes, encrypted at rest because they hold whole IBANs; `sha256` is of the bytes.
    `message_id` follows from the payouts in it. A file is made by one of Finance and ends by a second person:
    it was uploaded (`confirmed_*`), or it never was (`discarded_*`, after a proposal with its reason).
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    message_id = models.CharField(max_length=35, unique=True)
    content_sealed = models.TextField()
    sha256 = models.CharField(max_length=64)
    execution_on = models.DateField()
    payouts_count = models.PositiveIntegerField()
    total_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    confirmed_at = models.DateTimeField(null=True)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    discard_reason = models.CharField(max_length=500, blank=True)
    discard_proposed_at = models.DateTimeField(null=True)
    discard_proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    discarded_at = models.DateTimeField(null=True)
    discarded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(confirmed_by__isnull=True) | ~Q(confirmed_by=F("created_by")),
                name="a_bank_file_is_confirmed_by_a_second_person",
            ),
            models.CheckConstraint(
                condition=Q(discarded_by__isnull=True, discarded_at__isnull=True)
                | (Q(discard_proposed_by__isnull=False) & ~Q(discarded_by=F("discard_proposed_by"))),
                name="a_bank_file_is_discarded_by_two_people",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_at__isnull=True) | Q(discarded_at__isnull=True),
                name="a_bank_file_was_uploaded_or_discarded",
            ),
        ]

    def __str__(self) -> str:
        return self.message_id

    @property
    def is_open(self) -> bool:
        """Whether nobody has said yet what became of it."""
        return self.confirmed_at is None and self.discarded_at is None
