"""A tree of summaries: of passages, of summaries, and in the end of everything.

Below, each document has a tree of its own; above, the roots of the documents are grouped by likeness. When a document
changes, its tree and what stands above it go, and only that is made again.

Source: RAPTOR (Sarthi et al., 2024, arXiv 2401.18059), with balanced groups in the place of its mixture of Gaussians.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from docindex.indices.grouping import groups_alike, groups_in_order
from docindex.indices.growing import grow
from docindex.indices.summarising import Summarizer
from docindex.protocols import ChangeSet, Embedder, OnProgress, Snapshot, Writer
from docindex.schema import DerivedRecord, Node, digest

KIND = "tree"

_DRIFT = 2
"""Many changes leave small groups; a layer of so many times the groups that it needs is grouped afresh."""
_SLICE = 32

Grouping = Literal["alike", "order"]


@dataclass(frozen=True, slots=True)
class _Unit:
    """What a summary is made from: a passage or another summary."""

    key: str
    text: str
    vector: NDArray[np.float32]
    documents: tuple[str, ...]


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
        held = snapshot.derived_documents(KIND)
        missing = [record.doc_id for record in snapshot.documents() if record.nodes and record.doc_id not in held]
        made = grow(writer, KIND, self._of_documents(snapshot, missing), len(missing), on_progress)
        return made + self._raise_above(writer, on_progress)

    # --- inside documents --------------------------------------------------------------------------------------------

    def _of_documents(self, snapshot: Snapshot, doc_ids: Sequence[str]) -> Iterator[list[DerivedRecord]]:
        for start in range(0, len(doc_ids), _SLICE):
            nodes = snapshot.nodes_of_all(doc_ids[start : start + _SLICE])
            for doc_id in doc_ids[start : start + _SLICE]:
                yield self._of_document(snapshot, [node for node in nodes[doc_id] if node.level == 0])

    def _of_document(self, snapshot: Snapshot, nodes: Sequence[Node]) -> list[DerivedRecord]:
        vectors = snapshot.vectors([node.node_id for node in nodes])
        units = [
            _Unit(node.node_id, node.text, vector, (node.doc_id,)) for node, vector in zip(nodes, vectors, strict=True)
        ]
        records: list[DerivedRecord] = []
        height = 0
        while height == 0 or len(units) > 1:
            height += 1
            groups = self._groups(units)
            made = self._summaries(groups, height, layer=0, root=len(groups) == 1)
            records += made
            units = [_unit(record) for record in made]
        return records

    def _groups(self, units: Sequence[_Unit]) -> list[list[_Unit]]:
        if self._grouping == "alike":
            chosen = groups_alike(np.stack([unit.vector for unit in units]), self._fanout)
        else:
            chosen = groups_in_order(len(units), self._fanout)
        return [[units[index] for index in group] for group in chosen]

    def _summaries(
        self, groups: Sequence[Sequence[_Unit]], height: int, *, layer: int, root: bool = False
    ) -> list[DerivedRecord]:
        """A summary of each group. One of a single unit is that unit's text."""
        texts = [
            group[0].text if len(group) == 1 else self._summarizer.summarize([unit.text for unit in group])
            for group in groups
        ]
        vectors = self._embedder.embed(texts, kind="passage")
        records = []
        for group, text, vector in zip(groups, texts, vectors, strict=True):
            members = [unit.key for unit in group]
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
                        "root": root,
                    },
                    vector=group[0].vector if len(group) == 1 and group[0].vector.any() else vector,
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
            fresh, gone = self._layer(below, standing, layer)
            if gone:
                above = [
                    record for one in range(layer, max(by_layer, default=0) + 1) for record in by_layer.get(one, [])
                ]
                writer.commit(ChangeSet(delete_derived=[(KIND, record.key) for record in above]), on_progress)
                by_layer = {one: records for one, records in by_layer.items() if one < layer}
                standing = []
            made += grow(writer, KIND, ([record] for record in fresh), len(fresh), on_progress)
            below = [*standing, *fresh]
        if surplus := [record for one in by_layer if one > layer for record in by_layer[one]]:
            writer.commit(ChangeSet(delete_derived=[(KIND, record.key) for record in surplus]), on_progress)
        return made

    def _layer(
        self, below: Sequence[DerivedRecord], standing: Sequence[DerivedRecord], layer: int
    ) -> tuple[list[DerivedRecord], bool]:
        """The summaries that a layer lacks, and whether it is so scattered that all of it must be made."""
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
        height = 1 + max(cast("int", record.data["height"]) for record in chosen)
        made = self._summaries([[units[index] for index in group] for group in groups], height, layer=layer)
        return made, bool(standing) and chosen is below


def _unit(record: DerivedRecord) -> _Unit:
    vector = cast("NDArray[np.float32]", record.vector)  # every record of the tree has one
    return _Unit(record.key, cast("str", record.data["text"]), vector, record.documents)
