"""The addresses of the client pages."""

from django.urls import path

from refundportal.portal import account, applying, contracts, files, home, payments, policy, requests

urlpatterns = [
    path("", home.home, name="home"),
    path("policy/", policy.policy, name="policy"),
    path("you/", account.account, name="account"),
    path("contracts/", home.contract_list, name="contracts"),
    path("contracts/<str:number>/", contracts.contract, name="contract"),
    path(
        "contracts/<str:number>/documents/<uuid:document_id>/",
        files.contract_document,
        name="contract-document",
    ),
    path("contracts/<str:number>/stages/<str:code>/accept/", contracts.accept, name="accept"),
    path("contracts/<str:number>/stages/<str:code>/object/", contracts.object_to, name="object"),
    path("payments/<str:number>/", payments.payment, name="payment"),
    path("payments/<str:number>/apply/", applying.apply, name="apply"),
    path("payments/<str:number>/apply/check/", applying.check, name="apply-check"),
    path("payments/<str:number>/apply/confirm/", applying.confirm, name="apply-confirm"),
    path("payments/<str:number>/apply/discard/", applying.discard, name="apply-discard"),
    path(
        "payments/<str:number>/apply/files/<uuid:attachment_id>/remove/",
        applying.remove_file,
        name="remove-file",
    ),
    path("requests/", home.request_list, name="requests"),
    path("requests/<str:number>/", requests.refund_request, name="request"),
    path("requests/<str:number>/received/", requests.received, name="received"),
    path("requests/<str:number>/letter/", requests.letter, name="letter"),
    path("requests/<str:number>/withdraw/", requests.withdraw, name="withdraw"),
    path("files/<uuid:attachment_id>/", files.attachment, name="attachment"),
]
