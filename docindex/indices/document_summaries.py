"""One summary a document: the index that finds documents first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from docindex.indices.growing import grow, unrecorded
from docindex.indices.handfuls import handfuls
from docindex.indices.summarising import Summarizer
from docindex.protocols import DocumentRecord, Embedder, OnProgress, Snapshot, Writer
from docindex.schema import DerivedRecord, Node

KIND = "summaries"

_PASSAGES = 256
"""Passages of documents that are summarised at once, at the most."""
_TELLING = 24
"""Passages that a document's summary is made from: the most central ones of a longer document."""


class DocumentSummaries:
    """Keeps a summary of each document, with the vector of its title and summary.

    A record's key is the document's id; its data are `text`, the summary, and `by`, who made it.
    """

    kind = KIND

    def __init__(self, embedder: Embedder, summarizer: Summarizer) -> None:
        self._embedder = embedder
        self._summarizer = summarizer

    def refresh(self, writer: Writer, on_progress: OnProgress) -> int:
        """Summarises the documents that have no summary; returns how many."""
        snapshot = writer.snapshot
        missing = unrecorded(snapshot, KIND)
        return grow(writer, KIND, self._made(snapshot, missing), len(missing), on_progress)

    def _made(self, snapshot: Snapshot, records: Sequence[DocumentRecord]) -> Iterator[list[DerivedRecord]]:
        for chosen in handfuls(records, self._summarizer.together, _PASSAGES):
            nodes = snapshot.nodes_of_all([record.doc_id for record in chosen])
            texts = self._summarizer.summarize_all(
                [[node.text for node in telling(snapshot, nodes[record.doc_id])] for record in chosen]
            )
            full = [f"{record.title}\n{text}".strip() for record, text in zip(chosen, texts, strict=True)]
            vectors = self._embedder.embed(full, kind="passage")
            for record, text, vector in zip(chosen, texts, vectors, strict=True):
                yield [
                    DerivedRecord(
                        kind=KIND,
                        key=record.doc_id,
                        documents=(record.doc_id,),
                        data={"text": text, "by": self._summarizer.name},
                        vector=vector,
                    )
                ]


def telling(snapshot: Snapshot, nodes: Sequence[Node], most: int = _TELLING) -> list[Node]:
    """The passages of a document that say best what it is about, in order: the nearest to the mean of all vectors."""
    passages = [node for node in nodes if node.level == 0]
    if len(passages) <= most:
        return passages
    vectors = snapshot.vectors([node.node_id for node in passages])
    nearness = vectors @ vectors.mean(axis=0)
    chosen = np.sort(np.argsort(-nearness, kind="stable")[:most])
    return [passages[index] for index in chosen]
