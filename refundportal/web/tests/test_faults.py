"""What is wrong with a contract is said in any language, figures and all."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from contracts.drafts import parse_contract
from kernel.errors import Fault, InvalidInput, Said
from refundportal.web.faults import FAULTS, fault_words
from refundportal.web.tests.pseudo import pseudo_language, words_of_text

PARSERS = (
    *sorted(Path(settings.BASE_DIR, "contracts/drafts").glob("*.py")),
    *(
        Path(settings.BASE_DIR, name)
        for name in (
            "contracts/policy/terms.py",
            "contracts/services/imports.py",
            "kernel/instants.py",
            "kernel/money.py",
            "kernel/reading.py",
        )
    ),
)
SAYING = ("Wrong", "Said", "InvalidInstant")


def sentences(node: ast.AST) -> Iterator[str]:
    """Give the texts that an expression may stand for; one put together on the spot cannot be translated."""
    match node:
        case ast.IfExp(body=body, orelse=other):
            yield from sentences(body)
            yield from sentences(other)
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr():
            yield f"put together: {ast.unparse(node)}"


def said_in(path: Path) -> Iterator[str]:
    """Give what a parser says about faults."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Call(func=ast.Name(id=name), args=[first, *_]) if name in SAYING:
                yield from sentences(first)
            case ast.Call(func=ast.Attribute(attr="add"), args=[_, message]):
                yield from sentences(message)
            case ast.Call(func=ast.Name(id="Fault"), keywords=named):
                yield from (text for one in named if one.arg == "message" for text in sentences(one.value))
            case ast.Assign(targets=[ast.Name(id="pattern")], value=value):
                yield from sentences(value)


@pytest.mark.parametrize("path", PARSERS, ids=lambda path: path.name)
def test_every_sentence_of_a_parser_has_words(path: Path):
    assert set(said_in(path)) - FAULTS == set()


def test_the_parsers_say_something():
    assert sum(len([*said_in(path)]) for path in PARSERS) > 60


def test_a_fault_is_said_in_another_language_and_read_by_systems_as_before():
    stage = {"code": "S1", "title": "x" * 201, "kind": "thing", "amount": "1.234", "items": []}
    with pytest.raises(InvalidInput) as caught:
        parse_contract({"currency": "EUR", "stages": [stage]}, default_time_zone="Europe/Berlin")
    faults = caught.value.faults

    with pseudo_language():
        words = [fault_words(fault) for fault in faults]

    assert [fault.message for fault in faults] == [
        "must have at most 200 characters",
        "must be one of: prepayment, work",
        "must have at most 2 decimals: EUR has no smaller unit",
        "is missing",
        "is missing",
    ]
    assert [word for said in words for word in words_of_text(said)] == []
    assert "200" in words[0]
    assert "prepayment" in words[1]


def test_a_fault_without_words_is_said_by_its_code_or_as_the_service_says_it():
    assert fault_words(Fault(path="x", message="odd", code="email_taken")).startswith("There is already")
    assert fault_words(Fault(path="x", message=Said("odd %(n)s", n=3))) == "odd 3"
