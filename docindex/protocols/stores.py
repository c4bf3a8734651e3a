"""The stores: an index at one version, the one process that changes it, and what is kept on top of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from docindex.schema import Progress

if TYPE_CHECKING:  # numpy takes a third of the time in which `import docindex` has to be done
    import numpy as np
    from numpy.typing import NDArray

    from docindex.protocols.files import FileStamp, SourceRecord
    from docindex.protocols.models import Vectors
    from docindex.protocols.records import (
        ChangeSet,
        DocumentRecord,
        Match,
        StoredNode,
        StoredTable,
        VersionRecord,
    )
    from docindex.schema import Condition, DerivedRecord, Document, Field, IndexDefinition, Node

OnProgress = Callable[[Progress], None]


class Snapshot(Protocol):
    """An index at one version. Later commits do not show in it."""

    version: int

    def fields(self) -> tuple[Field, ...]:
        """Every field that a condition may name: built-in ones first, then the metadata that documents have."""
        ...

    def documents(self) -> Iterator[DocumentRecord]:
        """All documents by id."""
        ...

    def document(self, doc_id: str) -> DocumentRecord | None: ...

    def records(self, doc_ids: Collection[str]) -> dict[str, DocumentRecord]:
        """Those of the documents that there are, by id."""
        ...

    def load(self, doc_id: str) -> Document | None:
        """The stored document with its text and structure."""
        ...

    def load_all(self, doc_ids: Collection[str]) -> dict[str, Document]:
        """Those of the documents that there are, by id; far cheaper than loading them one by one."""
        ...

    def sources(self, locations: Collection[str] | None = None) -> Iterator[SourceRecord]:
        """The files that the index holds: all, or those at the locations."""
        ...

    def stamps(self) -> Sequence[FileStamp]:
        """What is known of files without reading them, whatever the version."""
        ...

    def held(self, locations: Collection[str]) -> set[str]:
        """Those of the locations that documents came from."""
        ...

    def documents_of(self, location: str) -> list[DocumentRecord]:
        """The documents that came from one file."""
        ...

    def tables(self, doc_ids: Collection[str] | None = None) -> Iterator[StoredTable]:
        """The tables of all documents, or of those, with their typed rows."""
        ...

    def count(self, where: Condition | None = None) -> int:
        """How many nodes there are, or meet the condition."""
        ...

    def meeting(self, node_ids: Sequence[str], where: Condition) -> set[str]:
        """Those of the nodes that meet the condition."""
        ...

    def embedded(self) -> int:
        """How many nodes have a vector."""
        ...

    def unembedded(self, limit: int) -> list[Node]:
        """Nodes that have no vector yet, at most so many, those of one document together."""
        ...

    def dense(self, vector: NDArray[np.float32], k: int, where: Condition | None = None) -> list[Match]:
        """The k nodes of the highest cosine similarity, best first; exact cosines. Only those that are embedded."""
        ...

    def best_cosines(self, vectors: Vectors) -> NDArray[np.float32]:
        """Each vector's highest cosine with any node's, shape (n,): one pass over all, for many vectors at once."""
        ...

    def lexical(
        self, text: str, k: int, where: Condition | None = None, among: Collection[str] | None = None
    ) -> list[Match]:
        """The k nodes of the highest BM25 score, best first; `among` limits them to those node ids."""
        ...

    def search_both(
        self, text: str, vector: NDArray[np.float32], k: int, where: Condition | None = None, worded: int | None = None
    ) -> tuple[list[Match], list[Match], dict[str, float]]:
        """What `dense` and `lexical` give, and the cosines of those that `lexical` gives and that are embedded.

        A store may do the one beside the other. With `worded`, `lexical` gives so many; the cosines are those of its
        first k.
        """
        ...

    def vectors(self, node_ids: Sequence[str]) -> Vectors:
        """The nodes' vectors, in their order; zeros for a node that is not embedded yet."""
        ...

    def nodes(self, node_ids: Sequence[str]) -> list[StoredNode]:
        """The nodes, in the order of the ids."""
        ...

    def nodes_of(self, doc_id: str) -> list[StoredNode]:
        """A document's nodes, in order."""
        ...

    def nodes_of_all(self, doc_ids: Collection[str]) -> dict[str, list[Node]]:
        """The nodes of several documents by id, each one's in order; far cheaper than asking for them one by one.

        A document that there is not has none.
        """
        ...

    def vectors_by_hash(self, content_hashes: Collection[str]) -> dict[str, NDArray[np.float32]]:
        """The vectors of nodes that are already stored, by `Node.content_hash`: what need not be embedded again."""
        ...

    def definitions(self) -> tuple[IndexDefinition, ...]:
        """The indexes on top of the passages that an ingest keeps up to date, by kind."""
        ...

    def derived(
        self,
        kind: str,
        *,
        keys: Collection[str] | None = None,
        terms: Collection[str] | None = None,
        doc_ids: Collection[str] | None = None,
    ) -> Iterator[DerivedRecord]:
        """The records of an index by key: all, or those with one of the keys, of the terms or of the documents."""
        ...

    def derived_count(self, kind: str) -> int:
        """How many records an index has."""
        ...

    def derived_documents(self, kind: str) -> set[str]:
        """The ids of the documents that an index has records of."""
        ...

    def derived_terms(
        self, kind: str, like: str = "", limit: int = 100, among: Collection[str] | None = None
    ) -> list[tuple[str, int]]:
        """Terms of an index that hold some text or are among some, and in how many records: the most frequent first."""
        ...

    def derived_vectors(self, kind: str) -> tuple[list[str], Vectors]:
        """The keys of the records that have a vector, and the vectors, in one order."""
        ...

    def problems(self) -> list[str]:
        """Every disagreement between the registry and the nodes, one sentence each; empty when all is well.

        That nodes wait for their vectors is none.
        """
        ...

    def statistics(self) -> dict[str, Any]:
        """Counts and sizes for `docindex status`."""
        ...


