"""
How pages say a refusal: by its code, in words that can be translated.

Systems read the code and the English detail; people read these words.
"""

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from kernel.errors import DomainError

WORDS: Final[Mapping[str, Promise]] = {
    "already_member": _("This person is a member already."),
    "amount_differs": _("The line has another amount or currency, so nothing is booked."),
    "amount_not_at_stripe": _("Stripe cannot move this amount."),
    "answer_changed": _("The facts no longer give the proposed answer."),
    "approval_limit_exceeded": _("This amount needs an Approver."),
    "captured_in_the_future": _("The money cannot have been confirmed in the future."),
    "captured_too_far_back": _("The confirmation of the money may lie at most one day back."),
    "contract_not_signed": _("This is only possible while the contract is signed and not ended."),
    "credit_not_disputable": _("An exchange credit cannot be disputed or charged back."),
    "credit_not_refundable": _("A credit cannot be refunded."),
    "difference_open": _("The provider's book says otherwise: clear that difference first."),
    "document_changed": _("The document has changed. Read the newest version before you sign it."),
    "email_taken": _("There is already a person with this e-mail address."),
    "fact_not_applicable": _("This fact does not apply here."),
    "file_refused": _("This file cannot be kept."),
    "file_too_large": _("A file may have at most 10 MB."),
    "file_type_refused": _(
        "Only PDF, PNG, JPEG and plain text (UTF-8) can be kept, with a name that says which."
    ),
    "four_eyes_violated": _("Somebody else has to do this."),
    "invalid_amount": _("This is not an amount."),
    "invalid_iban": _("This is not an IBAN."),
    "invalid_input": _("The input has faults."),
    "last_owner": _("The last owner stays: make somebody else an owner first."),
    "no_gateway": _("There is no machine that sends on this rail."),
    "no_own_account": _("The account of the company is not set (COMPANY_IBAN)."),
    "not_decidable": _("There is no answer to propose yet."),
    "not_deliverable": _("This stage is not work that can be delivered."),
    "not_found": _("There is no such object."),
    "nothing_for_the_bank": _("No payout can go into a bank file now."),
    "other_payouts": _("Other payouts wait now than were shown. Please look at them again."),
    "own_client": _("You are a member of this client: somebody else has to do this."),
    "payment_above_stage": _("The stage owes less than this amount."),
    "payment_not_refundable": _("The payment is in dispute or was charged back: nothing of it can be sent."),
    "prepayment_without_shares": _("The contract does not say which work this prepayment pays for."),
    "protocol_needed": _(
        "Acceptance that is not declared by the client here needs the signed protocol as evidence."
    ),
    "provider_reference_known": _("There is a payment with this provider reference already."),
    "quote_changed": _("The facts have changed since the answer you were shown."),
    "reference_taken": _("There is already a contract with this reference."),
    "refund_exceeds_payment": _("Not so much is left of this payment."),
    "refused": _("This is not allowed."),
    "second_person_needed": _("A second person confirms this."),
    "sending_halted": _(
        "Sending is halted. Clear the open differences; after a restore, import every statement since then."
    ),
    "stage_removed": _("This stage is no longer part of the contract."),
    "state_conflict": _("The state has changed in the meantime."),
    "statement_known": _("A statement of this name was imported already, with other content."),
    "statement_refused": _("The statement cannot be imported."),
    "step_open": _("Another step with this payout waits for its second person."),
    "target_stage_unsuitable": _("The credit cannot go to this stage."),
    "terms_changed": _("The refund terms have changed. Read them again before you sign."),
    "terms_unchanged": _("The contract has exactly these terms already."),
    "too_many_bank_accounts": _("The bank account has been changed too often today."),
    "too_many_documents": _("This contract holds as many documents as it can."),
    "too_many_files": _("There are too many files here already."),
    "too_many_invitations": _(
        "There are too many open invitations. Wait until some are used or have run out."
    ),
    "work_outstanding": _("Some work of this contract has not been delivered."),
    "wrong_direction": _("This money went the other way."),
}


SAID_IN_FULL: Final = frozenset({"state_conflict", "target_stage_unsuitable"})
"""Codes whose details differ, and are translated where they are written."""


def refusal_words(refusal: DomainError) -> str:
    """Say why something was refused; a code without words of its own is said as the service says it."""
    has_detail = refusal.detail != refusal.title
    if refusal.code in SAID_IN_FULL and has_detail:
        return refusal.detail
    return str(WORDS.get(refusal.code, refusal.detail))
