"""One version of an index, read from both stores."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docindex.protocols import DocumentRecord, Match, SourceRecord, StoredNode, Vectors
from docindex.schema import Condition, Document, Field, Node
from docindex.stores.check import find_problems
from docindex.stores.conditions import compile_condition
from docindex.stores.database import size_in_bytes
from docindex.stores.encoding import from_micros
from docindex.stores.lance import TABLE, LanceNodes, unindexed_rows, vector_index
from docindex.stores.search import NodeSearch
from docindex.stores.sql import CommitRow, Registry


class TwoStoreSnapshot:
    """An index at one version. Later commits do not show in it.

    It stays readable for at least ten minutes after a later commit.
    """

    def __init__(self, path: Path, registry: Registry, nodes: LanceNodes, commit: CommitRow, dim: int) -> None:
        self.version = commit.version
        self._path = path
        self._registry = registry
        self._nodes = nodes
        self._commit = commit
        self._dim = dim

    @property
    def created_at(self) -> datetime:
        """When the version was committed."""
        return from_micros(self._commit.created_at)

    # --- documents ---------------------------------------------------------------------------------------------------

    def fields(self) -> tuple[Field, ...]:
        """Every field that a condition may name; see `Snapshot.fields`."""
        return self._registry.fields(self.version)

    def documents(self) -> Iterator[DocumentRecord]:
        """All documents by id."""
        for row in self._registry.documents(self.version):
            yield row.record

    def document(self, doc_id: str) -> DocumentRecord | None:
        """What the registry knows of a document."""
        row = self._registry.documents_by_id(self.version, [doc_id]).get(doc_id)
        return None if row is None else row.record

    def load(self, doc_id: str) -> Document | None:
        """The stored document with its text and structure."""
        return self._registry.load(self.version, doc_id)

    def sources(self, locations: Collection[str] | None = None) -> Iterator[SourceRecord]:
        """The files that the index holds: all, or those at the locations."""
        return self._registry.sources(self.version, locations)

    def documents_of(self, location: str) -> list[DocumentRecord]:
        """The documents that came from one file."""
        return [row.record for row in self._registry.documents_of(self.version, location)]

    # --- nodes -------------------------------------------------------------------------------------------------------

    def count(self, where: Condition | None = None) -> int:
        """How many nodes there are, or meet the condition."""
        return self._search.count(_filter(where))

    def dense(self, vector: NDArray[np.float32], k: int, where: Condition | None = None) -> list[Match]:
        """The k nodes of the highest cosine similarity, best first; exact cosines."""
        return self._search.dense(vector, k, _filter(where))

    def lexical(
        self, text: str, k: int, where: Condition | None = None, among: Collection[str] | None = None
    ) -> list[Match]:
        """The k nodes of the highest BM25 score, best first."""
        return self._search.lexical(text, k, _filter(where), among)

    def vectors(self, node_ids: Sequence[str]) -> Vectors:
        """The nodes' vectors, in their order."""
        return self._search.vectors(node_ids)

    def nodes(self, node_ids: Sequence[str]) -> list[StoredNode]:
        """The nodes, in the order of the ids."""
        return self._stored(self._search.nodes(node_ids))

    def nodes_of(self, doc_id: str) -> list[StoredNode]:
        """A document's nodes, in order."""
        return self._stored(self._search.nodes_of(doc_id))

    def vectors_by_hash(self, content_hashes: Collection[str]) -> dict[str, NDArray[np.float32]]:
        """The vectors of nodes that are already stored, by content hash."""
        return self._search.vectors_by_hash(content_hashes)

    # --- health ------------------------------------------------------------------------------------------------------

    def problems(self) -> list[str]:
        """Every disagreement between the registry and the nodes, one sentence each. Reads all texts and nodes."""
        return list(find_problems(self._registry, self._nodes, self._commit, self._dim))

    def statistics(self) -> dict[str, Any]:
        """Counts and sizes for `docindex status`."""
        table = self._search.table
        index = vector_index(table)
        nodes_bytes = _bytes_under(self._path / f"{TABLE}.lance")
        registry_bytes = size_in_bytes(self._registry.engine)
        created_at = self._registry.fact("created_at")
        return {
            "version": self.version,
            "documents": self._commit.documents,
            "nodes": self._commit.nodes,
            "sources": self._commit.sources,
            "bytes": {"nodes": nodes_bytes, "registry": registry_bytes, "total": nodes_bytes + registry_bytes},
            "created_at": from_micros(int(created_at)).isoformat() if created_at else None,
            "updated_at": self.created_at.isoformat(),
            "vector_index": None if index is None else {"type": "IVF_RQ", "partitions": index.partitions},
            "unindexed_rows": unindexed_rows(table),
        }

    @property
    def _search(self) -> NodeSearch:
        return NodeSearch(self._nodes.at(self._commit.nodes_version), self._dim)

    def _stored(self, nodes: Sequence[Node]) -> list[StoredNode]:
        rows = self._registry.documents_by_id(self.version, {node.doc_id for node in nodes})
        records = {doc_id: row.record for doc_id, row in rows.items()}
        return [
            StoredNode(node, record.source, record.title, record.media_type, record.modified_at, record.metadata)
            for node in nodes
            if (record := records.get(node.doc_id))
        ]


def _filter(where: Condition | None) -> str | None:
    return None if where is None else compile_condition(where)


def _bytes_under(directory: Path) -> int:
    total = 0
    for file in directory.rglob("*"):
        try:
            total += file.stat().st_size if file.is_file() else 0
        except FileNotFoundError:  # a clean-up in another process took it
            continue
    return total