class Writer(Protocol):
    """The one process that may change the index; holds the lease while it lives."""

    snapshot: Snapshot
    """The index as of the last commit."""

    def commit(self, changes: ChangeSet, on_progress: OnProgress = ...) -> Snapshot:
        """Writes all of the changes or none, and returns the index as it is then."""
        ...

    def stamp(self, stamps: Sequence[FileStamp]) -> None:
        """Remembers what files look like whose bytes are known. Makes no new version."""
        ...

    def maintain(self, on_progress: OnProgress = ..., *, force: bool = False) -> None:
        """Compacts files, brings the indexes up to date and drops old versions, when that is due."""
        ...

    def tag(self, name: str, version: int | None = None) -> None:
        """Gives a version (the newest by default) a name, under which it stays readable; a name moves.

        Raises:
            StoreError: The version is not kept, or the name is not one word.
        """
        ...

    def untag(self, name: str) -> None:
        """Takes a name back.

        Raises:
            StoreError: There is no such tag.
        """
        ...

    def rollback(self, version: int | str, on_progress: OnProgress = ...) -> Snapshot:
        """Makes a new version that equals an older one, by number or tag.

        Raises:
            StoreError: The version is not kept.
        """
        ...

    def purge(self, on_progress: OnProgress = ...) -> None:
        """Erases what is deleted: afterwards no byte of the index holds text that the newest version lacks.

        Every other version goes, tagged ones too.
        """
        ...

    def repair(self, on_progress: OnProgress = ...) -> list[str]:
        """Mends what `Snapshot.problems` finds; one sentence for each thing that it did, or could not do."""
        ...


class IndexStore(Protocol):
    """Both stores as one."""

    def snapshot(self, at: int | str | None = None) -> Snapshot:
        """The index at its newest version, or at an older one that is still kept, by number or tag."""
        ...

    def versions(self) -> list[VersionRecord]:
        """The versions that can be read, newest first."""
        ...

    def writer(self, *, wait_seconds: float = 0.0) -> AbstractContextManager[Writer]:
        """Takes the lease and undoes what a crashed writer left half done.

        Raises:
            LockedError: Another process holds it, and still does after `wait_seconds`.
        """
        ...

    def close(self) -> None: ...


class DerivedIndex(Protocol):
    """An index on top of the passages: what it keeps are `DerivedRecord`s of its kind."""

    kind: str

    def refresh(self, writer: Writer, on_progress: OnProgress) -> int:
        """Makes the records that are missing, which those of changed documents are; returns how many.

        It commits as it goes and begins where the records end, so that an interruption costs little.
        """
        ...
