"""A tree of summaries: of passages, of summaries, and in the end of everything.

Below, each document has a tree of its own; above, the roots of the documents are grouped by likeness. When a document
changes, its tree and what stands above it go, and only that is made again.

Source: RAPTOR (Sarthi et al., 2024, arXiv 2401.18059), with balanced groups in the place of its mixture of Gaussians.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from docindex.indices.grouping import groups_alike, groups_in_order
from docindex.indices.growing import grow, unrecorded
from docindex.indices.handfuls import handfuls
from docindex.indices.summarising import Summarizer
from docindex.protocols import ChangeSet, DocumentRecord, Embedder, OnProgress, Snapshot, Writer
from docindex.schema import DerivedRecord, Node, digest

KIND = "tree"

_DRIFT = 2
"""Many changes leave small groups; a layer of so many times the groups that it needs is grouped afresh."""
_PASSAGES = 256
"""Passages of documents whose trees are made at once, at the most."""

Grouping = Literal["alike", "order"]


@dataclass(frozen=True, slots=True)
class _Unit:
    """What a summary is made from: a passage or another summary."""

    key: str
    text: str
    vector: NDArray[np.float32]
    documents: tuple[str, ...]
    height: int = 0


class SummaryTree:
    """Keeps the tree.

    A record's data are `text`, `by`, `height` (1 above passages), `members` (keys of summaries, or ids of nodes at
    height 1), `layer` (0 inside a document, from 1 above its root), and `root`, set for the root of a document.
    """

    kind = KIND

    def __init__(
        self, embedder: Embedder, summarizer: Summarizer, *, fanout: int = 8, grouping: Grouping = "alike"
    ) -> None:
        """Members of a summary are at most `fanout`: those that are alike, or inside a document those in order."""
        self._embedder = embedder
        self._summarizer = summarizer
        self._fanout = fanout
        self._grouping = grouping

    def refresh(self, writer: Writer, on_progress: OnProgress) -> int:
        """Makes the trees of documents that have none, and then what stands above them; returns how many summaries."""
        snapshot = writer.snapshot
        missing = unrecorded(snapshot, KIND)
        made = grow(writer, KIND, self._of_documents(snapshot, missing), len(missing), on_progress)
        return made + self._raise_above(writer, on_progress)

    # --- inside documents --------------------------------------------------------------------------------------------

    def _of_documents(self, snapshot: Snapshot, records: Sequence[DocumentRecord]) -> Iterator[list[DerivedRecord]]:
        for handful in handfuls(records, self._summarizer.together, _PASSAGES):
            nodes = snapshot.nodes_of_all([record.doc_id for record in handful])
            passages = [[node for node in nodes[record.doc_id] if node.level == 0] for record in handful]
            yield from self._trees([_units(snapshot, nodes) for nodes in passages])

    def _trees(self, units: list[list[_Unit]]) -> list[list[DerivedRecord]]:
        """The summaries of each document, from its passages. The trees grow side by side, height by height."""
        trees: list[list[DerivedRecord]] = [[] for _ in units]
        growing = list(range(len(units)))
        while growing:
            groups = [self._groups(units[number]) for number in growing]
            made = iter(self._summaries([group for several in groups for group in several], layer=0))
            for number, several in zip(growing, groups, strict=True):
                own = [next(made) for _ in several]
                trees[number] += own if len(own) > 1 else [_root(record) for record in own]
                units[number] = [_unit(record) for record in own]
            growing = [number for number in growing if len(units[number]) > 1]
        return trees

    def _groups(self, units: Sequence[_Unit]) -> list[list[_Unit]]:
        if self._grouping == "alike":
            chosen = groups_alike(np.stack([unit.vector for unit in units]), self._fanout)
        else:
            chosen = groups_in_order(len(units), self._fanout)
        return [[units[index] for index in group] for group in chosen]

    def _summaries(self, groups: Sequence[Sequence[_Unit]], layer: int) -> list[DerivedRecord]:
        """A summary of each group. One of a single unit is that unit's text."""
        said = iter(
            self._summarizer.summarize_all([[unit.text for unit in group] for group in groups if len(group) > 1])
        )
        texts = [group[0].text if len(group) == 1 else next(said) for group in groups]
        lone = [len(group) == 1 and bool(group[0].vector.any()) for group in groups]
        new = [text for text, has_vector in zip(texts, lone, strict=True) if not has_vector]
        vectors = iter(self._embedder.embed(new, kind="passage") if new else ())
        records = []
        for group, text, has_vector in zip(groups, texts, lone, strict=True):
            members = [unit.key for unit in group]
            height = 1 + max(unit.height for unit in group)
            records.append(
                DerivedRecord(
                    kind=KIND,
                    key=digest(str(layer), str(height), *members),
                    documents=tuple(dict.fromkeys(doc_id for unit in group for doc_id in unit.documents)),
                    data={
                        "text": text,
                        "by": self._summarizer.name,
                        "height": height,
                        "layer": layer,
                        "members": members,
                        "root": False,
                    },
                    vector=group[0].vector if has_vector else next(vectors),
                )
            )
        return records

    # --- above them --------------------------------------------------------------------------------------------------

    def _raise_above(self, writer: Writer, on_progress: OnProgress) -> int:
        by_layer: dict[int, list[DerivedRecord]] = {}
        for record in writer.snapshot.derived(KIND):
            if record.data["layer"] or record.data["root"]:
                by_layer.setdefault(cast("int", record.data["layer"]), []).append(record)
        made = 0
        layer, below = 0, by_layer.get(0, [])
        while len(below) > 1:
            layer += 1
            standing = by_layer.get(layer, [])
            groups, gone = self._layer(below, standing)
            if gone:
                above = [
                    record for one in range(layer, max(by_layer, default=0) + 1) for record in by_layer.get(one, [])
                ]
                writer.commit(ChangeSet(delete_derived=[(KIND, record.key) for record in above]), on_progress)
                by_layer = {one: records for one, records in by_layer.items() if one < layer}
                standing = []
            fresh: list[DerivedRecord] = []
            made += grow(writer, KIND, self._above(groups, layer, fresh), len(groups), on_progress)
            below = [*standing, *fresh]
        if surplus := [record for one in by_layer if one > layer for record in by_layer[one]]:
            writer.commit(ChangeSet(delete_derived=[(KIND, record.key) for record in surplus]), on_progress)
        return made

    def _above(
        self, groups: Sequence[Sequence[_Unit]], layer: int, made: list[DerivedRecord]
    ) -> Iterator[list[DerivedRecord]]:
        """The summaries of a layer, which are added to `made`."""
        for start in range(0, len(groups), self._summarizer.together):
            for record in self._summaries(groups[start : start + self._summarizer.together], layer):
                made.append(record)
                yield [record]

    def _layer(
        self, below: Sequence[DerivedRecord], standing: Sequence[DerivedRecord]
    ) -> tuple[list[list[_Unit]], bool]:
        """What a layer has no summaries of, in groups, and whether it is so scattered that all of it must be made."""
        taken = {key for record in standing for key in cast("list[str]", record.data["members"])}
        orphans = [record for record in below if record.key not in taken]
        needed = -(-len(below) // self._fanout)
        scattered = len(standing) + -(-len(orphans) // self._fanout) > _DRIFT * needed + 1
        alone = len(below) <= self._fanout and (len(standing) > 1 or bool(standing and orphans))
        chosen = below if scattered or alone else orphans
        if not chosen:
            return [], False
        units = sorted((_unit(record) for record in chosen), key=lambda unit: unit.documents)
        groups = groups_alike(np.stack([unit.vector for unit in units]), self._fanout)
        return [[units[index] for index in group] for group in groups], bool(standing) and chosen is below


def has_one_top(snapshot: Snapshot) -> bool:
    """Whether all summaries stand below a single one."""
    members = {record.key: cast("list[str]", record.data["members"]) for record in snapshot.derived(KIND)}
    return len(members.keys() - {key for below in members.values() for key in below}) <= 1


def _units(snapshot: Snapshot, nodes: Sequence[Node]) -> list[_Unit]:
    vectors = snapshot.vectors([node.node_id for node in nodes])
    return [_Unit(node.node_id, node.text, vector, (node.doc_id,)) for node, vector in zip(nodes, vectors, strict=True)]


def _root(record: DerivedRecord) -> DerivedRecord:
    return replace(record, data={**record.data, "root": True})


def _unit(record: DerivedRecord) -> _Unit:
    vector = cast("NDArray[np.float32]", record.vector)  # every record of the tree has one
    height = cast("int", record.data["height"])
    return _Unit(record.key, cast("str", record.data["text"]), vector, record.documents, height)
