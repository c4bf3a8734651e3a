"""Retrieval under a condition."""

from __future__ import annotations

from dataclasses import replace

from docindex.protocols import Retriever
from docindex.schema import And, Condition, Hit, Query


class FilteredRetriever:
    """Asks another retriever for nodes that meet a condition, beside the query's own."""

    def __init__(self, inner: Retriever, where: Condition) -> None:
        self._inner = inner
        self._where = where

    def retrieve(self, query: Query) -> list[Hit]:
        """The inner retriever's hits."""
        where = self._where if query.where is None else And((query.where, self._where))
        return self._inner.retrieve(replace(query, where=where))
