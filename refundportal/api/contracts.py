"""Contracts, their terms and their documents."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import prefetch_related_objects
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.scopes import CONTRACTS_READ, CONTRACTS_WRITE
from contracts.drafts import parse_contract
from contracts.models import Contract, ContractState, DocumentKind, RefundTerms
from contracts.selectors import contract_of, contracts_of, documents_of
from contracts.services import (
    add_document,
    create_contract,
    publish_terms,
    sign_contract,
    terminate_contract,
)
from refundportal.api.contract_bodies import (
    CONTRACT_PARTS,
    ContractBody,
    ContractRow,
    DocumentBody,
    NewContract,
    TermsBody,
)
from refundportal.api.interchange import TermsFacts
from refundportal.api.parsers import FileParser
from refundportal.api.schema import documented
from refundportal.api.views import ApiView, ListView, PageQuery, created, only, shown
from refundportal.web.serializers import IdField, InstantField, StrictSerializer, TextField, WholeNumberField


class ContractQuery(PageQuery):
    client = IdField(required=False)
    state = serializers.ChoiceField(ContractState.values, required=False)
    number = TextField(required=False, max_length=20)
    reference = TextField(required=False, max_length=60)
    created_from = InstantField(required=False)
    created_before = InstantField(required=False)


class Signature(StrictSerializer):
    """What was signed, as the signer has read it; both may be left out."""

    document_sha256 = TextField(required=False, allow_blank=True, max_length=64)
    terms_version = WholeNumberField(required=False, min_value=1)


class Ending(StrictSerializer):
    """Why a contract ends early."""

    reason = TextField(max_length=500)


class NewDocument(StrictSerializer):
    """A file for a contract."""

    kind = serializers.ChoiceField(DocumentKind.values)
    title = TextField(max_length=200)
    file = serializers.FileField(max_length=255)


class ContractView(ApiView):
    """One contract, with everything in it."""

    scopes = {"GET": CONTRACTS_READ}

    @documented(answer=ContractBody, summary="Read a contract")
    def get(self, request: Request, contract_id: UUID) -> Response:
        return shown(self._show(contract_id))

    def _show(self, contract_id: UUID) -> dict[str, Any]:
        return show_contract(contract_of(self.principal, contract_id))


class ContractsView(ListView):
    """The contracts this caller acts for."""

    scopes = {"GET": CONTRACTS_READ, "POST": CONTRACTS_WRITE}

    @documented(query=ContractQuery, page_of=ContractRow, summary="List contracts")
    def get(self, request: Request) -> Response:
        query = self.query(ContractQuery)
        rows = only(
            contracts_of(self.principal),
            query,
            client="client_id",
            state="state",
            number="number",
            reference="reference",
            created_from="created_at__gte",
            created_before="created_at__lt",
        )
        return self.page(rows, query, ContractRow)

    @documented(body=NewContract, answer=ContractBody, status=201, summary="Store a contract as a draft")
    def post(self, request: Request) -> Response:
        draft = parse_contract(request.data, default_time_zone=settings.COMPANY_TIME_ZONE)
        contract = create_contract(principal=self.principal, draft=draft, now=self.now)
        return created(show_contract(contract), "api-contract", contract.pk)


class SignView(ContractView):
    """The signature: from then on the contract can be paid and worked on."""

    scopes = {"POST": CONTRACTS_WRITE}
    http_method_names = ["post"]

    @documented(body=Signature, answer=ContractBody, summary="Record the signature of a contract")
    def post(self, request: Request, contract_id: UUID) -> Response:
        body = self.body(Signature)
        self.match(lambda: self._show(contract_id))
        sign_contract(principal=self.principal, contract_id=contract_id, now=self.now, **body)
        return shown(self._show(contract_id))


class TerminateView(ContractView):
    """The early end of a contract."""

    scopes = {"POST": CONTRACTS_WRITE}
    http_method_names = ["post"]

    @documented(body=Ending, answer=ContractBody, summary="End a contract early")
    def post(self, request: Request, contract_id: UUID) -> Response:
        body = self.body(Ending)
        self.match(lambda: self._show(contract_id))
        terminate_contract(principal=self.principal, contract_id=contract_id, now=self.now, **body)
        return shown(self._show(contract_id))


class TermsView(ListView):
    """The versions of a contract's refund terms."""

    scopes = {"GET": CONTRACTS_READ, "POST": CONTRACTS_WRITE}

    @documented(query=PageQuery, page_of=TermsBody, summary="List the versions of the terms")
    def get(self, request: Request, contract_id: UUID) -> Response:
        rows = RefundTerms.objects.filter(contract=contract_of(self.principal, contract_id))
        return self.page(rows, self.query(PageQuery), TermsBody)

    @documented(body=TermsFacts, answer=TermsBody, status=201, summary="Publish new terms for later payments")
    def post(self, request: Request, contract_id: UUID) -> Response:
        terms: Any = request.data
        row = publish_terms(principal=self.principal, contract_id=contract_id, terms=terms, now=self.now)
        return shown(TermsBody(row).data, status=201)


class DocumentsView(ListView):
    """The files of a contract."""

    scopes = {"GET": CONTRACTS_READ, "POST": CONTRACTS_WRITE}
    parser_classes = [FileParser]

    @documented(query=PageQuery, page_of=DocumentBody, summary="List the documents of a contract")
    def get(self, request: Request, contract_id: UUID) -> Response:
        contract = contract_of(self.principal, contract_id)
        rows = documents_of(self.principal).filter(contract=contract)
        return self.page(rows, self.query(PageQuery), DocumentBody)

    @documented(
        body=NewDocument,
        media_type="multipart/form-data",
        answer=DocumentBody,
        status=201,
        summary="Add a file to a contract",
    )
    def post(self, request: Request, contract_id: UUID) -> Response:
        body = self.body(NewDocument)
        document = add_document(
            principal=self.principal,
            contract_id=contract_id,
            kind=body["kind"],
            title=body["title"],
            file=body["file"],
            file_name=body["file"].name,
            now=self.now,
        )
        return shown(DocumentBody(document).data, status=201)


def show_contract(contract: Contract) -> dict[str, Any]:
    """Show a contract with its parts: a constant number of queries for any number of them."""
    prefetch_related_objects([contract], *CONTRACT_PARTS)
    return ContractBody(contract).data
