"""Several indexes searched as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from docindex.protocols import Retriever
from docindex.schema import Hit, Query


class JoinedRetriever:
    """Asks retrievers of several indexes, and ranks all of their hits by score.

    Scores compare where the indexes have the same embedder and are asked in the same way: cosines do as they are, and
    the words' share of a fused score is scaled in each index by its best passage. Ids of documents and names of sources
    get the name of their index in front, so that none is taken for another.
    """

    def __init__(self, retrievers: Mapping[str, Retriever]) -> None:
        self._retrievers = retrievers

    def retrieve(self, query: Query) -> list[Hit]:
        """At most `query.k` hits."""
        found = [_named(hit, name) for name, retriever in self._retrievers.items() for hit in retriever.retrieve(query)]
        found.sort(key=lambda hit: -hit.score)
        return [replace(hit, rank=rank) for rank, hit in enumerate(found[: query.k], 1)]


def _named(hit: Hit, name: str) -> Hit:
    node = replace(hit.node, doc_id=f"{name}/{hit.node.doc_id}")
    return replace(hit, node=node, source=f"{name}/{hit.source}", also=tuple(f"{name}/{one}" for one in hit.also))
