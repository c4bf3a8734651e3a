"""Retrieval from the tree of summaries: all of it at once, or from the root downwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal, cast

import numpy as np

from docindex.indices.tree import KIND
from docindex.protocols import Embedder, Retriever, Snapshot, Vectors
from docindex.retrieval.filtered import NODE_ID, narrowed
from docindex.retrieval.hits import hits_of
from docindex.schema import Compare, Hit, Query, Scores

TreeWalk = Literal["collapsed", "traversal"]


@dataclass(frozen=True, slots=True)
class _Tree:
    """The shape of the tree at a version."""

    version: int
    places: dict[str, int]
    """The row of each summary's vector by its key."""
    vectors: Vectors
    members: dict[str, list[str]]
    leaves: frozenset[str]
    """The summaries whose members are nodes."""
    parents: dict[str, str]
    """Of nodes and of summaries."""

    @property
    def tops(self) -> list[str]:
        """The summaries that nothing stands above."""
        return [key for key in self.places if key not in self.parents]

    def above(self, key: str) -> Iterable[str]:
        """The summaries above a node or summary, from the nearest one up."""
        while (parent := self.parents.get(key)) is not None:
            yield parent
            key = parent


class TreeRetriever:
    """Ranks passages by their own score and by the summaries that stand above them.

    *Collapsed* takes the passages that another retriever proposes and those below the nearest summaries, and adds
    `weight` of the best likeness among a passage's summaries to its score. *Traversal* goes from the top down, keeps
    the `beam` nearest summaries at each height, and ranks the passages below the last ones by likeness. Under
    a condition, of which summaries tell nothing, the beam is doubled until `query.k` of those passages meet it.

    The tree (`docindex indexes add tree`) must be there; a passage that it does not hold yet has its own score alone.
    """

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        embedder: Embedder,
        inner: Retriever,
        *,
        walk: TreeWalk = "collapsed",
        weight: float = 0.2,
        beam: int = 8,
        depth: int = 100,
    ) -> None:
        self._snapshot = snapshot
        self._embedder = embedder
        self._inner = inner
        self._walk: TreeWalk = walk
        self._weight = weight
        self._beam = beam
        self._depth = depth
        self._tree: _Tree | None = None

    def retrieve(self, query: Query) -> list[Hit]:
        """At most `query.k` hits."""
        snapshot = self._snapshot()
        tree = self._tree_of(snapshot)
        vector = self._embedder.embed([query.text], kind="query")[0]
        likeness = tree.vectors @ vector if tree.places else np.zeros(0, np.float32)
        if self._walk == "traversal":
            return self._walked(snapshot, query, tree, likeness, vector)
        return self._collapsed(snapshot, query, tree, likeness, vector)

    def _collapsed(
        self, snapshot: Snapshot, query: Query, tree: _Tree, likeness: Vectors, vector: Vectors
    ) -> list[Hit]:
        found = self._inner.retrieve(replace(query, k=max(query.k, self._depth)))
        near = [key for key in _by_likeness(tree, likeness) if key in tree.leaves][: self._beam]
        proposed = {hit.node_id for hit in found}
        further = [node_id for key in near for node_id in tree.members[key] if node_id not in proposed]
        # What the inner retriever did not give comes after what it gave, whatever the scale of its scores, in the order
        # of its cosines; only the summary above may lift it.
        least = min((hit.score for hit in found), default=0.0)
        added = [
            replace(hit, score=least * max(hit.score, 0.0)) for hit in self._ranked(snapshot, query, further, vector)
        ]
        raised = [
            replace(hit, score=hit.score + self._weight * self._best_above(tree, likeness, hit.node_id))
            for hit in [*found, *added]
        ]
        raised.sort(key=lambda hit: -hit.score)
        return [replace(hit, rank=rank) for rank, hit in enumerate(raised[: query.k], 1)]

    def _best_above(self, tree: _Tree, likeness: Vectors, node_id: str) -> float:
        return max((float(likeness[tree.places[key]]) for key in tree.above(node_id)), default=0.0)

    def _walked(self, snapshot: Snapshot, query: Query, tree: _Tree, likeness: Vectors, vector: Vectors) -> list[Hit]:
        held = sum(len(tree.members[key]) for key in tree.leaves)
        beam = self._beam
        while True:
            nodes = self._below(tree, likeness, beam)
            hits = self._ranked(snapshot, query, nodes, vector)
            if query.where is None or len(hits) >= query.k or len(nodes) == held:
                return hits
            beam *= 2

    def _below(self, tree: _Tree, likeness: Vectors, beam: int) -> list[str]:
        """The nodes that a walk from the top arrives at."""
        nodes: list[str] = []
        open_ = tree.tops
        while open_:
            best = sorted(open_, key=lambda key: (-likeness[tree.places[key]], key))[:beam]
            open_ = []
            for key in best:
                (nodes if key in tree.leaves else open_).extend(tree.members[key])
        return nodes

    def _ranked(self, snapshot: Snapshot, query: Query, node_ids: list[str], vector: Vectors) -> list[Hit]:
        """Those of the nodes that meet the query's condition, by likeness."""
        if not node_ids:
            return []
        if query.where is not None:
            among = Compare(NODE_ID, "in", tuple(node_ids))
            matches = snapshot.dense(vector, len(node_ids), narrowed(query, among).where)
            scored = [(match.node_id, match.score) for match in matches]
        else:
            scores = snapshot.vectors(node_ids) @ vector
            scored = sorted(zip(node_ids, map(float, scores), strict=True), key=lambda pair: (-pair[1], pair[0]))
        return hits_of(snapshot, [(node_id, score, Scores(dense=score)) for node_id, score in scored[: query.k]])

    def _tree_of(self, snapshot: Snapshot) -> _Tree:
        if self._tree is None or self._tree.version != snapshot.version:
            self._tree = _read(snapshot)
        return self._tree


def _read(snapshot: Snapshot) -> _Tree:
    keys, vectors = snapshot.derived_vectors(KIND)
    members: dict[str, list[str]] = {}
    leaves: set[str] = set()
    parents: dict[str, str] = {}
    for record in snapshot.derived(KIND):
        below = cast("list[str]", record.data["members"])
        members[record.key] = below
        if record.data["height"] == 1:
            leaves.add(record.key)
        parents.update(dict.fromkeys(below, record.key))
    places = {key: place for place, key in enumerate(keys)}
    return _Tree(snapshot.version, places, vectors, members, frozenset(leaves), parents)


def _by_likeness(tree: _Tree, likeness: Vectors) -> list[str]:
    keys = list(tree.places)
    return [keys[place] for place in np.argsort(-likeness, kind="stable")]
