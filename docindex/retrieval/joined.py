"""Several indexes searched as one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from docindex.protocols import Retriever
from docindex.schema import And, Compare, Condition, Hit, Not, Or, Query

_NAMED = ("doc_id", "source")
"""Fields whose values have the name of an index in front."""


class JoinedRetriever:
    """Asks retrievers of several indexes, and ranks all of their hits by score.

    Each of them has to rank by score, or else its order is lost. Scores compare where the indexes have the same
    embedder and are asked in the same way: cosines do as they are, and the words' share of a fused score is scaled in
    each index by its best passage. Ids of documents and names of sources get the name of their index in front, so that
    none is taken for another.
    """

    def __init__(self, retrievers: Mapping[str, Retriever]) -> None:
        self._retrievers = retrievers

    def retrieve(self, query: Query) -> list[Hit]:
        """At most `query.k` hits."""
        found = [_named(hit, name) for name, retriever in self._retrievers.items() for hit in retriever.retrieve(query)]
        found.sort(key=lambda hit: -hit.score)
        return [replace(hit, rank=rank) for rank, hit in enumerate(found[: query.k], 1)]


def condition_within(condition: Condition, name: str, names: Collection[str]) -> Condition:
    """The condition as the index of a name has to read it, among several.

    Where an id or a source is compared with one that begins with the name of an index, that one reads it without the
    name, and is the only one to have it.
    """
    match condition:
        case And(parts):
            return And(tuple(condition_within(part, name, names) for part in parts))
        case Or(parts):
            return Or(tuple(condition_within(part, name, names) for part in parts))
        case Not(part):
            return Not(condition_within(part, name, names))
        case Compare(field, "=" | "!=" | "in" as op, value) if field.builtin and field.name in _NAMED:
            values = value if isinstance(value, tuple) else (value,)
            inside = tuple(own for one in values if (own := _within(str(one), name, names)) is not None)
            found = Compare(field, "in", inside)
            return Not(found) if op == "!=" else found
        case Compare():
            return condition


def _within(value: str, name: str, names: Collection[str]) -> str | None:
    first, slash, rest = value.partition("/")
    if not slash or first not in names:
        return value
    return rest if first == name else None


def _named(hit: Hit, name: str) -> Hit:
    node = replace(hit.node, doc_id=f"{name}/{hit.node.doc_id}")
    return replace(hit, node=node, source=f"{name}/{hit.source}", also=tuple(f"{name}/{one}" for one in hit.also))
