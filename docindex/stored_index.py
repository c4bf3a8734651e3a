"""What can be done with an index as it is stored: its documents, their deletion, its versions, repair and export."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from docindex.errors import StoreError
from docindex.indices.shingles import THRESHOLD

if TYPE_CHECKING:
    from docindex import wiring
    from docindex.config import IndexConfig
    from docindex.indices.duplicates import NearDuplicate
    from docindex.ingest.diff import VersionDiff
    from docindex.protocols import DocumentRecord, OnProgress, Snapshot, StoredNode, StoredTable, VersionRecord
    from docindex.retrieval.graph import Graph
    from docindex.retrieval.why_traced import WhyTraced
    from docindex.schema import Document, IndexState, Progress
    from docindex.stores.conversations import ConversationLog
    from docindex.stores.traces import TraceLog

T = TypeVar("T")


class StoredIndex:
    """An index without what takes a model: `docindex.Index` has that, too."""

    def __init__(self, parts: wiring.Parts, at: int | str | None = None) -> None:
        """Use `Index.create` or `Index.open`."""
        self._parts = parts
        self._at = None if at is None else parts.store.snapshot(at).version

    @property
    def path(self) -> Path:
        """The index's folder."""
        return self._parts.path

    @property
    def fingerprint(self) -> str:
        """Of the embedder that built the index."""
        return self._parts.fingerprint

    @property
    def config(self) -> IndexConfig:
        """What the index is built with."""
        return self._parts.config

    @property
    def k(self) -> int:
        """How many passages `docindex search` gives where no number is named: 10, or what tuning found best."""
        return self._parts.k

    # --- reading -----------------------------------------------------------------------------------------------------

    def documents(self) -> Iterator[DocumentRecord]:
        """Every document's record, by id."""
        return self._snapshot().documents()

    def document(self, doc_id: str) -> Document | None:
        """A document as it is stored, with its text and structure."""
        return self._read(lambda snapshot: snapshot.load(doc_id))

    def nodes(self, doc_id: str) -> list[StoredNode]:
        """A document's passages, in order."""
        return self._read(lambda snapshot: snapshot.nodes_of(doc_id))

    def tables(self, *doc_ids: str) -> Iterator[StoredTable]:
        """The tables of those documents, or of all, as typed rows."""
        return self._snapshot().tables(doc_ids or None)

    def near_duplicates(
        self, threshold: float = THRESHOLD, on_progress: OnProgress | None = None
    ) -> Iterator[NearDuplicate]:
        """The pairs of passages that say nearly the same, with how much they have in common.

        Of many that are alike, each is paired with the first one. All passages are read before the first pair comes.

        Args:
            threshold: The least share of runs of three words that both have, from 0.5 to 1.
            on_progress: Is told how many passages have been read.

        Raises:
            QueryError: The threshold is out of range.
        """
        from docindex.indices.duplicates import near_duplicates_of

        return near_duplicates_of(self._snapshot(), threshold, on_progress or no_progress)

    def indexes(self) -> list[IndexState]:
        """The indexes on top of the passages, by kind."""
        from docindex.indices.states import index_states

        return self._read(index_states)

    def graph(self) -> Graph:
        """The graph of what the passages speak of.

        Raises:
            StoreError: The index has none.
        """
        from docindex.indices.graph import KIND
        from docindex.indices.required import require_index
        from docindex.retrieval.graph import Graph

        snapshot = self._snapshot()
        require_index(snapshot, KIND)
        return Graph(snapshot)

    @property
    def traces(self) -> TraceLog:
        """The traces of searches and answers: whether they are kept, and those that are."""
        return self._parts.traces

    @property
    def conversations(self) -> ConversationLog:
        """The conversations that were given a name."""
        return self._parts.conversations

    def why_traced(self, doc_id: str, trace_id: int | None = None) -> WhyTraced:
        """Why a search or an answer that was traced used a document, or did not; the newest one without an id.

        Raises:
            StoreError: The trace is not kept, or neither it nor the index knows the document.
        """
        from docindex.retrieval.why_traced import explain_traced

        found = explain_traced(self._snapshot(), self.traces.get(trace_id), doc_id)
        if found is None:
            raise StoreError(f"Neither the trace nor the index holds a document {doc_id!r}: `docindex ls` lists them.")
        return found

    def terms(self, like: str = "", limit: int = 50) -> list[tuple[str, int]]:
        """The words of the full-text index that hold some text, and in how many passages each is."""
        from docindex.retrieval.vocabulary import terms

        return self._read(lambda snapshot: terms(snapshot, like, limit))

    def check(self) -> list[str]:
        """Every disagreement between the two stores, a sentence each; empty when all is well."""
        return self._read(lambda snapshot: snapshot.problems())

    def status(self) -> dict[str, Any]:
        """Counts, sizes, versions and models, as `docindex status --json` prints them."""
        return self._parts.describe() | self._read(lambda snapshot: snapshot.statistics())

    # --- deletion and repair -----------------------------------------------------------------------------------------

    def delete(self, *names: str, on_progress: OnProgress | None = None, wait_seconds: float = 0.0) -> int:
        """Deletes documents by id, or all documents of a source by its name; returns how many went.

        The next ingest of their files adds them again.

        Raises:
            StoreError: A name is unknown; then nothing is deleted.
            LockedError: Another process is writing, and still is after `wait_seconds`.
        """
        from docindex.ingest.plan import UNFINISHED
        from docindex.protocols import ChangeSet

        with self._parts.store.writer(wait_seconds=wait_seconds) as writer:
            by_name = {record.name: record.location for record in writer.snapshot.sources()}
            doc_ids: set[str] = set()
            locations: set[str] = set()
            in_part: Counter[str] = Counter()
            for name in names:
                if name in by_name:
                    locations.add(by_name[name])
                    doc_ids.update(record.doc_id for record in writer.snapshot.documents_of(by_name[name]))
                elif (record := writer.snapshot.document(name)) is not None:
                    in_part[record.location] += record.doc_id not in doc_ids
                    doc_ids.add(record.doc_id)
                else:
                    raise StoreError(f"The index holds no document or source {name!r}: `docindex ls` lists them.")
            # A file that a deleted one stood for has nothing in the index now: the next ingest reads it.
            locations |= {record.location for record in writer.snapshot.sources() if record.same_as in locations}
            left = [
                replace(source, content_hash=UNFINISHED, documents=source.documents - in_part[source.location])
                for source in writer.snapshot.sources(in_part.keys() - locations)
            ]
            changes = ChangeSet(delete_documents=doc_ids, delete_sources=locations, sources=left)
            writer.commit(changes, on_progress or no_progress)
            writer.maintain(on_progress or no_progress)
        return len(doc_ids)

    def repair(self, on_progress: OnProgress | None = None, *, wait_seconds: float = 0.0) -> list[str]:
        """Mends what `check` finds; a sentence for each thing that was done, or could not be.

        Raises:
            LockedError: Another process is writing, and still is after `wait_seconds`.
        """
        with self._parts.store.writer(wait_seconds=wait_seconds) as writer:
            return writer.repair(on_progress or no_progress)

    def drop_index(self, kind: str, *, wait_seconds: float = 0.0) -> None:
        """Drops an index on top of the passages with all that it keeps.

        Raises:
            StoreError: There is none of the kind.
            LockedError: Another process is writing, and still is after `wait_seconds`.
        """
        from docindex.protocols import ChangeSet

        with self._parts.store.writer(wait_seconds=wait_seconds) as writer:
            if kind not in {definition.kind for definition in writer.snapshot.definitions()}:
                raise StoreError(f"There is no index {kind!r} to drop: `docindex indexes list` lists them.")
            writer.commit(ChangeSet(drop_indexes=[kind]))

    def purge(self, on_progress: OnProgress | None = None, *, wait_seconds: float = 0.0) -> None:
        """Erases what was deleted: no byte of the folder holds it afterwards.

        Older versions, tags, traces, conversations and what the language model wrote go too.

        Raises:
            LockedError: Another process is writing, and still is after `wait_seconds`.
        """
        with self._parts.store.writer(wait_seconds=wait_seconds) as writer:
            writer.purge(on_progress or no_progress)

    # --- versions ----------------------------------------------------------------------------------------------------

    def versions(self) -> list[VersionRecord]:
        """The versions that can still be read, newest first."""
        return self._parts.store.versions()

    def tag(self, name: str, version: int | None = None, *, wait_seconds: float = 0.0) -> None:
        """Names a version, the newest by default: under the name it can be read however old it gets.

        Raises:
            StoreError: The version is not kept, or the name is not one word.
            LockedError: Another process is writing, and still is after `wait_seconds`.
        """
        with self._parts.store.writer(wait_seconds=wait_seconds) as writer:
            writer.tag(name, version)

    def untag(self, name: str, *, wait_seconds: float = 0.0) -> None:
        """Takes a name back, and with it the promise to keep the version.

        Raises:
            StoreError: There is no such tag.
            LockedError: Another process is writing, and still is after `wait_seconds`.
        """
        with self._parts.store.writer(wait_seconds=wait_seconds) as writer:
            writer.untag(name)

    def diff(self, old: int | str, new: int | str | None = None) -> VersionDiff:
        """The documents in which two versions differ, each named by number or tag; `new` is the newest by default.

        Raises:
            StoreError: A version is not kept.
        """
        from docindex.ingest.diff import diff

        return diff(self._parts.store.snapshot(old), self._parts.store.snapshot(new))

    def rollback(self, version: int | str, on_progress: OnProgress | None = None, *, wait_seconds: float = 0.0) -> int:
        """Makes the index what it was at a version, by number or tag; returns the number of the new version.

        Raises:
            StoreError: The version is not kept.
            LockedError: Another process is writing, and still is after `wait_seconds`.
        """
        with self._parts.store.writer(wait_seconds=wait_seconds) as writer:
            return writer.rollback(version, on_progress or no_progress).version

    # --- bundles -----------------------------------------------------------------------------------------------------

    def export(self, path: str | Path, on_progress: OnProgress | None = None) -> None:
        """Writes the index to one file, a bundle, which `from_bundle` and `merge` read on any machine.

        Raises:
            StoreError: The file exists.
        """
        from docindex.ingest.bundle_writing import export_bundle

        parts, progress = self._parts, on_progress or no_progress
        self._read(
            lambda snapshot: export_bundle(snapshot, self.config, parts.fingerprint, parts.dim, Path(path), progress)
        )

    # --- the end -----------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Frees the models and closes the stores."""
        self._parts.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _snapshot(self) -> Snapshot:
        return self._parts.store.snapshot(self._at)

    def _read(self, read: Callable[[Snapshot], T]) -> T:
        from docindex.retrieval.steady import read_steadily

        return read_steadily(self._snapshot, read)


def no_progress(progress: Progress) -> None:
    """The listener of those who did not ask."""
