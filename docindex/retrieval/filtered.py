"""Retrieval under a condition."""

from __future__ import annotations

from dataclasses import replace

from docindex.protocols import Retriever
from docindex.schema import And, Compare, Condition, Field, Hit, Not, Or, Query

DOC_ID = Field("doc_id", "text", builtin=True)
NODE_ID = Field("node_id", "text", builtin=True)
LEVEL = Field("level", "number", builtin=True)
PASSAGE = Compare(LEVEL, "=", 0)
"""What the passages meet of nodes at several levels."""

_OF_NODES = ("node_id", "page", "page_label", "headings", "level")
"""Built-in fields in which the nodes of one document differ."""


def narrowed(query: Query, condition: Condition) -> Query:
    """The query under a further condition, beside its own."""
    return replace(query, where=condition if query.where is None else And((query.where, condition)))


def tells_nodes_apart(condition: Condition) -> bool:
    """Whether some nodes of a document may meet the condition and others not.

    It says nothing of a parent then, whose page and headings are those of its first passage.
    """
    match condition:
        case Compare(field):
            return field.builtin and field.name in _OF_NODES
        case And(parts) | Or(parts):
            return any(map(tells_nodes_apart, parts))
        case Not(part):
            return tells_nodes_apart(part)


class FilteredRetriever:
    """Asks another retriever for nodes that meet a condition, beside the query's own."""

    def __init__(self, inner: Retriever, where: Condition) -> None:
        self._inner = inner
        self._where = where

    def retrieve(self, query: Query) -> list[Hit]:
        """The inner retriever's hits."""
        return self._inner.retrieve(narrowed(query, self._where))


def at_level(inner: Retriever, level: int = 0) -> FilteredRetriever:
    """A retriever that asks another one for nodes of one level of a hierarchy alone."""
    return FilteredRetriever(inner, Compare(LEVEL, "=", level))
