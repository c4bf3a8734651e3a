"""The flat index: a document becomes its passages, each with a vector. Every index has it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from docindex.protocols import Chunker, Embedder, Snapshot, Vectors
from docindex.schema import Document, Node

SLICE = 128
"""Texts embedded between two reports of progress; the embedder makes its own batches of them."""


class PassageIndex:
    """Makes nodes and vectors, and embeds nothing that the index has already."""

    def __init__(self, chunker: Chunker, embedder: Embedder) -> None:
        self._chunker = chunker
        self._embedder = embedder

    def nodes(self, document: Document) -> tuple[Node, ...]:
        """The document's passages in order."""
        return tuple(self._chunker.chunk(document))

    def vectors(
        self, nodes: Sequence[Node], snapshot: Snapshot, on_embedded: Callable[[float], None] = lambda _: None
    ) -> tuple[Vectors, int]:
        """One unit vector a node, shape (n, dim), and how many texts had to be embedded for them.

        Vectors are looked up by what the nodes say, wherever that was said before: in an older version of the
        document, in a file of another name, or twice in the same batch. `on_embedded` is told the share that is done.
        """
        hashes = [node.content_hash for node in nodes]
        by_hash = snapshot.vectors_by_hash(set(hashes))
        missing = {h: node.full_text for h, node in zip(hashes, nodes, strict=True) if h not in by_hash}
        keys, texts = list(missing), list(missing.values())
        for start in range(0, len(texts), SLICE):
            embedded = self._embedder.embed(texts[start : start + SLICE], kind="passage")
            by_hash |= dict(zip(keys[start : start + SLICE], embedded, strict=True))
            on_embedded(min(start + SLICE, len(texts)) / len(texts))
        vectors = np.empty((len(nodes), self._embedder.dim), dtype=np.float32)
        for row, content_hash in enumerate(hashes):
            vectors[row] = by_hash[content_hash]
        return vectors, len(missing)
