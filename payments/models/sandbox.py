"""The sandbox provider's own book: what it executed, and what it was told to get wrong."""

from django.db import models
from django.db.models import Q

from kernel.ids import new_id


class SandboxEnd(models.TextChoices):
    SETTLED = "settled", "settled"
    FAILED = "failed", "failed"
    RETURNED = "returned", "returned"


class SandboxRefund(models.Model):
    """
    A refund at the sandbox provider, one per key; kept by a transaction of its own.

    It is there from `created_at` on (a late one in the future) and reaches `end` at `ends_at`.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    key = models.CharField(max_length=64)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    created_at = models.DateTimeField()
    end = models.CharField(max_length=10, choices=SandboxEnd, default=SandboxEnd.SETTLED)
    ends_at = models.DateTimeField()
    failure_code = models.CharField(max_length=60, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key"], name="the_sandbox_executes_a_key_once"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="a_sandbox_refund_is_positive"),
        ]

    def __str__(self) -> str:
        return self.key


class FaultKind(models.TextChoices):
    """What goes wrong at a call. Those from `fail_later` on let the call succeed and spoil what follows."""

    REFUSE = "refuse", "refuse with the code"
    TIMEOUT_DONE = "timeout_done", "execute, then no answer"
    TIMEOUT_NOT_DONE = "timeout_not_done", "no answer, nothing executed"
    ERROR_DONE = "error_done", "execute, then answer with a server error"
    ERROR_NOT_DONE = "error_not_done", "answer with a server error, nothing executed"
    WAIT = "wait", "ask to wait"
    LATE = "late", "no answer; executed a minute later"
    WRONG_AMOUNT = "wrong_amount", "execute one minor unit less"
    LOOK_UP_LOST = "look_up_lost", "a look-up without an answer"
    FAIL_LATER = "fail_later", "accept, then fail with the code"
    RETURN_LATER = "return_later", "accept, then come back with the code"


class SandboxFault(models.Model):
    """What the sandbox shall do at its next calls, in order of id."""

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=30, choices=FaultKind)
    code = models.CharField(max_length=60, blank=True)
    calls_left = models.PositiveIntegerField(default=1)

    def __str__(self) -> str:
        return self.kind
