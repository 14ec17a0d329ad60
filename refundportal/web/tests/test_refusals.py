"""Refusals on pages: every code that people can meet has words that can be translated."""

from collections.abc import Iterator

from kernel.errors import DomainError, StaleState
from refundportal.web.refusals import WORDS, refusal_words

ROOMS = ("contracts", "payments", "refunds")
OF_SYSTEMS = {"usage_conflict", "usage_too_large", "invalid_facts", "ledger_key_reused"}
"""Refusals that only systems and files can bring about."""


def refusals(base: type[DomainError] = DomainError) -> Iterator[type[DomainError]]:
    for found in base.__subclasses__():
        yield found
        yield from refusals(found)


def test_every_refusal_of_the_rooms_has_words():
    codes = {one.code for one in refusals() if one.__module__.split(".")[0] in ROOMS}

    assert codes - OF_SYSTEMS - WORDS.keys() == set()


def test_a_code_without_words_is_said_as_the_service_says_it():
    class Odd(DomainError):
        code = "odd"

    assert refusal_words(Odd("Something odd.")) == "Something odd."


def test_a_conflict_is_said_in_full_where_the_service_does():
    assert refusal_words(StaleState("Only a draft can be signed.")) == "Only a draft can be signed."
    assert refusal_words(StaleState()) == WORDS["state_conflict"]
