"""The teller of stories: what people do, at an instant of the past, through the services."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from accounts.principals import SYSTEM, Principal
from contracts.drafts import parse_contract
from contracts.models import Client, Contract, Role, Stage
from contracts.services import (
    accept_delivery,
    create_contract,
    deliver_stage,
    sign_contract,
    start_stage,
)
from kernel.money import Money
from payments.models import Payment
from payments.references import payment_reference
from payments.services.capture import capture_payment
from payments.services.payments import record_payment
from payments.services.usage import record_usage
from refundportal.demo.people import People
from refunds.models import RefundRequest
from refunds.services import apply_for_refund, approve_request, assess, propose_answer, start_review


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells what happened, in days and hours before `now`."""

    people: People
    now: datetime

    def ago(self, days: float = 0, hours: float = 0) -> datetime:
        return self.now - timedelta(days=days, hours=hours)

    def agree(self, client: Client, owner: Principal, agreement: Mapping[str, Any], days: float) -> Contract:
        """Draft a contract and let its client's owner sign it a day later."""
        contract = self.draft(client, agreement, days + 1)
        return sign_contract(principal=owner, contract_id=contract.pk, now=self.ago(days))

    def draft(self, client: Client, agreement: Mapping[str, Any], days: float) -> Contract:
        draft = parse_contract(
            {**agreement, "client": str(client.pk)}, default_time_zone=settings.COMPANY_TIME_ZONE
        )
        return create_contract(principal=self.people.rita, draft=draft, now=self.ago(days))

    def pay(self, contract: Contract, code: str, days: float, method: str = "bank") -> Payment:
        """Pay a stage in full; the money is confirmed a minute later."""
        payment = self.announce(contract, code, days, method)
        at = self.ago(days) + timedelta(minutes=1)
        return capture_payment(principal=SYSTEM, payment_id=payment.pk, now=at)

    def announce(self, contract: Contract, code: str, days: float, method: str = "bank") -> Payment:
        stage = stage_named(contract, code)
        return record_payment(
            principal=SYSTEM,
            stage_id=stage.pk,
            amount=Money(stage.amount_minor, contract.currency),
            method=method,
            reference=payment_reference(contract, stage),
            now=self.ago(days),
        )

    def deliver(self, contract: Contract, code: str, days: float, note: str = "On the test system.") -> None:
        """Start a stage, work two days on it and deliver it."""
        stage = stage_named(contract, code)
        start_stage(principal=self.people.rita, stage_id=stage.pk, now=self.ago(days + 2))
        deliver_stage(principal=self.people.rita, stage_id=stage.pk, note=note, now=self.ago(days))

    def accept(self, contract: Contract, code: str, days: float) -> None:
        """Let the client's owner accept what was delivered."""
        stage = stage_named(contract, code)
        accept_delivery(principal=self.owner_of(contract), stage_id=stage.pk, now=self.ago(days))

    def owner_of(self, contract: Contract) -> Principal:
        owners = contract.client.memberships.filter(role=Role.OWNER).select_related("user")
        return Principal(user=owners.order_by("id")[0].user)

    def use(self, contract: Contract, rows: list[dict[str, Any]]) -> None:
        """Report use as the metering system does."""
        records = [
            {
                "source": "demo",
                "external_id": f"{contract.number}-{number}",
                "contract": str(contract.pk),
                **row,
            }
            for number, row in enumerate(rows, 1)
        ]
        record_usage(principal=SYSTEM, records=records, now=self.now)

    def apply(
        self, who: Principal, payment: Payment, days: float, reason: str, statement: str, **more: Any
    ) -> RefundRequest:
        return apply_for_refund(
            principal=who,
            payment_id=payment.pk,
            reason=reason,
            statement=statement,
            now=self.ago(days),
            **more,
        )

    def review(self, request: RefundRequest, days: float) -> None:
        start_review(principal=self.people.rita, request_id=request.pk, now=self.ago(days))

    def judge(self, request: RefundRequest, days: float, values: Mapping[str, str], reason: str) -> None:
        """Let Rita assess the delivered stage that was paid."""
        assess(
            principal=self.people.rita,
            request_id=request.pk,
            stage_id=request.payment.stage_id,
            values=values,
            reason=reason,
            now=self.ago(days),
        )

    def propose(self, request: RefundRequest, days: float, note: str = "") -> None:
        propose_answer(principal=self.people.rita, request_id=request.pk, note=note, now=self.ago(days))

    def approve(self, request: RefundRequest, days: float) -> None:
        approve_request(principal=self.people.arno, request_id=request.pk, now=self.ago(days))

    def refunded(
        self,
        who: Principal,
        contract: Contract,
        code: str,
        days: float,
        values: Mapping[str, str],
        statement: str,
    ) -> RefundRequest:
        """Tell the whole way from delivery to an approved refund; the payout is ready in the end."""
        self.deliver(contract, code, days + 3)
        payment = self.pay(contract, code, days)
        request = self.apply(who, payment, days - 1, "not_as_agreed", statement)
        self.review(request, days - 1.2)
        self.judge(request, days - 1.5, values, "Tested on the delivered system against the specification.")
        self.propose(request, days - 1.6)
        self.approve(request, days - 2)
        return request


def stage_named(contract: Contract, code: str) -> Stage:
    return contract.stages.get(code=code)
