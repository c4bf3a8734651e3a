"""The flat index: a document becomes its passages, each with a vector. Every index has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

import numpy as np

from docindex.indices.cut import CutDocument
from docindex.protocols import Chunker, Embedder, NodeVectors, Snapshot, Vectors
from docindex.schema import Document, Node

SLICE = 128
"""Texts embedded between two reports of progress; the embedder makes its own batches of them."""


class PassageIndex:
    """Makes nodes and vectors, and embeds nothing that the index has already."""

    def __init__(self, make: Callable[[], tuple[Chunker, Embedder]], dim: int) -> None:
        """`make` is called when there is something to cut or embed: an ingest that finds no change loads no model."""
        self._make = make
        self._dim = dim

    @cached_property
    def _chunker(self) -> Chunker:
        return self._made[0]

    @cached_property
    def _embedder(self) -> Embedder:
        return self._made[1]

    @cached_property
    def _made(self) -> tuple[Chunker, Embedder]:
        return self._make()

    def nodes(self, document: Document, before: Sequence[Node] = ()) -> tuple[Node, ...]:
        """The document's passages in order; those that it had `before` stay where their text does.

        Those of a document that comes cut are taken as they are, unless there was something before.
        """
        chunker = self._chunker  # in any case: what another model's tokenizer has cut is refused
        if isinstance(document, CutDocument) and not before:
            return document.nodes
        return tuple(chunker.chunk(document, before))

    def known_vectors(self, nodes: Sequence[Node], snapshot: Snapshot) -> tuple[Vectors, int]:
        """The vectors that the index has for what the nodes say, zeros for the others; and how many it has.

        Vectors are looked up by text, wherever it stood before: in an older version of the document, or in a file of
        another name. Shape (n, dim).
        """
        vectors = np.zeros((len(nodes), self._dim), dtype=np.float32)
        if not nodes or not snapshot.embedded():
            return vectors, 0
        hashes = [node.content_hash for node in nodes]
        known = snapshot.vectors_by_hash(set(hashes))
        rows = [row for row, content_hash in enumerate(hashes) if content_hash in known]
        for row in rows:
            vectors[row] = known[hashes[row]]
        return vectors, len(rows)

    def embed(self, nodes: Sequence[Node]) -> Iterator[NodeVectors]:
        """The nodes' vectors, slice after slice. Texts of like length come together, so that little is padding.

        What several nodes say is embedded once.
        """
        by_hash: dict[str, list[Node]] = {}
        for node in nodes:
            by_hash.setdefault(node.content_hash, []).append(node)
        groups = sorted(by_hash.values(), key=lambda alike: len(alike[0].full_text))
        for start in range(0, len(groups), SLICE):
            members = groups[start : start + SLICE]
            vectors = self._embedder.embed([alike[0].full_text for alike in members], kind="passage")
            node_ids = [node.node_id for alike in members for node in alike]
            yield NodeVectors(node_ids, vectors.repeat([len(alike) for alike in members], axis=0))
