"""One version of an index, read from both stores."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from docindex.errors import StoreError
from docindex.protocols import DocumentRecord, FileStamp, Match, SourceRecord, StoredNode, StoredTable, Vectors
from docindex.schema import Condition, DerivedRecord, Document, Field, IndexDefinition, Node
from docindex.stores.candidates import search_both
from docindex.stores.check import find_problems
from docindex.stores.conditions import filter_of
from docindex.stores.database import size_in_bytes
from docindex.stores.dense import VectorSearch, known_of
from docindex.stores.derived import DerivedRecords
from docindex.stores.encoding import from_micros
from docindex.stores.files import bytes_under, table_folders
from docindex.stores.lance import LanceTables, OpenVersion, first_line, unindexed_rows
from docindex.stores.late import nodes_without_vector
from docindex.stores.plans import FACT, Known, read_plan
from docindex.stores.registry_rows import CommitRow, DocumentRow
from docindex.stores.search import NodeSearch, unknown
from docindex.stores.sql import Registry
from docindex.stores.stamps import read_stamps

T = TypeVar("T")


class TwoStoreSnapshot:
    """An index at one version. Later commits do not show in it.

    It stays readable for at least ten minutes after a later commit, and for as long as it is tagged, unless a purge
    erases it.
    """

    def __init__(
        self, path: Path, registry: Registry, nodes: LanceTables, vectors: LanceTables, commit: CommitRow, dim: int
    ) -> None:
        self.version = commit.version
        self._path = path
        self._registry = registry
        self._nodes = nodes
        self._vectors = vectors
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
        self._require_kept()

    def document(self, doc_id: str) -> DocumentRecord | None:
        """What the registry knows of a document."""
        row = self._registered({doc_id}).get(doc_id)
        return None if row is None else row.record

    def records(self, doc_ids: Collection[str]) -> dict[str, DocumentRecord]:
        """Those of the documents that there are, by id."""
        return {doc_id: row.record for doc_id, row in self._registered(doc_ids).items()}

    def load(self, doc_id: str) -> Document | None:
        """The stored document with its text and structure."""
        return self.load_all({doc_id}).get(doc_id)

    def load_all(self, doc_ids: Collection[str]) -> dict[str, Document]:
        """Those of the documents that there are, by id; all of them are in memory at once."""
        with self._reading():
            return self._all_of(doc_ids, self._registry.load_all(self.version, doc_ids))

    def sources(self, locations: Collection[str] | None = None) -> Iterator[SourceRecord]:
        """The files that the index holds: all, or those at the locations."""
        return self._registry.sources(self.version, locations)

    def stamps(self) -> Sequence[FileStamp]:
        """What is known of files without reading them, whatever the version."""
        return read_stamps(self._registry.engine)

    def held(self, locations: Collection[str]) -> set[str]:
        """Those of the locations that documents came from."""
        return self._registry.held(self.version, locations)

    def documents_of(self, location: str) -> list[DocumentRecord]:
        """The documents that came from one file."""
        return [row.record for row in self._registry.documents_of(self.version, location)]

    def tables(self, doc_ids: Collection[str] | None = None) -> Iterator[StoredTable]:
        """The tables of all documents, or of those, with their typed rows; one at a time in memory."""
        for row in self._document_rows(doc_ids):
            for head, rows in self._registry.tables(row.tables_hash):
                yield StoredTable(row.record.doc_id, row.record.source, head.number, head.with_rows(rows))
        self._require_kept()

    # --- nodes -------------------------------------------------------------------------------------------------------

    def count(self, where: Condition | None = None) -> int:
        """How many nodes there are, or meet the condition."""
        with self._reading():
            return self._search.count(filter_of(where))

    def meeting(self, node_ids: Sequence[str], where: Condition) -> set[str]:
        """Those of the nodes that meet the condition."""
        with self._reading():
            return self._search.known(node_ids, filter_of(where))

    def embedded(self) -> int:
        """How many nodes have a vector."""
        return self._commit.embedded

    def unembedded(self, limit: int) -> list[Node]:
        """Nodes that have no vector yet, at most so many, those of one document together."""
        if self._commit.embedded == self._commit.nodes:
            return []
        with self._reading():
            return nodes_without_vector(self._registry, self.version, self._search, self._dense, limit)

    def dense(self, vector: NDArray[np.float32], k: int, where: Condition | None = None) -> list[Match]:
        """The k nodes of the highest cosine similarity, best first; exact cosines. Only those that are embedded."""
        with self._reading():
            return self._dense.dense(vector, k, filter_of(where))

    def best_cosines(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Each vector's highest cosine with any node's, shape (n,): one pass over all, for many vectors at once."""
        with self._reading():
            return self._dense.best_cosines(vectors)

    def lexical(
        self, text: str, k: int, where: Condition | None = None, among: Collection[str] | None = None
    ) -> list[Match]:
        """The k nodes of the highest BM25 score, best first."""
        with self._reading():
            return self._search.lexical(text, k, filter_of(where), among)

    def search_both(
        self, text: str, vector: NDArray[np.float32], k: int, where: Condition | None = None, worded: int | None = None
    ) -> tuple[list[Match], list[Match], dict[str, float]]:
        """What `dense` and `lexical` give, and the cosines of the first k of the latter that are embedded."""
        with self._reading():
            return search_both(self._search, self._dense, text, vector, k, filter_of(where), worded)

    def vectors(self, node_ids: Sequence[str]) -> Vectors:
        """The nodes' vectors, in their order; zeros for a node that is not embedded yet."""
        with self._reading():
            found = self._dense.by_id(node_ids)
            missing = set(node_ids) - set(found)
            if missing and (strangers := missing - self._search.known(list(missing))):
                raise unknown(strangers)
        rows = np.zeros((len(node_ids), self._dim), np.float32)
        for row, node_id in zip(rows, node_ids, strict=True):
            if node_id in found:
                row[:] = found[node_id]
        return rows

    def nodes(self, node_ids: Sequence[str]) -> list[StoredNode]:
        """The nodes, in the order of the ids."""
        with self._reading():
            return self._stored(self._search.nodes(node_ids))

    def nodes_of(self, doc_id: str) -> list[StoredNode]:
        """A document's nodes, in order."""
        with self._reading():
            return self._stored(self._search.nodes_of(doc_id))

    def nodes_of_all(self, doc_ids: Collection[str]) -> dict[str, list[Node]]:
        """The nodes of several documents by id, each one's in order; all of them are in memory at once."""
        found: dict[str, list[Node]] = {doc_id: [] for doc_id in doc_ids}
        with self._reading():
            for node in self._search.nodes_of_all(list(found)):
                found[node.doc_id].append(node)
        for nodes in found.values():
            nodes.sort(key=lambda node: (node.level, node.order))
        return found

    def vectors_by_hash(self, content_hashes: Collection[str]) -> dict[str, NDArray[np.float32]]:
        """The vectors of nodes that are already stored, by content hash."""
        with self._reading():
            return self._dense.by_hash(content_hashes)

    # --- indexes on top ----------------------------------------------------------------------------------------------

    def definitions(self) -> tuple[IndexDefinition, ...]:
        """The indexes on top of the passages that an ingest keeps up to date, by kind."""
        return self._derived.definitions()

    def derived(
        self,
        kind: str,
        *,
        keys: Collection[str] | None = None,
        terms: Collection[str] | None = None,
        doc_ids: Collection[str] | None = None,
    ) -> Iterator[DerivedRecord]:
        """The records of an index by key: all, or those with one of the keys, of the terms or of the documents."""
        return self._derived.records(kind, keys=keys, terms=terms, doc_ids=doc_ids)

    def derived_count(self, kind: str) -> int:
        """How many records an index has."""
        return self._derived.count(kind)

    def derived_documents(self, kind: str) -> set[str]:
        """The ids of the documents that an index has records of."""
        return self._derived.documents(kind)

    def derived_terms(
        self, kind: str, like: str = "", limit: int = 100, among: Collection[str] | None = None
    ) -> list[tuple[str, int]]:
        """Terms of an index that hold some text or are among some, and in how many records: the most frequent first."""
        return self._derived.terms(kind, like, limit, among)

    def derived_vectors(self, kind: str) -> tuple[list[str], Vectors]:
        """The keys of the records that have a vector, and the vectors, in one order; shape (n, dim)."""
        keys, vectors = self._derived.vectors(kind)
        return keys, vectors.reshape(-1, self._dim)

    # --- health ------------------------------------------------------------------------------------------------------

    def problems(self) -> list[str]:
        """Every disagreement between the registry and the nodes, one sentence each. Reads all texts and nodes."""
        with self._reading():
            found = list(find_problems(self._registry, self._nodes, self._vectors, self._commit, self._dim))
        if found:  # which is no damage where a purge came in between
            self._require_kept()
        return found

    def statistics(self) -> dict[str, Any]:
        """Counts and sizes for `docindex status`."""
        with self._reading():
            unindexed = max(unindexed_rows(self._search.table), unindexed_rows(self._dense.table))
            plan = self._known.plan
        sizes = {
            "nodes": bytes_under(table_folders(self._path, "nodes")),
            "vectors": bytes_under(table_folders(self._path, "vectors")),
            "registry": size_in_bytes(self._registry.engine),
        }
        created_at = self._registry.fact("created_at")
        return {
            "version": self.version,
            "documents": self._commit.documents,
            "nodes": self._commit.nodes,
            "embedded": self._commit.embedded,
            "sources": self._commit.sources,
            "bytes": {**sizes, "total": sum(sizes.values())},
            "created_at": from_micros(int(created_at)).isoformat() if created_at else None,
            "updated_at": self.created_at.isoformat(),
            "vector_index": None if plan is None else plan.described(),
            "recall_at_10": None if plan is None else plan.recall,
            "unindexed_rows": unindexed,
        }

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Within the block, what LanceDB raises is raised as StoreError: that the version is gone, where it is."""
        try:
            yield
        except StoreError as error:
            self._require_kept(error)
            raise
        except (ValueError, RuntimeError, OSError) as error:
            self._require_kept(error)
            raise StoreError(
                f"The tables can't be read ({first_line(error)}): `docindex check` says what is damaged."
            ) from error

    def _require_kept(self, cause: Exception | None = None) -> None:
        if self._registry.commit_at(self.version) is None:
            raise StoreError(
                f"Version {self.version} was erased while it was read, by a purge or for its age: ask again."
            ) from cause

    @property
    def _search(self) -> NodeSearch:
        opened = self._nodes.opened(self._commit.nodes_table)
        return NodeSearch(opened.table, opened)

    @property
    def _derived(self) -> DerivedRecords:
        return DerivedRecords(self._registry.engine, self.version)

    @property
    def _dense(self) -> VectorSearch:
        opened = self._vectors.opened(self._commit.vectors_table)
        return VectorSearch(opened.table, self._dim, self._known_of(opened), opened.row_ids)

    @property
    def _known(self) -> Known:
        return self._known_of(self._vectors.opened(self._commit.vectors_table))

    def _known_of(self, opened: OpenVersion) -> Known:
        return known_of(opened, lambda: read_plan(self._registry.fact(FACT)))

    def _document_rows(self, doc_ids: Collection[str] | None) -> Iterator[DocumentRow]:
        if doc_ids is None:
            yield from self._registry.documents(self.version, with_tables=True)
        else:
            rows = self._registered(doc_ids)
            yield from (rows[doc_id] for doc_id in sorted(rows))

    def _registered(self, doc_ids: Collection[str]) -> dict[str, DocumentRow]:
        return self._all_of(doc_ids, self._registry.documents_by_id(self.version, doc_ids))

    def _all_of(self, doc_ids: Collection[str], found: dict[str, T]) -> dict[str, T]:
        """What was found of the documents. Where some are missing, the registry may have forgotten the version."""
        if not found.keys() >= set(doc_ids):
            self._require_kept()
        return found

    def _stored(self, nodes: Sequence[Node]) -> list[StoredNode]:
        rows = self._registered({node.doc_id for node in nodes})
        records = {doc_id: row.record for doc_id, row in rows.items()}
        twins = self._registry.twins(self.version, {record.location for record in records.values()})
        return [
            StoredNode(
                node,
                record.source,
                record.title,
                record.media_type,
                record.modified_at,
                record.metadata,
                twins.get(record.location, ()),
            )
            for node in nodes
            if (record := records.get(node.doc_id))
        ]
