"""Retrieval at one level of a hierarchy of nodes."""

from __future__ import annotations

from docindex.protocols import Retriever
from docindex.retrieval.filtered import FilteredRetriever
from docindex.schema import Compare, Field

_LEVEL = Field("level", "number", builtin=True)


def at_level(inner: Retriever, level: int = 0) -> FilteredRetriever:
    """A retriever that asks another one for nodes of one level alone."""
    return FilteredRetriever(inner, Compare(_LEVEL, "=", level))
