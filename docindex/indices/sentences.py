"""A vector for each sentence: finer nodes, which say how near the best line of a passage is to a question."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from docindex.chunking.sentences import split_sentences
from docindex.indices.growing import grow, unrecorded
from docindex.indices.handfuls import handfuls
from docindex.protocols import DocumentRecord, Embedder, OnProgress, Snapshot, Vectors, Writer
from docindex.schema import DerivedRecord, Node

KIND = "sentences"

_DOCUMENTS, _PASSAGES = 32, 256
"""Those whose sentences are embedded at once, at the most."""


class SentenceVectors:
    """Keeps the vectors of the sentences of each passage, a byte a number: about 6 kB of disk a passage of 200 tokens.

    To embed them takes about as long as to embed the passages. A record's key is the node's id; its data are `count`
    and `vectors`, base64 of (count, dim) signed bytes that point where the vectors do.
    """

    kind = KIND

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def refresh(self, writer: Writer, on_progress: OnProgress) -> int:
        """Embeds the sentences of the documents that have no records; returns how many passages that made."""
        snapshot = writer.snapshot
        missing = unrecorded(snapshot, KIND)
        return grow(writer, KIND, self._made(snapshot, missing), len(missing), on_progress)

    def _made(self, snapshot: Snapshot, records: Sequence[DocumentRecord]) -> Iterator[list[DerivedRecord]]:
        for handful in handfuls(records, _DOCUMENTS, _PASSAGES):
            chosen = [record.doc_id for record in handful]
            nodes = snapshot.nodes_of_all(chosen)
            passages = {doc_id: [node for node in nodes[doc_id] if node.level == 0] for doc_id in chosen}
            vectors = iter(sentence_vectors(self._embedder, [node for doc_id in chosen for node in passages[doc_id]]))
            for doc_id in chosen:
                yield [
                    DerivedRecord(kind=KIND, key=node.node_id, documents=(doc_id,), data=_packed(next(vectors)))
                    for node in passages[doc_id]
                ]


def sentence_vectors(embedder: Embedder, nodes: Sequence[Node]) -> list[Vectors]:
    """The vectors of the sentences of each node, (sentences, dim). What several nodes say is embedded once."""
    sentences = [[node.text[start:end] for start, end in split_sentences(node.text)] for node in nodes]
    distinct = sorted({text for texts in sentences for text in texts}, key=lambda text: (len(text), text))
    rows = {text: row for row, text in enumerate(distinct)}
    vectors = embedder.embed(distinct, kind="passage")
    return [vectors[[rows[text] for text in texts]] for texts in sentences]


def read_sentence_vectors(snapshot: Snapshot, node_ids: Collection[str]) -> dict[str, Vectors]:
    """The vectors of the sentences of those of the nodes that have a record, unit norm."""
    return {record.key: _unpacked(record) for record in snapshot.derived(KIND, keys=node_ids)}


def best_sentences(snapshot: Snapshot, node_ids: Collection[str], vector: NDArray[np.float32]) -> dict[str, float]:
    """The cosine of a unit vector and the nearest sentence of each of the nodes that have a record with a sentence."""
    records = [record for record in snapshot.derived(KIND, keys=node_ids) if _count(record)]
    if not records:
        return {}
    data = np.frombuffer(b"".join(map(_bytes, records)), dtype=np.int8)
    vectors = data.reshape(-1, len(vector)).astype(np.float32)
    cosines = (vectors @ vector) / np.maximum(np.linalg.norm(vectors, axis=1), 1e-12)
    starts = np.cumsum([0, *map(_count, records[:-1])])
    best = np.maximum.reduceat(cosines, starts)
    return {record.key: float(cosine) for record, cosine in zip(records, best, strict=True)}


def _packed(vectors: Vectors) -> dict[str, str | int]:
    scale = 127 / np.maximum(np.abs(vectors).max(axis=1, keepdims=True, initial=0.0), 1e-12)
    data: NDArray[np.int8] = np.round(vectors * scale).astype(np.int8)
    return {"count": len(vectors), "vectors": base64.b64encode(data.tobytes()).decode("ascii")}


def _unpacked(record: DerivedRecord) -> Vectors:
    vectors = np.frombuffer(_bytes(record), dtype=np.int8).reshape(_count(record), -1).astype(np.float32)
    unit: Vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return unit


def _bytes(record: DerivedRecord) -> bytes:
    return base64.b64decode(str(record.data["vectors"]))


def _count(record: DerivedRecord) -> int:
    count = record.data["count"]
    return count if isinstance(count, int) else 0
