"""The vectors of nodes that hold others: the mean of what they hold, so that they are never embedded themselves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from docindex.protocols import NodeVectors, Snapshot
from docindex.schema import Node


def unembedded_below(snapshot: Snapshot, parents: Sequence[Node]) -> list[Node]:
    """The passages in the parents that have no vector yet."""
    passages = [node for inside in _passages_in(snapshot, parents) for node in inside]
    vectors = snapshot.vectors([node.node_id for node in passages])
    return [node for node, vector in zip(passages, vectors, strict=True) if not vector.any()]


def mean_vectors(snapshot: Snapshot, parents: Sequence[Node]) -> NodeVectors:
    """The parents' vectors, unit norm. All passages in them must have theirs."""
    rows = []
    for inside in _passages_in(snapshot, parents):
        mean = snapshot.vectors([node.node_id for node in inside]).mean(axis=0)
        rows.append(mean / np.linalg.norm(mean))
    return NodeVectors([parent.node_id for parent in parents], np.array(rows, np.float32))


def _passages_in(snapshot: Snapshot, parents: Sequence[Node]) -> list[list[Node]]:
    by_document = snapshot.nodes_of_all({parent.doc_id for parent in parents})
    return [
        [
            node
            for node in by_document[parent.doc_id]
            if node.level == 0 and parent.start <= node.start and node.end <= parent.end
        ]
        for parent in parents
    ]
