"""Retrieval over the graph: what stands near the entities of a question, and how two of them are connected."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import IO, cast

from docindex.indices.entities import candidate_keys, key_of
from docindex.indices.graph import KIND
from docindex.protocols import Retriever, Snapshot, StoredNode
from docindex.retrieval.hits import hits_of
from docindex.schema import Condition, DerivedRecord, Hit, Query, Scores

_COMMON = 2000
"""An entity of more passages tells nothing."""
_NEIGHBOURS = 12
_LOOKED_AT = 500
"""Passages that are held against a condition at once."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An entity beside another one."""

    key: str
    label: str
    passages: int
    """In how many passages both are."""
    relations: tuple[str, ...]
    """What stands between them, the most frequent first."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path between entities."""

    start: str
    end: str
    relation: str
    node_id: str
    """A passage that holds both."""


class GraphRetriever:
    """Adds to another retriever's score what the graph says of a passage.

    A passage gains by each entity of the question that it speaks of, the rarer the more, and half as much by the
    entities that often stand beside those. Passages that only the graph knows of come in too.
    """

    def __init__(
        self, snapshot: Callable[[], Snapshot], inner: Retriever, *, weight: float = 0.2, depth: int = 100
    ) -> None:
        self._snapshot = snapshot
        self._inner = inner
        self._weight = weight
        self._depth = depth

    def retrieve(self, query: Query) -> list[Hit]:
        """At most `query.k` hits. Without entities in the question they are the inner retriever's."""
        found = self._inner.retrieve(replace(query, k=max(query.k, self._depth)))
        snapshot = self._snapshot()
        scores = near_passages(snapshot, query.text)
        if not scores:
            return found[: query.k]
        best = max(scores.values())
        known = {hit.node_id for hit in found}
        further = sorted(scores.keys() - known, key=lambda node_id: (-scores[node_id], node_id))
        further = _first_meeting(snapshot, further, query.where, query.k)
        least = min((hit.score for hit in found), default=0.0)
        added = hits_of(snapshot, [(node_id, least, Scores()) for node_id in further])
        raised = [
            replace(hit, score=hit.score + self._weight * scores.get(hit.node_id, 0.0) / best)
            for hit in [*found, *added]
        ]
        raised.sort(key=lambda hit: -hit.score)
        return [replace(hit, rank=rank) for rank, hit in enumerate(raised[: query.k], 1)]


def _first_meeting(snapshot: Snapshot, node_ids: Sequence[str], where: Condition | None, k: int) -> list[str]:
    """The first k of the nodes that meet the condition."""
    if where is None:
        return list(node_ids[:k])
    found: list[str] = []
    for start in range(0, len(node_ids), _LOOKED_AT):
        some = node_ids[start : start + _LOOKED_AT]
        meeting = snapshot.meeting(some, where)
        found += [node_id for node_id in some if node_id in meeting]
        if len(found) >= k:
            break
    return found[:k]


