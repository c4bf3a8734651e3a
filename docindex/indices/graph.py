"""The graph of what passages speak of: entities, and the relations between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from docindex.indices.entities import Extractor
from docindex.indices.growing import grow, unrecorded
from docindex.protocols import OnProgress, Snapshot, Writer
from docindex.schema import DerivedRecord

KIND = "graph"

_SLICE = 32


class EntityGraph:
    """Keeps what each passage speaks of.

    A record's key is the node's id, its terms are the keys of its entities, and its data are `by`, who found them,
    `labels` (of the entities, by key) and `relations` (triples of a key, the words between, and a key).
    """

    kind = KIND

    def __init__(self, extractor: Extractor) -> None:
        self._extractor = extractor

    def refresh(self, writer: Writer, on_progress: OnProgress) -> int:
        """Reads the documents that are not in the graph; returns of how many passages."""
        snapshot = writer.snapshot
        missing = [record.doc_id for record in unrecorded(snapshot, KIND)]
        return grow(writer, KIND, self._made(snapshot, missing), len(missing), on_progress)

    def _made(self, snapshot: Snapshot, doc_ids: Sequence[str]) -> Iterator[list[DerivedRecord]]:
        for start in range(0, len(doc_ids), _SLICE):
            by_document = snapshot.nodes_of_all(doc_ids[start : start + _SLICE])
            for doc_id in doc_ids[start : start + _SLICE]:
                nodes = [node for node in by_document[doc_id] if node.level == 0]
                found = self._extractor.extract([node.text for node in nodes])
                yield [
                    DerivedRecord(
                        kind=KIND,
                        key=node.node_id,
                        documents=(doc_id,),
                        terms=tuple(extraction.entities),
                        data={
                            "by": self._extractor.name,
                            "labels": extraction.entities,
                            "relations": extraction.relations,
                        },
                    )
                    for node, extraction in zip(nodes, found, strict=True)
                ]
