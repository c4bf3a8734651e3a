"""Auto-merging: passages that make up most of their parent are given as the parent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from docindex.protocols import Retriever, Snapshot
from docindex.retrieval.filtered import NODE_ID, tells_nodes_apart
from docindex.retrieval.hits import hits_of
from docindex.schema import And, Compare, Condition, Hit, Node, Query


class MergingRetriever:
    """Asks another retriever for small nodes, and gives their parent instead where they cover enough of it.

    The parents of all hits of a level are read at once. A parent takes the place and the score of its best child, and
    names what it stands for in `merged`. With a share of 0 every passage is given as its parent: small to big. Under a
    condition on pages and the like, a parent is given only where all passages in it meet the condition.
    """

    def __init__(
        self, snapshot: Callable[[], Snapshot], inner: Retriever, *, share: float = 0.5, depth: int = 3
    ) -> None:
        """`share` of a parent's text must be found for it; `depth` times as many nodes are asked for as are wanted."""
        self._snapshot = snapshot
        self._inner = inner
        self._share = share
        self._depth = depth

    def retrieve(self, query: Query) -> list[Hit]:
        """At most `query.k` hits, none of which lies in another one."""
        hits = self._inner.retrieve(replace(query, k=self._depth * query.k))
        snapshot = self._snapshot()
        where = query.where if query.where is not None and tells_nodes_apart(query.where) else None
        while parents := {hit.node.parent_id for hit in hits if hit.node.parent_id is not None}:
            merged = self._merged(snapshot, hits, sorted(parents), where)
            if len(merged) == len(hits) and all(new.node is old.node for new, old in zip(merged, hits, strict=True)):
                break
            hits = merged
        return [replace(hit, rank=rank) for rank, hit in enumerate(hits[: query.k], 1)]

    def _merged(
        self, snapshot: Snapshot, hits: Sequence[Hit], parent_ids: Sequence[str], where: Condition | None
    ) -> list[Hit]:
        children: dict[str, list[Hit]] = {}
        for hit in hits:
            if hit.node.parent_id is not None:
                children.setdefault(hit.node.parent_id, []).append(hit)
        parents = {hit.node_id: hit for hit in hits_of(snapshot, [(key, 0.0, hits[0].scores) for key in parent_ids])}
        chosen = {
            key: parent
            for key, parent in parents.items()
            if _covered([hit.node for hit in children[key]]) >= self._share * (parent.node.end - parent.node.start)
        }
        if where is not None:
            chosen = _wholly_meeting(snapshot, chosen, where)
        found: list[Hit] = []
        placed: set[str] = set()
        for hit in hits:
            key = hit.node.parent_id
            if key is None or key not in chosen:
                found.append(hit)
            elif key not in placed:
                placed.add(key)
                below = children[key]
                ids = tuple(node_id for child in below for node_id in (child.merged or (child.node_id,)))
                found.append(replace(chosen[key], rank=hit.rank, score=hit.score, scores=hit.scores, merged=ids))
        return found


def _wholly_meeting(snapshot: Snapshot, parents: Mapping[str, Hit], where: Condition) -> dict[str, Hit]:
    """Those of the parents all of whose passages meet the condition."""
    by_document = snapshot.nodes_of_all({parent.doc_id for parent in parents.values()})
    found: dict[str, Hit] = {}
    for key, parent in parents.items():
        inside = tuple(
            node.node_id
            for node in by_document[parent.doc_id]
            if node.level == 0 and parent.node.start <= node.start and node.end <= parent.node.end
        )
        if snapshot.count(And((where, Compare(NODE_ID, "in", inside)))) == len(inside):
            found[key] = parent
    return found


def _covered(nodes: Sequence[Node]) -> int:
    """How much of the text the nodes hold together, in code points."""
    covered = reached = 0
    for node in sorted(nodes, key=lambda node: node.start):
        covered += max(0, node.end - max(node.start, reached))
        reached = max(reached, node.end)
    return covered
