"""The agreements: contracts, their refund terms, documents and amendments."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contracts.models.clients import Client
from kernel.ids import new_id


class ContractState(models.TextChoices):
    DRAFT = "draft", _("draft")
    SIGNED = "signed", _("signed")
    COMPLETED = "completed", _("completed")
    TERMINATED = "terminated", _("terminated")


class Contract(models.Model):
    """
    An individual contract; its total is the sum of its stages (minor units of `currency`).

    `reference` is its name in another system of the company (empty: none). With the signature it
    keeps which terms version and which document (SHA-256) were signed.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.CharField(max_length=20, unique=True)
    reference = models.CharField(max_length=60, blank=True)
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="contracts")
    title = models.CharField(max_length=200)
    summary = models.TextField(max_length=4000, blank=True)
    currency = models.CharField(max_length=3)
    total_minor = models.BigIntegerField()
    payment_days = models.PositiveSmallIntegerField(default=14)
    state = models.CharField(max_length=10, choices=ContractState, default=ContractState.DRAFT)
    created_at = models.DateTimeField()
    signed_at = models.DateTimeField(null=True)
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="signed_contracts",
    )
    signed_terms_version = models.PositiveIntegerField(null=True)
    signed_sha256 = models.CharField(max_length=64, blank=True)
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=500, blank=True)
    imported = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(fields=["client", "id"], name="contracts_of_a_client"),
            models.Index(fields=["state", "id"], name="contracts_in_a_state"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["reference"],
                condition=~Q(reference=""),
                name="a_reference_names_one_contract",
            ),
            models.CheckConstraint(condition=Q(total_minor__gt=0), name="a_contract_has_a_positive_total"),
            models.CheckConstraint(
                condition=Q(state="draft") | Q(signed_at__isnull=False),
                name="a_contract_beyond_draft_is_signed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"


class RefundTerms(models.Model):
    """One immutable version of a contract's refund terms; fields as in docs/policy.md."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="terms_versions")
    version = models.PositiveIntegerField()
    in_force_from = models.DateTimeField()
    window_days = models.PositiveSmallIntegerField()
    day_rule = models.CharField(max_length=10)
    time_zone = models.CharField(max_length=64)
    roll_to_working_day = models.BooleanField()
    holiday_calendar = models.CharField(max_length=16, null=True)  # noqa: DJ001 - null is a term of its own
    conformity_mode = models.CharField(max_length=10)
    deemed_acceptance_days = models.PositiveIntegerField(null=True)
    rounding = models.CharField(max_length=10)
    exchange_allowed = models.BooleanField()
    decision_days = models.PositiveSmallIntegerField()
    deviates_from_policy = models.BooleanField()
    published_at = models.DateTimeField()
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )

    class Meta:
        verbose_name_plural = "refund terms"
        constraints = [
            models.UniqueConstraint(fields=["contract", "version"], name="terms_versions_are_numbered_once")
        ]

    def __str__(self) -> str:
        return f"{self.contract_id} terms {self.version}"


class DocumentKind(models.TextChoices):
    CONTRACT = "contract", _("contract")
    SPECIFICATION = "specification", _("technical documentation")
    PROTOCOL = "protocol", _("acceptance protocol")
    AMENDMENT = "amendment", _("amendment")
    EVIDENCE = "evidence", _("evidence")
    OTHER = "other", _("other")


class Document(models.Model):
    """A file that belongs to a contract: original bytes under a random name, with their SHA-256."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="documents")
    kind = models.CharField(max_length=15, choices=DocumentKind)
    title = models.CharField(max_length=200)
    version = models.PositiveIntegerField()
    stored_as = models.CharField(max_length=100, unique=True)
    file_name = models.CharField(max_length=255)
    content_type = models.CharField(max_length=100)
    size_bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    uploaded_at = models.DateTimeField()
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "kind", "title", "version"],
                name="document_versions_are_numbered_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.title} v{self.version}"


class AmendmentState(models.TextChoices):
    DRAFT = "draft", _("draft")
    SIGNED = "signed", _("signed")
    WITHDRAWN = "withdrawn", _("withdrawn")


class Amendment(models.Model):
    """A change of unpaid stages after signature; `changes` is applied when it is signed."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="amendments")
    number = models.PositiveIntegerField()
    summary = models.CharField(max_length=500)
    changes = models.JSONField()
    document = models.ForeignKey(Document, on_delete=models.PROTECT, null=True, related_name="+")
    state = models.CharField(max_length=10, choices=AmendmentState, default=AmendmentState.DRAFT)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    signed_at = models.DateTimeField(null=True)
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["contract", "number"], name="amendments_are_numbered_once"),
        ]

    def __str__(self) -> str:
        return f"{self.contract_id} amendment {self.number}"
