"""Which refund terms govern, and how a stored version reads for the policy."""

from datetime import datetime
from uuid import UUID

from contracts.models import RefundTerms
from contracts.policy import terms as policy
from kernel.errors import NotFoundOrHidden


def policy_terms(row: RefundTerms) -> policy.RefundTerms:
    """Read a stored version as the policy takes it."""
    return policy.RefundTerms(
        window_days=row.window_days,
        day_rule=policy.DayRule(row.day_rule),
        time_zone=row.time_zone,
        roll_to_working_day=row.roll_to_working_day,
        holiday_calendar=row.holiday_calendar,
        conformity_mode=policy.ConformityMode(row.conformity_mode),
        deemed_acceptance_days=row.deemed_acceptance_days,
        rounding=policy.Rounding(row.rounding),
        exchange_allowed=row.exchange_allowed,
        decision_days=row.decision_days,
    )


def terms_in_force(contract_id: UUID, at: datetime) -> RefundTerms:
    """
    Give the version in force at an instant; before the first one, the first.

    (Money may have been confirmed up to a day before it is recorded, and so before the contract was.)

    :raises NotFoundOrHidden: the contract has no terms
    """
    versions = RefundTerms.objects.filter(contract_id=contract_id)
    row = versions.filter(in_force_from__lte=at).order_by("-version").first()
    row = row or versions.order_by("version").first()
    if row is None:
        raise NotFoundOrHidden("This contract has no refund terms.")
    return row
