"""The work that a case is about: stages, deliveries, items and what was found, each read once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from uuid import UUID

from django.utils.translation import gettext as _

from contracts.models import AcceptanceItem, Assessment, AssessmentValue, Contract, Delivery, Stage
from contracts.selectors import acceptance_at
from kernel.exact import decimal_text, scaled_text
from kernel.money import Money
from payments.models import Allocation, Payment
from refundportal.web.rail import Bead, rail_of
from refunds.models import RefundRequest
from refunds.statement import Names, meters_named, names_of

MICRO = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemLine:
    """One acceptance item; `found` is the share in words, empty while it has not been examined."""

    item: AcceptanceItem
    weight: str
    found: str
    objection: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A stage that the payment pays for, with the delivery that this application is judged by."""

    stage: Stage
    part: Money
    delivery: Delivery | None
    accepted_at: datetime | None
    acceptance_is_late: bool
    items: tuple[ItemLine, ...]
    assessments: tuple[Assessment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """A contract as the page of a case needs it: everything by contract, read in four queries."""

    contract: Contract
    stages: Sequence[Stage]
    items: Sequence[AcceptanceItem]
    meters: Mapping[str, str]
    deliveries: Sequence[Delivery]

    @property
    def names(self) -> Names:
        return names_of(self.stages, self.items, self.meters)

    def rail(self, now: datetime) -> tuple[Bead, ...]:
        """Make the rail of the contract. One query more, for its payments."""
        payments = Payment.objects.filter(contract=self.contract).select_related("terms")
        kept = [stage for stage in self.stages if not stage.is_removed]
        last = {row.stage_id: row for row in self.deliveries}
        return rail_of(self.contract, kept, payments.order_by("captured_at", "id"), last, now)

    def items_of(self, stage_id: UUID) -> list[AcceptanceItem]:
        return [item for item in self.items if item.stage_id == stage_id and not item.is_removed]

    def deliveries_at(self, at: datetime) -> dict[UUID, Delivery]:
        """Give, by stage, the last delivery at or before an instant."""
        rows = sorted(self.deliveries, key=lambda row: (row.delivered_at, row.number))
        return {row.stage_id: row for row in rows if row.delivered_at <= at}


def papers_of(contract: Contract) -> Papers:
    """Read a contract's stages, items, meters and deliveries."""
    return Papers(
        contract=contract,
        stages=list(Stage.objects.filter(contract=contract).order_by("position")),
        items=list(AcceptanceItem.objects.filter(stage__contract=contract).order_by("stage_id", "position")),
        meters=meters_named(contract),
        deliveries=list(Delivery.objects.filter(stage__contract=contract).order_by("number")),
    )


@dataclass(frozen=True, slots=True)
class Found:
    """What reviewers found in one delivery: every assessment, and the value of each item found last."""

    assessments: dict[UUID, Assessment] = field(default_factory=dict)
    values: dict[UUID, Fraction | None] = field(default_factory=dict)


def found_in(deliveries: Iterable[Delivery]) -> dict[UUID, Found]:
    """Read what was found, by delivery, the oldest first. One query."""
    rows = AssessmentValue.objects.filter(assessment__delivery__in=[one.pk for one in deliveries])
    rows = rows.select_related("assessment__by", "assessment__evidence")
    found: dict[UUID, Found] = {}
    for row in rows.order_by("assessment__at", "assessment_id", "id"):
        one = found.setdefault(row.assessment.delivery_id, Found())
        one.assessments.setdefault(row.assessment_id, row.assessment)
        one.values[row.item_id] = None if row.numerator is None else Fraction(row.numerator, row.denominator)
    return found


def works_of(row: RefundRequest, papers: Papers | None = None) -> tuple[Work, ...]:
    """Gather the work that an application's payment pays for. Two queries beside the papers."""
    papers = papers or papers_of(row.contract)
    parts = {part.stage_id: part for part in Allocation.objects.filter(payment=row.payment_id)}
    deliveries = papers.deliveries_at(row.submitted_at)
    found = found_in(deliveries[stage_id] for stage_id in parts if stage_id in deliveries)
    objections = {(one["stage"], one["item"]): one["text"] for one in row.objections}
    return tuple(
        _work(
            row,
            parts[stage.pk],
            stage,
            deliveries.get(stage.pk),
            papers.items_of(stage.pk),
            found,
            objections,
        )
        for stage in papers.stages
        if stage.pk in parts
    )


def _work(
    row: RefundRequest,
    part: Allocation,
    stage: Stage,
    delivery: Delivery | None,
    items: Sequence[AcceptanceItem],
    found_by: Mapping[UUID, Found],
    objections: Mapping[tuple[str, str], str],
) -> Work:
    looked = found_by.get(delivery.pk, Found()) if delivery is not None else Found()
    found = looked.values
    counts = None if delivery is None else acceptance_at(delivery, row.submitted_at)
    return Work(
        stage=stage,
        part=Money(part.amount_minor, row.currency),
        delivery=delivery,
        accepted_at=counts,
        acceptance_is_late=delivery is not None and delivery.accepted_at is not None and counts is None,
        items=tuple(
            ItemLine(
                item=item,
                weight=_weight(item.weight_micro),
                found=share_words(found[item.pk]) if item.pk in found else "",
                objection=objections.get((stage.code, item.code), ""),
            )
            for item in items
        ),
        assessments=tuple(looked.assessments.values()),
    )


def _weight(micro: int) -> str:
    text = scaled_text(micro, MICRO)
    return text.rstrip("0").rstrip(".")


def share_words(share: Fraction | None) -> str:
    """Say a share as people do: `60 %`, or the fraction itself where that does not end."""
    if share is None:
        return _("cannot be tested")
    percent = decimal_text(share * 100)
    return f"{percent}\u00a0%" if "/" not in percent else decimal_text(share)
