"""From scored node ids to hits."""

from __future__ import annotations

from collections.abc import Sequence

from docindex.protocols import Snapshot
from docindex.schema import Hit, Scores


def hits_of(snapshot: Snapshot, scored: Sequence[tuple[str, float, Scores]]) -> list[Hit]:
    """The nodes behind (node id, score, scores), ranked in the given order."""
    stored = snapshot.nodes([node_id for node_id, _, _ in scored])
    return [
        Hit(rank, score, scores, found.node, found.source, found.title, found.metadata, found.also)
        for rank, ((_, score, scores), found) in enumerate(zip(scored, stored, strict=True), 1)
    ]
