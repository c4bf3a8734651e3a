"""The vector stage: nodes that are stored without vector get one. It can stop and go on at any commit."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import compress
from types import TracebackType
from typing import Self

import numpy as np

from docindex.indices.passages import PassageIndex
from docindex.ingest.background import BackgroundCommits
from docindex.ingest.parents import mean_vectors, unembedded_below
from docindex.protocols import ChangeSet, NodeVectors, OnProgress, Writer
from docindex.schema import Node, NodeCounts, Progress

WINDOW = 4096
"""Nodes that are taken at once and sorted by length."""
COMMIT_SECONDS = 10.0
"""A commit is due so often: what an interruption can cost."""


def embed_pending(writer: Writer, index: PassageIndex, on_progress: OnProgress) -> NodeCounts:
    """Embeds every node that has no vector yet; what the index has said elsewhere is not embedded again."""
    with _VectorStage(writer, index, on_progress) as stage:
        while nodes := writer.snapshot.unembedded(WINDOW):
            stage.take(nodes)
        stage.tell()
    return stage.counts


class _VectorStage:
    """One vector stage under way: the vectors that wait for their commit, and the counts so far.

    Some vectors are committed while the next ones are made. A context manager: leaving it waits for that commit.
    """

    def __init__(self, writer: Writer, index: PassageIndex, on_progress: OnProgress) -> None:
        self.counts = NodeCounts()
        self._writer = writer
        self._index = index
        self._on_progress = on_progress
        self._total = writer.snapshot.count() - writer.snapshot.embedded()
        self._done = 0
        self._waiting: list[NodeVectors] = []
        self._since = time.monotonic()
        self._commits = BackgroundCommits(self._write)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._commits.__exit__(kind, error, trace)

    def tell(self) -> None:
        """Reports progress."""
        self._on_progress(Progress("embed", nodes=self._done, nodes_total=self._total))

    def take(self, nodes: Sequence[Node]) -> None:
        """Gives the nodes their vectors, and commits them."""
        parents = [node for node in nodes if node.level > 0]
        passages = {node.node_id: node for node in nodes if node.level == 0}
        if parents:
            passages |= {node.node_id: node for node in unembedded_below(self._writer.snapshot, parents)}
        self._embed(list(passages.values()))
        if parents:
            self._add(mean_vectors(self._writer.snapshot, parents))
            self._commit()
            self._commits.settle()

    def _embed(self, nodes: Sequence[Node]) -> None:
        self.tell()
        vectors, _ = self._index.known_vectors(nodes, self._writer.snapshot)
        known = [bool(vector.any()) for vector in vectors]
        if any(known):
            self._add(NodeVectors(list(compress((node.node_id for node in nodes), known)), vectors[known]))
        unknown = [node for node, is_known in zip(nodes, known, strict=True) if not is_known]
        embedded = len({node.content_hash for node in unknown})
        for made in self._index.embed(unknown):
            self._add(made)
            if time.monotonic() - self._since > COMMIT_SECONDS:
                self._commit()
        self._commit()
        self._commits.settle()
        self.counts += NodeCounts(embedded=embedded, reused=len(nodes) - embedded)

    def _add(self, made: NodeVectors) -> None:
        self._waiting.append(made)
        self._done += len(made.node_ids)
        self.tell()

    def _commit(self) -> None:
        """Begins to commit what waits, once the vectors before are committed."""
        if self._waiting:
            self._commits.begin(self._waiting)
            self._waiting = []
        self._since = time.monotonic()

    def _write(self, made: Sequence[NodeVectors]) -> None:
        node_ids = [node_id for some in made for node_id in some.node_ids]
        vectors = np.concatenate([some.vectors for some in made])
        self._writer.commit(ChangeSet(vectors=NodeVectors(node_ids, vectors)), self._on_progress)
        self._writer.maintain(self._on_progress)
