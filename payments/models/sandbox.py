"""The sandbox provider's own book: what it executed, and what it was told to get wrong."""

from django.db import models
from django.db.models import Q

from kernel.ids import new_id


class SandboxRefund(models.Model):
    """A refund at the sandbox provider, one per key; kept by a transaction of its own."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    key = models.CharField(max_length=64)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=12, default="accepted")
    failure_code = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField()
    settles_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["key"], name="the_sandbox_executes_a_key_once"
            ),
            models.CheckConstraint(
                condition=Q(amount_minor__gt=0), name="a_sandbox_refund_is_positive"
            ),
        ]

    def __str__(self) -> str:
        return self.key


class SandboxFault(models.Model):
    """What the sandbox shall do at its next calls: refuse with a code, lose an answer, execute and lose it, wait."""

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=30)
    code = models.CharField(max_length=60, blank=True)
    calls_left = models.PositiveIntegerField(default=1)

    def __str__(self) -> str:
        return self.kind
