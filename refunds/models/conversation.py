"""The conversation: messages, files and questions."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contracts.models import Client, Contract
from kernel.ids import new_id
from refunds.models.requests import ApplicationDraft, RefundRequest


class EnquiryState(models.TextChoices):
    OPEN = "open", _("open")
    ANSWERED = "answered", _("answered")


class Enquiry(models.Model):
    """
    A question about the policy, a contract or a request; it gets an answer by a date (P7).

    Nobody is named in `asked_by` when a system asked that counts as no person.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="enquiries")
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, null=True, related_name="enquiries")
    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, null=True, related_name="enquiries")
    subject = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=EnquiryState, default=EnquiryState.OPEN)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    asked_at = models.DateTimeField()
    answer_due_on = models.DateField()
    answered_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "enquiries"
        indexes = [
            models.Index(fields=["client", "id"], name="enquiries_of_a_client"),
            models.Index(fields=["answer_due_on"], condition=Q(state="open"), name="enquiries_due"),
        ]

    def __str__(self) -> str:
        return self.subject


class Message(models.Model):
    """One message in the thread of a request or a question; internal ones are for staff only."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, null=True, related_name="messages")
    enquiry = models.ForeignKey(Enquiry, on_delete=models.PROTECT, null=True, related_name="messages")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    by_staff = models.BooleanField()
    is_internal = models.BooleanField(default=False)
    body = models.TextField(max_length=8000)
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=(Q(request__isnull=False) & Q(enquiry__isnull=True))
                | (Q(request__isnull=True) & Q(enquiry__isnull=False)),
                name="a_message_belongs_to_one_thread",
            ),
            models.CheckConstraint(
                condition=Q(is_internal=False) | Q(by_staff=True),
                name="only_staff_write_internal_messages",
            ),
        ]

    def __str__(self) -> str:
        return self.body[:60]


class ScanState(models.TextChoices):
    """What the scanner said; without one files are not scanned."""

    UNSCANNED = "unscanned", _("not scanned")
    WAITING = "waiting", _("being checked")
    CLEAN = "clean", _("clean")
    INFECTED = "infected", _("kept under lock")


class Attachment(models.Model):
    """
    A file sent with a draft, an application or a message: original bytes, immutable once sent.

    `scan_after` is when the scanner is asked (again), `scan_found` what it found.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    draft = models.ForeignKey(
        ApplicationDraft,
        on_delete=models.SET_NULL,
        null=True,
        related_name="attachments",
    )
    request = models.ForeignKey(
        RefundRequest, on_delete=models.PROTECT, null=True, related_name="attachments"
    )
    message = models.ForeignKey(Message, on_delete=models.PROTECT, null=True, related_name="attachments")
    stored_as = models.CharField(max_length=100, unique=True)
    file_name = models.CharField(max_length=255)
    content_type = models.CharField(max_length=100)
    size_bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    uploaded_at = models.DateTimeField()
    scan_state = models.CharField(max_length=10, choices=ScanState, default=ScanState.UNSCANNED)
    scan_after = models.DateTimeField(null=True)
    scan_attempts = models.PositiveSmallIntegerField(default=0)
    scanned_at = models.DateTimeField(null=True)
    scan_found = models.CharField(max_length=100, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["scan_after"], condition=Q(scan_state="waiting"), name="files_to_be_scanned")
        ]

    def __str__(self) -> str:
        return self.file_name

    @property
    def may_be_opened(self) -> bool:
        """Whether it may be given out: it was called clean, or nobody scans."""
        return self.scan_state in (ScanState.UNSCANNED, ScanState.CLEAN)

    @property
    def has_preview(self) -> bool:
        """Whether a small picture of it can be shown."""
        return self.content_type in ("image/png", "image/jpeg")
