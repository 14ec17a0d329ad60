"""Drafts: what people and systems write down about contracts, read once and checked whole."""

from contracts.drafts.amendments import AddedStage, AmendmentDraft, ChangedStage, parse_amendment
from contracts.drafts.contracts import parse_contract
from contracts.drafts.shapes import ContractDraft, ItemDraft, MeterDraft, StageDraft

__all__ = [
    "AddedStage",
    "AmendmentDraft",
    "ChangedStage",
    "ContractDraft",
    "ItemDraft",
    "MeterDraft",
    "StageDraft",
    "parse_amendment",
    "parse_contract",
]
