"""The near-duplicates among all passages of an index, with what they say and where they stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from docindex.errors import QueryError
from docindex.indices.handfuls import handfuls
from docindex.indices.near_duplicates import near_duplicates
from docindex.protocols import OnProgress, Snapshot, StoredNode
from docindex.schema import Node, Progress

LEAST, MOST = 0.5, 1.0
"""The thresholds that can be asked for."""
_PAIRS_AT_ONCE = 128


@dataclass(frozen=True, slots=True)
class NearDuplicate:
    """Two passages that say nearly the same."""

    first: StoredNode
    """The one that comes first by document and order."""
    second: StoredNode
    resemblance: float
    """The share of the runs of three words that both have; 1 for the same words."""

    def as_dict(self) -> dict[str, Any]:
        """The pair as `--json` prints it."""
        return {
            "resemblance": round(self.resemblance, 4),
            "passages": [_as_dict(self.first), _as_dict(self.second)],
        }


def near_duplicates_of(snapshot: Snapshot, threshold: float, on_progress: OnProgress) -> Iterator[NearDuplicate]:
    """The pairs as `near_duplicates` finds them; all passages are read before the first one comes.

    Raises:
        QueryError: The threshold is out of range.
    """
    if not LEAST <= threshold <= MOST:
        raise QueryError(f"The threshold is {threshold}: give a value from {LEAST} to {MOST:g}.")
    return _told(snapshot, near_duplicates(_Passages(snapshot, on_progress), threshold))


class _Passages:
    """All passages by document and order. Each iteration reads them anew, a handful of documents at a time."""

    def __init__(self, snapshot: Snapshot, on_progress: OnProgress) -> None:
        self._snapshot = snapshot
        self._on_progress = on_progress

    def __iter__(self) -> Iterator[Node]:
        total, read = self._snapshot.count(), 0
        for records in handfuls(self._snapshot.documents()):
            held = self._snapshot.nodes_of_all([record.doc_id for record in records])
            for record in records:
                # Above the passages are those that hold them: they say the same, and nothing is wrong with that.
                yield from (node for node in held[record.doc_id] if node.level == 0)
                read += len(held[record.doc_id])
            self._on_progress(Progress("compare", source=records[-1].source, nodes=read, nodes_total=total))


def _told(snapshot: Snapshot, pairs: Iterator[tuple[str, str, float]]) -> Iterator[NearDuplicate]:
    while batch := list(islice(pairs, _PAIRS_AT_ONCE)):
        node_ids = list(dict.fromkeys(node_id for first, second, _ in batch for node_id in (first, second)))
        stored = dict(zip(node_ids, snapshot.nodes(node_ids), strict=True))
        for first, second, resemblance in batch:
            yield NearDuplicate(stored[first], stored[second], resemblance)


def _as_dict(stored: StoredNode) -> dict[str, Any]:
    node = stored.node
    return {
        "node_id": node.node_id,
        "doc_id": node.doc_id,
        "source": stored.source,
        "page": node.page,
        "page_label": node.page_label,
        "start": node.start,
        "end": node.end,
        "text": node.text,
    }
