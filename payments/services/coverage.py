"""How much of a stage is paid: kept with every payment, never above the stage's amount."""

from uuid import UUID

from django.db.models import F

from contracts.models import Stage
from kernel.errors import DomainError, Fault
from kernel.money import Money


class PaymentAboveStage(DomainError):
    """The stage owes less than this payment."""

    code = "payment_above_stage"
    title = "The stage owes less than this amount."


def cover_stage(stage_id: UUID, amount: Money) -> None:
    """
    Count an amount as paid for a stage; the contract is locked.

    :raises PaymentAboveStage: the stage owes less
    """
    owing = Stage.objects.filter(pk=stage_id, covered_minor__lte=F("amount_minor") - amount.minor)
    if not owing.update(covered_minor=F("covered_minor") + amount.minor):
        stage = Stage.objects.get(pk=stage_id)
        due = Money(stage.amount_minor - stage.covered_minor, amount.currency)
        raise PaymentAboveStage(
            f"Stage {stage.code} still owes {due}, which is less than {amount}.",
            faults=[Fault(path="amount", message=f"must be at most {due}", code=PaymentAboveStage.code)],
            still_due=due.text,
            currency=due.currency,
        )


def uncover_stage(stage_id: UUID, amount_minor: int) -> None:
    """Count an amount (minor units) as not paid after all; the contract is locked."""
    Stage.objects.filter(pk=stage_id).update(covered_minor=F("covered_minor") - amount_minor)