class Graph:
    """The graph of an index at one version."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def entities(self, like: str = "", limit: int = 50) -> list[tuple[str, int]]:
        """Keys of entities that hold some text, and in how many passages each is; the most frequent first."""
        return self._snapshot.derived_terms(KIND, like.casefold(), limit)

    def neighbours(self, entity: str, limit: int = 20) -> list[Neighbour]:
        """The entities that stand beside one, in the most passages first; empty when the graph does not have it."""
        return neighbours(self._snapshot, entity, limit)

    def path(self, start: str, end: str, longest: int = 4) -> list[Step]:
        """The shortest way from one entity to another, by passages that hold both ends of a step; empty without one."""
        return path(self._snapshot, start, end, longest)

    def passages(self, node_ids: Sequence[str]) -> list[StoredNode]:
        """The passages of steps, in the order of their ids."""
        return self._snapshot.nodes(node_ids)

    def write_graphml(self, file: IO[bytes]) -> tuple[int, int]:
        """Writes the graph for programs that draw and measure graphs; returns how many entities and edges it has."""
        from docindex.retrieval.graphml import write_graphml  # XML takes time to load, and searches have no use for it

        return write_graphml(self._snapshot, file)


def near_passages(snapshot: Snapshot, question: str) -> dict[str, float]:
    """How near each passage is, by the graph, to what the question names; by node id."""
    counts = dict(snapshot.derived_terms(KIND, limit=_COMMON, among=candidate_keys(question)))
    named = {key for key, count in counts.items() if count <= _COMMON}
    if not named:
        return {}
    total = max(snapshot.derived_count(KIND), 1)
    weights = {key: math.log1p(total / counts[key]) for key in named}
    records = {record.key: record for record in snapshot.derived(KIND, terms=named)}
    beside = Counter(term for record in records.values() for term in record.terms if term not in named)
    near = dict(beside.most_common(_NEIGHBOURS))
    spread = dict(snapshot.derived_terms(KIND, limit=_NEIGHBOURS, among=near.keys())) if near else {}
    for key, count in near.items():
        if spread.get(key, _COMMON) < _COMMON:
            weights[key] = 0.5 * math.log1p(total / spread[key]) * count / spread[key]
    further = [key for key in weights if key not in named]
    records |= {record.key: record for record in snapshot.derived(KIND, terms=further)} if further else {}
    return {node_id: sum(weights.get(term, 0.0) for term in record.terms) for node_id, record in records.items()}


def neighbours(snapshot: Snapshot, entity: str, limit: int = 20) -> list[Neighbour]:
    """The entities that stand beside one, in the most passages first; empty when the graph does not have it."""
    key = key_of(entity)
    passages: Counter[str] = Counter()
    labels: dict[str, Counter[str]] = {}
    between: dict[str, Counter[str]] = {}
    for record in snapshot.derived(KIND, terms=[key]):
        for other, label in _labels(record).items():
            if other != key:
                passages[other] += 1
                labels.setdefault(other, Counter())[label] += 1
        for left, predicate, right in _relations(record):
            if predicate and key in (left, right) and left != right:
                between.setdefault(right if left == key else left, Counter())[predicate] += 1
    return [
        Neighbour(
            other,
            labels[other].most_common(1)[0][0],
            count,
            tuple(text for text, _ in between.get(other, Counter()).most_common(5)),
        )
        for other, count in sorted(passages.items(), key=lambda pair: (-pair[1], pair[0]))[:limit]
    ]


def path(snapshot: Snapshot, start: str, end: str, longest: int = 4) -> list[Step]:
    """The shortest way from one entity to another, by passages that hold both ends of a step; empty without one."""
    first, last = key_of(start), key_of(end)
    came: dict[str, Step | None] = {first: None}
    frontier = {first}
    for _ in range(longest):
        reached: dict[str, Step] = {}
        for record in snapshot.derived(KIND, terms=frontier):
            for step in _steps(record, frontier):
                if step.end not in came:
                    reached.setdefault(step.end, step)
        came |= reached
        if last in reached:
            return _walked(came, last)
        frontier = set(reached)
        if not frontier:
            break
    return []


def _steps(record: DerivedRecord, frontier: Collection[str]) -> Iterator[Step]:
    said = {(left, right): predicate for left, predicate, right in _relations(record)}
    for here in record.terms:
        if here in frontier:
            for there in record.terms:
                if there != here:
                    relation = said.get((here, there)) or said.get((there, here)) or ""
                    yield Step(here, there, relation, record.key)


def _walked(came: dict[str, Step | None], last: str) -> list[Step]:
    steps: list[Step] = []
    while (step := came[last]) is not None:
        steps.append(step)
        last = step.start
    return steps[::-1]


def _labels(record: DerivedRecord) -> dict[str, str]:
    return cast("dict[str, str]", record.data["labels"])


def _relations(record: DerivedRecord) -> list[tuple[str, str, str]]:
    return [(left, predicate, right) for left, predicate, right in cast("list[list[str]]", record.data["relations"])]
