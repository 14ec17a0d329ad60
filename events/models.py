"""What happened: the journal, its order, its seals, and what is told to whom."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from kernel.ids import new_id


class ActorKind(models.TextChoices):
    CLIENT = "client", _("client")
    STAFF = "staff", _("staff")
    API = "api", _("API client")
    SYSTEM = "system", _("system")


class Event(models.Model):
    """One thing that became true; written in the transaction that made it true, never changed."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    type = models.CharField(max_length=80)
    subject_type = models.CharField(max_length=40)
    subject_id = models.UUIDField()
    client_id = models.UUIDField(null=True, db_index=True)
    actor_kind = models.CharField(max_length=10, choices=ActorKind)
    actor_id = models.UUIDField(null=True)
    at = models.DateTimeField()
    data = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["subject_id", "at"], name="events_of_a_subject"),
            models.Index(fields=["type", "at"], name="events_of_a_type"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.subject_id}"


class EventPosition(models.Model):
    """
    The place of an event in the journal.

    Written with the event; the one sequencer gives the gapless number after the commit, so that a
    reader by number never misses an event that was committed late. `id` keeps the order of writing.
    """

    id = models.BigAutoField(primary_key=True)
    event = models.OneToOneField(Event, on_delete=models.PROTECT, related_name="position")
    number = models.BigIntegerField(null=True, unique=True)

    class Meta:
        indexes = [
            models.Index(fields=["id"], condition=Q(number__isnull=True), name="events_not_yet_in_order")
        ]

    def __str__(self) -> str:
        return f"{self.number or '-'}"


class Seal(models.Model):
    """A run of positions under one Merkle root, chained to the seal before."""

    id = models.BigAutoField(primary_key=True)
    first = models.BigIntegerField(unique=True)
    last = models.BigIntegerField(unique=True)
    root = models.CharField(max_length=64)
    previous = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64, unique=True)
    sealed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(last__gte=F("first")),
                name="a_seal_covers_at_least_one_event",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"


class WebhookEndpoint(models.Model):
    """
    Where another system of the company wants to be told; no `types` means all of them.

    Secrets are sealed texts (`events.vault`). `failures` counts attempts that failed in a row; until
    `quiet_until` the receiver asked to be left alone.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    api_client_id = models.UUIDField(db_index=True)
    url = models.URLField(max_length=500)
    types = models.JSONField(default=list)
    secret_encrypted = models.TextField()
    previous_secret_encrypted = models.TextField(blank=True)
    previous_until = models.DateTimeField(null=True)
    is_active = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=200, blank=True)
    failures = models.PositiveIntegerField(default=0)
    quiet_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.url


class Channel(models.TextChoices):
    EMAIL = "email", _("e-mail")
    WEBHOOK = "webhook", _("webhook")


class DeliveryState(models.TextChoices):
    PENDING = "pending", _("pending")
    DELIVERED = "delivered", _("delivered")
    DEAD = "dead", _("given up")


class Delivery(models.Model):
    """One event to be told to one target, once; the row is the queue."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="deliveries")
    channel = models.CharField(max_length=10, choices=Channel)
    target = models.CharField(max_length=320)
    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.PROTECT, null=True, related_name="deliveries", db_index=False
    )
    recipient_id = models.UUIDField(null=True)
    language = models.CharField(max_length=10, default="en")
    state = models.CharField(max_length=10, choices=DeliveryState, default=DeliveryState.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=500, blank=True)
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = _("deliveries")
        constraints = [
            models.UniqueConstraint(
                fields=["event", "channel", "target"],
                name="an_event_is_told_once_to_a_target",
            ),
            models.CheckConstraint(
                condition=Q(channel="webhook") | Q(endpoint__isnull=True),
                name="only_webhooks_go_to_an_endpoint",
            ),
        ]
        indexes = [
            models.Index(
                fields=["channel", "next_attempt_at"],
                condition=Q(state="pending"),
                name="deliveries_that_are_due",
            ),
            models.Index(
                fields=["endpoint", "next_attempt_at"],
                condition=Q(state="pending"),
                name="webhooks_that_are_due",
            ),
            models.Index(fields=["endpoint", "id"], name="deliveries_of_an_endpoint"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} to {self.target}"


class DeliveryAttempt(models.Model):
    """One call to a receiver of webhooks and how it ended; without a status no answer came."""

    id = models.BigAutoField(primary_key=True)
    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="log")
    started_at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField()
    status = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return f"{self.status or self.error}"


class NumberSeries(models.Model):
    """The last number given in a series such as `RR-2026`."""

    name = models.CharField(max_length=20, primary_key=True)
    last = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = _("number series")

    def __str__(self) -> str:
        return f"{self.name}-{self.last}"
