"""All addresses of the API. The last one answers whatever has none."""

from django.urls import path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from refundportal.api import clients, contracts, events, payouts, policy, stages
from refundportal.api.unknown import not_found

urlpatterns = [
    path("policy/", policy.PolicyView.as_view(), name="api-policy"),
    path("policy/evaluate/", policy.EvaluateView.as_view(), name="api-evaluate"),
    path("clients/", clients.ClientsView.as_view(), name="api-clients"),
    path("clients/<uuid:client_id>/", clients.ClientView.as_view(), name="api-client"),
    path("contracts/", contracts.ContractsView.as_view(), name="api-contracts"),
    path("contracts/<uuid:contract_id>/", contracts.ContractView.as_view(), name="api-contract"),
    path("contracts/<uuid:contract_id>/sign/", contracts.SignView.as_view(), name="api-contract-sign"),
    path(
        "contracts/<uuid:contract_id>/terminate/",
        contracts.TerminateView.as_view(),
        name="api-contract-terminate",
    ),
    path("contracts/<uuid:contract_id>/terms/", contracts.TermsView.as_view(), name="api-terms"),
    path("contracts/<uuid:contract_id>/documents/", contracts.DocumentsView.as_view(), name="api-documents"),
    path("stages/<uuid:stage_id>/", stages.StageView.as_view(), name="api-stage"),
    path("stages/<uuid:stage_id>/start/", stages.StartView.as_view(), name="api-stage-start"),
    path("stages/<uuid:stage_id>/deliver/", stages.DeliverView.as_view(), name="api-stage-deliver"),
    path("stages/<uuid:stage_id>/accept/", stages.AcceptView.as_view(), name="api-stage-accept"),
    path("stages/<uuid:stage_id>/object/", stages.ObjectView.as_view(), name="api-stage-object"),
    path("stages/<uuid:stage_id>/assessments/", stages.AssessmentsView.as_view(), name="api-assessments"),
    path("payouts/", payouts.PayoutsView.as_view(), name="api-payouts"),
    path("payouts/<uuid:payout_id>/", payouts.PayoutView.as_view(), name="api-payout"),
    path("events/", events.EventsView.as_view(), name="api-events"),
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="api-schema"), name="api-docs"),
    re_path(r"^.*$", not_found, name="api-unknown"),
]
