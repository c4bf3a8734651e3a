"""Index: the façade over the rooms."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from docindex import wiring
from docindex.config import Environment, IndexConfig, IngestOptions, LLMConfig
from docindex.errors import LoadError, NoModelError, StoreError
from docindex.protocols import (
    ChangeSet,
    DocumentRecord,
    OnProgress,
    Retriever,
    Snapshot,
    StoredNode,
    StoredTable,
    VersionRecord,
)
from docindex.schema import Condition, Document, Hit, IngestReport, Progress, Query, Response, SearchMode

if TYPE_CHECKING:
    from docindex.answering.chat import Chat
    from docindex.answering.engine import RetrieverQueryEngine
    from docindex.ingest.bundle import BundleReader
    from docindex.ingest.diff import VersionDiff

logger = logging.getLogger("docindex")


class Index:
    """A folder of documents that can be searched and asked.

    Any number of processes may read an index while one writes to it; each search sees the newest commit. Models are
    loaded when they are first needed, and stay until `close`.

    Example:
        >>> from docindex import Index
        >>> with Index.create(folder / "my_index") as index:
        ...     report = index.ingest(documents)
        ...     best = index.search("how long is the warranty?", k=1)[0]
        >>> report.failed
        ()
    """

    def __init__(self, parts: wiring.Parts, at: int | str | None = None) -> None:
        """Use `create` or `open`."""
        self._parts = parts
        self._pinned = None if at is None else parts.store.snapshot(at)
        self._warned = False

    @classmethod
    def create(
        cls,
        path: str | Path,
        config: IndexConfig | None = None,
        *,
        llm: LLMConfig | None = None,
        environment: Environment | None = None,
    ) -> Self:
        """A new, empty index in a folder that is made for it.

        Raises:
            StoreError: The folder holds an index already, or something else.
            NoModelError: The embedder is missing and may not be downloaded.
        """
        environment = environment or Environment.read()
        return cls(
            wiring.create(Path(path), config or IndexConfig(), llm or LLMConfig(model=environment.llm), environment)
        )

    @classmethod
    def open(
        cls,
        path: str | Path,
        at: int | str | None = None,
        *,
        llm: LLMConfig | None = None,
        environment: Environment | None = None,
    ) -> Self:
        """The index in a folder; `at` reads it as it was at an older version, by number or tag.

        Raises:
            IndexNotFoundError: There is none.
            FormatError: A newer docindex wrote it.
        """
        environment = environment or Environment.read()
        return cls(wiring.open(Path(path), llm or LLMConfig(model=environment.llm), environment), at)

    @classmethod
    def from_bundle(
        cls,
        bundle: str | Path,
        path: str | Path,
        *,
        environment: Environment | None = None,
        on_progress: OnProgress | None = None,
    ) -> Self:
        """A new index in a folder that is made for it, with what a bundle holds.

        Raises:
            StoreError: The bundle is damaged, or the folder holds an index already.
            EmbedderMismatchError: The embedder of that name is another model here.
        """
        from docindex.ingest.bundle import BundleReader

        environment = environment or Environment.read()
        with BundleReader(Path(bundle)) as reader:
            config = reader.about.config
            reader.require_embedder(wiring.open_embedder(config.embedder, environment).fingerprint)
            index = cls.create(path, config, environment=environment)
            try:
                index._take(reader, on_progress)
            except BaseException:
                index.close()
                raise
        return index

    @property
    def path(self) -> Path:
        """The index's folder."""
        return self._parts.path

    @property
    def config(self) -> IndexConfig:
        """What the index is built with."""
        return self._parts.config

    # --- writing -----------------------------------------------------------------------------------------------------

    def ingest(
        self,
        *sources: str | Path,
        options: IngestOptions | None = None,
        on_progress: OnProgress | None = None,
    ) -> IngestReport:
        """Brings the index up to date with files, folders, globs, web addresses, or "-" for standard input.

        Unchanged files cost a hash, changed ones embed what is new in them. First all texts are committed, which makes
        them found by words, then their vectors. Work is committed in groups: after an interruption, the same call goes
        on from the last one.

        Raises:
            LockedError: Another process is writing.
            LoadError: With `sync`, a folder is empty or missing. Files that can't be read do not raise; they are
                in the report.
        """
        from docindex.ingest import pipeline

        options = options or IngestOptions()
        loaders, passages = self._parts.loaders(), self._parts.passages()
        with self._parts.parsers(options.processes) as parsers:
            if options.dry_run:
                return pipeline.dry_run(sources, self._snapshot(), loaders, parsers, passages, options)
            with self._parts.store.writer(wait_seconds=options.lease_seconds) as writer:
                return pipeline.ingest(
                    sources, writer, loaders, parsers, passages, options, on_progress or _no_progress
                )

    def watch(
        self,
        *sources: str | Path,
        options: IngestOptions | None = None,
        on_report: Callable[[IngestReport], None] | None = None,
        on_progress: OnProgress | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        """Ingests, and ingests again whenever a file below the sources changes, until `stop` is set.

        What is gone from a folder goes from the index too. Other processes may write between two rounds.

        Raises:
            LockedError: Another process is writing when a round begins, for longer than `options.lease_seconds`.
        """
        from docindex.ingest.watch import changes

        options = replace(options or IngestOptions(), sync=True)
        stop = stop or threading.Event()
        roots = [Path(source) for source in sources if Path(source).exists()]
        batches = changes(roots, index=self.path, stop=stop)
        next(batches, None)  # from here on no change is missed
        while not stop.is_set():
            try:
                report = self.ingest(*sources, options=options, on_progress=on_progress)
            except LoadError as error:  # a folder has gone, perhaps to come back
                logger.warning("Nothing was changed: %s", error)
            else:
                if on_report is not None:
                    on_report(report)
            if next(batches, None) is None:
                return

    def embed(self, on_progress: OnProgress | None = None) -> IngestReport:
        """Gives every passage that is found by words only its vector: what `ingest` with `wait="text"` left to do.

        Raises:
            LockedError: Another process is writing.
        """
        from docindex.ingest import pipeline

        passages = self._parts.passages()
        with self._parts.store.writer() as writer:
            return pipeline.embed(writer, passages, on_progress or _no_progress)

    def delete(self, *names: str, on_progress: OnProgress | None = None) -> int:
        """Deletes documents by id, or all documents of a source by its name; returns how many went.

        Raises:
            StoreError: A name is unknown; then nothing is deleted.
            LockedError: Another process is writing.
        """
        with self._parts.store.writer() as writer:
            by_name = {record.name: record.location for record in writer.snapshot.sources()}
            doc_ids: set[str] = set()
            locations: set[str] = set()
            for name in names:
                if name in by_name:
                    locations.add(by_name[name])
                    doc_ids.update(record.doc_id for record in writer.snapshot.documents_of(by_name[name]))
                elif writer.snapshot.document(name):
                    doc_ids.add(name)
                else:
                    raise StoreError(f"The index holds no document or source {name!r}: `docindex ls` lists them.")
            # A file that a deleted one stood for has nothing in the index now: the next ingest reads it.
            locations |= {record.location for record in writer.snapshot.sources() if record.same_as in locations}
            writer.commit(ChangeSet(delete_documents=doc_ids, delete_sources=locations), on_progress or _no_progress)
            writer.maintain(on_progress or _no_progress)
        return len(doc_ids)

    def repair(self, on_progress: OnProgress | None = None) -> list[str]:
        """Mends what `check` finds; a sentence for each thing that was done, or could not be.

        Raises:
            LockedError: Another process is writing.
        """
        with self._parts.store.writer() as writer:
            return writer.repair(on_progress or _no_progress)

    def purge(self, on_progress: OnProgress | None = None) -> None:
        """Erases what was deleted: no byte of the folder holds it afterwards. Older versions and tags go with it.

        Raises:
            LockedError: Another process is writing.
        """
        with self._parts.store.writer() as writer:
            writer.purge(on_progress or _no_progress)

    def merge(self, bundle: str | Path, on_progress: OnProgress | None = None) -> IngestReport:
        """Adds what a bundle holds and the index lacks. Of what both hold, the document of the newer file stays.

        The report has as skipped what is newer in the index, and as failed the ids that are in use for another file.

        Raises:
            StoreError: The bundle is damaged.
            EmbedderMismatchError: It was built with another embedder.
            LockedError: Another process is writing.
        """
        from docindex.ingest.bundle import BundleReader

        with BundleReader(Path(bundle)) as reader:
            return self._take(reader, on_progress)

    # --- versions ----------------------------------------------------------------------------------------------------

    def versions(self) -> list[VersionRecord]:
        """The versions that can still be read, newest first."""
        return self._parts.store.versions()

    def tag(self, name: str, version: int | None = None) -> None:
        """Names a version, the newest by default: under the name it can be read however old it gets.

        Raises:
            StoreError: The version is not kept, or the name is not one word.
            LockedError: Another process is writing.
        """
        with self._parts.store.writer() as writer:
            writer.tag(name, version)

    def untag(self, name: str) -> None:
        """Takes a name back, and with it the promise to keep the version.

        Raises:
            StoreError: There is no such tag.
            LockedError: Another process is writing.
        """
        with self._parts.store.writer() as writer:
            writer.untag(name)

    def diff(self, old: int | str, new: int | str | None = None) -> VersionDiff:
        """The documents in which two versions differ, each named by number or tag; `new` is the newest by default.

        Raises:
            StoreError: A version is not kept.
        """
        from docindex.ingest.diff import diff

        return diff(self._parts.store.snapshot(old), self._parts.store.snapshot(new))

    def rollback(self, version: int | str, on_progress: OnProgress | None = None) -> int:
        """Makes the index what it was at a version, by number or tag; returns the number of the new version.

        Raises:
            StoreError: The version is not kept.
            LockedError: Another process is writing.
        """
        with self._parts.store.writer() as writer:
            return writer.rollback(version, on_progress or _no_progress).version

    # --- reading -----------------------------------------------------------------------------------------------------

    def search(
        self,
        query: str,
        k: int = 10,
        mode: SearchMode = "hybrid",
        filter: str | None = None,  # noqa: A002 - the field's word, and what the command line calls it
    ) -> list[Hit]:
        """At most k passages, best first.

        Args:
            query: A question or some words; nothing in it is syntax.
            k: How many hits.
            mode: Both scores fused, or one of them alone.
            filter: A condition such as `source contains 'manual' and page < 10`.

        Raises:
            QueryError: The filter can't be read or names an unknown field.
        """
        return self._retriever(mode).retrieve(Query(query, k, mode, self._condition(filter)))

    def search_many(
        self,
        queries: Iterable[str],
        k: int = 10,
        mode: SearchMode = "hybrid",
        filter: str | None = None,  # noqa: A002
    ) -> Iterator[list[Hit]]:
        """The hits of each query, as `search` gives them, in the order of the queries."""
        retriever = self._retriever(mode)
        where = self._condition(filter)
        for query in queries:
            yield retriever.retrieve(Query(query, k, mode, where))

    def engine(
        self,
        *,
        k: int = 4,
        mode: SearchMode = "hybrid",
        filter: str | None = None,  # noqa: A002
    ) -> RetrieverQueryEngine:
        """An engine that answers questions from the k best passages with the local model."""
        return self._parts.engine(self._retriever(mode), self._snapshot, k, mode, self._condition(filter))

    def query(self, question: str) -> Response:
        """The answer to a question, with citations that were checked against the stored text.

        Raises:
            NoModelError: The language model is missing and may not be downloaded.
        """
        return self.engine().query(question)

    def chat(self) -> Chat:
        """A conversation about the documents."""
        return self._parts.chat(self.engine())

    def documents(self) -> Iterator[DocumentRecord]:
        """Every document's record, by id."""
        return self._snapshot().documents()

    def document(self, doc_id: str) -> Document | None:
        """A document as it is stored, with its text and structure."""
        return self._snapshot().load(doc_id)

    def nodes(self, doc_id: str) -> list[StoredNode]:
        """A document's passages, in order."""
        return self._snapshot().nodes_of(doc_id)

    def export(self, path: str | Path, on_progress: OnProgress | None = None) -> None:
        """Writes the index to one file, a bundle, which `from_bundle` and `merge` read on any machine.

        Raises:
            StoreError: The file exists.
        """
        from docindex.ingest.bundle import export_bundle

        parts = self._parts
        export_bundle(
            self._snapshot(), self.config, parts.fingerprint, parts.dim, Path(path), on_progress or _no_progress
        )

    def tables(self, *doc_ids: str) -> Iterator[StoredTable]:
        """The tables of those documents, or of all, as typed rows."""
        return self._snapshot().tables(doc_ids or None)

    def check(self) -> list[str]:
        """Every disagreement between the two stores, a sentence each; empty when all is well."""
        return self._snapshot().problems()

    def status(self) -> dict[str, Any]:
        """Counts, sizes, versions and models, as `docindex status --json` prints them."""
        return self._parts.describe() | self._snapshot().statistics()

    # --- async twins and the end -------------------------------------------------------------------------------------

    async def aingest(
        self, *sources: str | Path, options: IngestOptions | None = None, on_progress: OnProgress | None = None
    ) -> IngestReport:
        """`ingest` in a thread."""
        return await asyncio.to_thread(self.ingest, *sources, options=options, on_progress=on_progress)

    async def asearch(
        self,
        query: str,
        k: int = 10,
        mode: SearchMode = "hybrid",
        filter: str | None = None,  # noqa: A002
    ) -> list[Hit]:
        """`search` in a thread."""
        return await asyncio.to_thread(self.search, query, k, mode, filter)

    async def aquery(self, question: str) -> Response:
        """`query` in a thread."""
        return await asyncio.to_thread(self.query, question)

    def close(self) -> None:
        """Frees the models and closes the stores."""
        self._parts.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _take(self, reader: BundleReader, on_progress: OnProgress | None) -> IngestReport:
        with self._parts.store.writer() as writer:
            return reader.merge_into(writer, self._parts.fingerprint, on_progress or _no_progress)

    def _snapshot(self) -> Snapshot:
        return self._pinned or self._parts.store.snapshot()

    def _condition(self, text: str | None) -> Condition | None:
        if text is None or not text.strip():
            return None
        from docindex.retrieval.filters import parse_filter

        return parse_filter(text, self._snapshot().fields())

    def _retriever(self, mode: SearchMode) -> Retriever:
        try:
            return self._parts.retriever(mode, self._snapshot)
        except NoModelError as error:
            if mode != "hybrid":
                raise
            if not self._warned:
                logger.warning("Searching by words only: %s", error)
                self._warned = True
            return self._parts.retriever("lexical", self._snapshot)


def _no_progress(progress: Progress) -> None:
    """The listener of those who did not ask."""
