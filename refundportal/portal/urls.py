"""The addresses of the client pages."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from refundportal.portal import (
    account,
    applying,
    bank,
    contracts,
    files,
    home,
    joining,
    payments,
    people,
    policy,
    questions,
    records,
    requests,
    signing,
    styleguide,
)


class NumberConverter(StringConverter):
    """A number as people use it: C-2026-0001, P-2026-000001, RR-2026-000001."""

    regex = "[A-Z]{1,4}-[0-9]{4}-[0-9]{1,12}"


class CodeConverter(StringConverter):
    """The code of a stage: a short text without slash or control characters."""

    regex = r"[^/\x00-\x1f]{1,40}"


register_converter(NumberConverter, "number")
register_converter(CodeConverter, "code")

urlpatterns = [
    path("", home.home, name="home"),
    path("policy/", policy.policy, name="policy"),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
    path("you/", account.account, name="account"),
    path("clients/<uuid:client_id>/bank/", bank.bank, name="bank"),
    path("clients/<uuid:client_id>/bank/change/", bank.bank_change, name="bank-change"),
    path("clients/<uuid:client_id>/people/", people.people, name="people"),
    path("clients/<uuid:client_id>/people/<uuid:user_id>/", people.member, name="member"),
    path("clients/<uuid:client_id>/people/<uuid:user_id>/remove/", people.remove, name="member-remove"),
    path(
        "clients/<uuid:client_id>/invitations/<uuid:invitation_id>/withdraw/",
        people.withdraw_link,
        name="invitation-withdraw",
    ),
    path("join/<slug:token>/", joining.join, name="join"),
    path("contracts/", home.contract_list, name="contracts"),
    path("contracts/<number:number>/", contracts.contract, name="contract"),
    path(
        "contracts/<number:number>/documents/<uuid:document_id>/",
        files.contract_document,
        name="contract-document",
    ),
    path("contracts/<number:number>/sign/", signing.sign, name="sign"),
    path("contracts/<number:number>/amendments/<int:at>/", signing.amendment, name="amendment"),
    path("contracts/<number:number>/stages/<code:code>/accept/", contracts.accept, name="accept"),
    path("contracts/<number:number>/stages/<code:code>/object/", contracts.object_to, name="object"),
    path("payments/<number:number>/", payments.payment, name="payment"),
    path("payments/<number:number>/apply/", applying.apply, name="apply"),
    path("payments/<number:number>/apply/check/", applying.check, name="apply-check"),
    path("payments/<number:number>/apply/confirm/", applying.confirm, name="apply-confirm"),
    path("payments/<number:number>/apply/discard/", applying.discard, name="apply-discard"),
    path(
        "payments/<number:number>/apply/files/<uuid:attachment_id>/remove/",
        applying.remove_file,
        name="remove-file",
    ),
    path("requests/", home.request_list, name="requests"),
    path("requests/<number:number>/", requests.refund_request, name="request"),
    path("requests/<number:number>/received/", requests.received, name="received"),
    path("requests/<number:number>/received.pdf", records.received_pdf, name="received-pdf"),
    path("requests/<number:number>/letter/", requests.letter, name="letter"),
    path("requests/<number:number>/letter.pdf", records.decision_pdf, name="letter-pdf"),
    path("requests/<number:number>/withdraw/", requests.withdraw, name="withdraw"),
    path("questions/", questions.question_list, name="questions"),
    path("questions/ask/", questions.ask, name="ask"),
    path("questions/<uuid:enquiry_id>/", questions.question, name="question"),
    path("files/<uuid:attachment_id>/", files.attachment, name="attachment"),
    path("files/<uuid:attachment_id>/preview/", files.attachment_preview, name="attachment-preview"),
]
