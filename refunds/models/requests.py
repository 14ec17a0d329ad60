"""Applications: what a client has typed so far, and what a client has applied for."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contracts.models import Client, Contract, Document, Stage
from kernel.ids import new_id
from payments.models import Payment
from refunds.states import REQUEST_OPEN


class Remedy(models.TextChoices):
    REFUND = "refund", _("money back")
    EXCHANGE = "exchange", _("credit towards another stage")


class ReasonGiven(models.TextChoices):
    NOT_DELIVERED = "not_delivered", _("The work has not been delivered")
    NOT_AS_AGREED = "not_as_agreed", _("The work is not as agreed")
    DEFECTS = "defects", _("The work has defects")
    TOO_LATE = "too_late", _("The work came too late")
    NO_LONGER_NEEDED = "no_longer_needed", _("I no longer need it")
    OTHER = "other", _("Something else")


class RequestState(models.TextChoices):
    SUBMITTED = "submitted", _("received")
    IN_REVIEW = "in_review", _("in review")
    INFORMATION_REQUESTED = "information_requested", _("waiting for your answer")
    PROPOSED = "proposed", _("answer proposed")
    APPROVED = "approved", _("refund approved")
    REJECTED = "rejected", _("no refund")
    WITHDRAWN = "withdrawn", _("withdrawn")


class ReceivedVia(models.TextChoices):
    PORTAL = "portal", _("portal")
    API = "api", _("another system")
    PHONE = "phone", _("phone")
    LETTER = "letter", _("letter")
    EMAIL = "email", _("e-mail")


class ApplicationDraft(models.Model):
    """What a client has typed so far, kept 30 days on the server; it is not an application."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="drafts")
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="drafts")
    content = models.JSONField(default=dict)
    updated_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "payment"], name="one_draft_per_person_and_payment")
        ]
        indexes = [models.Index(fields=["expires_at"], name="drafts_by_expiry")]

    def __str__(self) -> str:
        return f"draft for {self.payment_id}"


class RefundRequest(models.Model):
    """
    An application for a refund of one payment.

    `submitted_at` is when it reached the company. `amount_minor` is what was asked for (empty: all).
    `receipt_answer` is how things stood when it was entered, `answer` how they stand now; `outcome`,
    `main_reason` and `expected_minor` (the figure at the foot) repeat what `answer` says, for lists.
    `objections` holds what the client says is wrong, by acceptance item: a list of
    `{"stage", "item", "text"}`.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.CharField(max_length=20, unique=True)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="requests")
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="requests")
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="requests")
    state = models.CharField(max_length=22, choices=RequestState, default=RequestState.SUBMITTED)
    reason = models.CharField(max_length=20, choices=ReasonGiven)
    statement = models.TextField(max_length=4000)
    objections = models.JSONField(default=list)
    amount_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3)
    remedy = models.CharField(max_length=10, choices=Remedy, default=Remedy.REFUND)
    target_stage = models.ForeignKey(
        Stage, on_delete=models.PROTECT, null=True, related_name="credit_requests"
    )
    submitted_at = models.DateTimeField()
    received_via = models.CharField(max_length=10, choices=ReceivedVia)
    received_evidence = models.ForeignKey(Document, on_delete=models.PROTECT, null=True, related_name="+")
    recorded_at = models.DateTimeField()
    applicant = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="applications",
    )
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    answer_due_on = models.DateField()
    information_due_on = models.DateField(null=True)
    information_reminded_at = models.DateTimeField(null=True)
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="reviews",
    )
    receipt_answer = models.JSONField(default=dict)
    answer = models.JSONField(default=dict)
    outcome = models.CharField(max_length=20, default="", editable=False)
    main_reason = models.CharField(max_length=40, default="", editable=False)
    expected_minor = models.BigIntegerField(default=0, editable=False)
    evaluated_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("application")
        verbose_name_plural = _("applications")
        indexes = [
            models.Index(fields=["client", "id"], name="requests_of_a_client"),
            models.Index(fields=["state", "submitted_at"], name="requests_in_a_state"),
            models.Index(
                fields=["answer_due_on"],
                condition=Q(state__in=sorted(REQUEST_OPEN)),
                name="requests_due",
            ),
            models.Index(
                fields=["information_due_on"],
                condition=Q(state="information_requested"),
                name="requests_waiting_for_answers",
            ),
            models.Index(fields=["payment", "state"], name="requests_of_a_payment"),
            models.Index(fields=["decided_at"], name="requests_by_answer_time"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["payment"],
                condition=Q(state__in=sorted(REQUEST_OPEN)),
                name="a_payment_has_one_open_request",
            ),
            models.CheckConstraint(
                condition=Q(remedy="refund", target_stage__isnull=True)
                | Q(remedy="exchange", target_stage__isnull=False),
                name="an_exchange_names_its_target_stage",
            ),
            models.CheckConstraint(
                condition=Q(received_via__in=["portal", "api"]) | Q(recorded_by__isnull=False),
                name="an_application_received_otherwise_is_recorded_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return self.number
