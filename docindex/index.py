"""Index: the façade over the rooms."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from docindex import wiring
from docindex.config import Environment, IndexConfig, IngestOptions, LLMConfig
from docindex.errors import NoModelError, StoreError
from docindex.protocols import ChangeSet, DocumentRecord, OnProgress, Retriever, Snapshot, StoredNode
from docindex.schema import Condition, Document, Hit, IngestReport, Progress, Query, Response, SearchMode

if TYPE_CHECKING:
    from docindex.answering.chat import Chat
    from docindex.answering.engine import RetrieverQueryEngine

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

    def __init__(self, parts: wiring.Parts, at: int | None = None) -> None:
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
        at: int | None = None,
        *,
        llm: LLMConfig | None = None,
        environment: Environment | None = None,
    ) -> Self:
        """The index in a folder; `at` reads it as it was at an older version.

        Raises:
            IndexNotFoundError: There is none.
            FormatError: A newer docindex wrote it.
        """
        environment = environment or Environment.read()
        return cls(wiring.open(Path(path), llm or LLMConfig(model=environment.llm), environment), at)

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
        """Brings the index up to date with files, folders, globs, or "-" for standard input.

        Unchanged files cost a hash, changed ones embed what is new in them. Work is committed in groups: after an
        interruption, the same call goes on from the last one.

        Raises:
            LockedError: Another process is writing.
            LoadError: With `sync`, a folder is empty or missing. Files that can't be read do not raise; they are
                in the report.
        """
        from docindex.ingest import pipeline

        options = options or IngestOptions()
        if options.dry_run:
            return pipeline.dry_run(sources, self._snapshot(), self._parts.loaders(), options)
        passages = self._parts.passages()
        with self._parts.store.writer() as writer:
            return pipeline.ingest(
                sources, writer, self._parts.loaders(), passages, options, on_progress or _no_progress
            )

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
            writer.commit(ChangeSet(delete_documents=doc_ids, delete_sources=locations), on_progress or _no_progress)
            writer.maintain(on_progress or _no_progress)
        return len(doc_ids)

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
