"""The parties: clients, the people who act for them, the systems that may."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from kernel.ids import new_id


class ClientKind(models.TextChoices):
    BUSINESS = "business", _("business")
    CONSUMER = "consumer", _("consumer")


class Role(models.TextChoices):
    OWNER = "owner", _("owner")
    REQUESTER = "requester", _("requester")
    VIEWER = "viewer", _("viewer")


class Client(models.Model):
    """A party that buys software: a business or a consumer."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=10, choices=ClientKind)
    name = models.CharField(max_length=200)
    email = models.EmailField(max_length=254)
    language = models.CharField(max_length=10, default="en")
    address = models.TextField(max_length=500, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["name"], name="clients_by_name")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=ClientKind.values),
                name="a_client_is_a_business_or_a_consumer",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person who acts for a client, and how far."""

    id = models.BigAutoField(primary_key=True)
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client", "user"], name="one_membership_per_client_and_person"),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values),
                name="a_membership_has_a_known_role",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} as {self.role} of {self.client}"


class Invitation(models.Model):
    """A single-use link by which a person becomes a member; only the hash of its secret is kept."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="invitations")
    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=10, choices=Role)
    token_sha256 = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.email} to {self.client}"


class ClientGrant(models.Model):
    """An API client that may act for a client."""

    id = models.BigAutoField(primary_key=True)
    api_client = models.ForeignKey("accounts.ApiClient", on_delete=models.CASCADE, related_name="grants")
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="grants")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["api_client", "client"],
                name="one_grant_per_api_client_and_client",
            )
        ]

    def __str__(self) -> str:
        return f"{self.api_client} for {self.client}"
