"""Documents first: the summaries say which documents are looked into."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from docindex.indices.document_summaries import KIND
from docindex.protocols import Embedder, Retriever, Snapshot, Vectors
from docindex.retrieval.filtered import DOC_ID, narrowed
from docindex.schema import Compare, Hit, Query

_WIDER = 4
"""So many times as many documents are looked into where the nearest ones hold too little that meets the condition."""


class DerivedVectors:
    """The vectors of an index's records, read once a version. A process holds them all: four bytes a number."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._read: tuple[int, list[str], Vectors] | None = None

    def of(self, snapshot: Snapshot) -> tuple[list[str], Vectors]:
        """Keys and vectors, in one order."""
        read = self._read
        if read is None or read[0] != snapshot.version:
            read = self._read = (snapshot.version, *snapshot.derived_vectors(self._kind))
        return read[1], read[2]


class SummaryRetriever:
    """Asks another retriever, of the documents whose summaries are nearest to the query alone.

    A summary does not tell whether a passage meets the query's condition. Under one, more and more documents are looked
    into until `query.k` hits are found, four times as many each time.

    The document summary index (`docindex indexes add summaries`) must be there; documents that are not summarised yet
    are not looked into.
    """

    def __init__(
        self, snapshot: Callable[[], Snapshot], embedder: Embedder, inner: Retriever, *, documents: int = 20
    ) -> None:
        self._snapshot = snapshot
        self._embedder = embedder
        self._inner = inner
        self._documents = documents
        self._vectors = DerivedVectors(KIND)

    def retrieve(self, query: Query) -> list[Hit]:
        """At most `query.k` hits, from the nearest documents."""
        keys, vectors = self._vectors.of(self._snapshot())
        if not keys:
            return []
        nearness = vectors @ self._embedder.embed([query.text], kind="query")[0]
        nearest = [keys[index] for index in np.argsort(-nearness, kind="stable")]
        documents = self._documents
        while True:
            within = Compare(DOC_ID, "in", tuple(nearest[:documents]))
            hits = self._inner.retrieve(narrowed(query, within))
            if query.where is None or len(hits) >= query.k or documents >= len(nearest):
                return hits
            documents *= _WIDER
