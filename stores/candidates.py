"""Both sides of a hybrid search at once: what each proposes, and then the scores that are missing.

The two searches of a round run side by side, which on two cores takes about two thirds of the time.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from docindex.protocols import Match
from docindex.stores.conditions import Filter
from docindex.stores.dense import VectorSearch
from docindex.stores.queries import both, wait_for
from docindex.stores.search import NodeSearch


def search_both(
    nodes: NodeSearch, vectors: VectorSearch, text: str, vector: NDArray[np.float32], k: int, where: Filter | None
) -> tuple[list[Match], list[Match]]:
    """What `dense` and `lexical` give."""
    return wait_for(both(vectors.find(vector, k, where), nodes.find(text, k, where)))


def score_both(
    nodes: NodeSearch,
    vectors: VectorSearch,
    text: str,
    vector: NDArray[np.float32],
    dense: Collection[str],
    lexical: Collection[str],
) -> tuple[dict[str, float], dict[str, float]]:
    """The cosines of those of the nodes that are embedded, and the BM25 of those that share a word with the text."""
    stored, matches = wait_for(
        both(vectors.fetch(sorted(dense)), nodes.find(text, len(lexical), among=sorted(lexical))),
    )
    cosines = {node_id: float(row @ vector) for node_id, row in stored.items()}
    return cosines, {match.node_id: match.score for match in matches}
