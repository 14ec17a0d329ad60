"""
Searching a list: each word must be found in one of the list's columns.

What stands in other tables is looked for there, by itself: an OR across joined tables would read them all.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

from django.db.models import Model, Q, QuerySet
from django.utils.text import smart_split, unescape_string_literal

TEXT_MAX: Final = 200
"""Of a longer text the beginning is looked for: a database refuses a question of a thousand words."""
_NUMBER: Final = "number__startswith"
"""Numbers are written in capitals, so that their index helps to find how they begin."""


def found_in(rows: QuerySet[Any], columns: Iterable[str], text: str) -> QuerySet[Any]:
    """Keep the rows in which each word of a text is found; columns are named with their lookups."""
    by_relation: defaultdict[str, list[str]] = defaultdict(list)
    for column in columns:
        relation, _dunder, name = column.rpartition("__")[0].rpartition("__")
        by_relation[relation].append(f"{name}__{column.rpartition('__')[2]}")
    for word in _words(text):
        found = Q()
        for relation, lookups in by_relation.items():
            found |= _where(rows.model, relation, lookups, word)
        rows = rows.filter(found)
    return rows


def _words(text: str) -> list[str]:
    words = []
    for word in smart_split(text[:TEXT_MAX]):
        is_quoted = word[0] in "\"'" and word[0] == word[-1] and len(word) > 1
        words.append(unescape_string_literal(word) if is_quoted else word)
    return words


def _where(model: type[Model], relation: str, lookups: list[str], word: str) -> Q:
    found = Q()
    for lookup in lookups:
        found |= Q(**{lookup: word.upper() if lookup == _NUMBER else word})
    if not relation:
        return found
    other: Any = model._meta.get_field(relation).related_model
    return Q(**{f"{relation}__in": other._base_manager.filter(found)})
