"""Index: the façade over the rooms; how one is made and filled. Its bases hold what it is asked, and what it stores."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from docindex import wiring
from docindex.answering_index import AnsweringIndex
from docindex.config import Environment, FirstIngest, IndexConfig, IngestOptions, LLMConfig
from docindex.errors import EmbedderMismatchError, LoadError, ModelError
from docindex.stored_index import no_progress

if TYPE_CHECKING:
    from docindex.ingest.bundle_reading import BundleReader
    from docindex.ingest.unchanged import Look
    from docindex.protocols import OnProgress, Writer
    from docindex.schema import Hit, IndexDefinition, IngestReport, Response, SearchMode

logger = logging.getLogger("docindex")

T = TypeVar("T")


class Index(AnsweringIndex):
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

    @classmethod
    def create(
        cls,
        path: str | Path,
        config: IndexConfig | None = None,
        *,
        llm: LLMConfig | None = None,
        environment: Environment | None = None,
        first: FirstIngest | None = None,
        wait_seconds: float = 0.0,
    ) -> Self:
        """A new, empty index in a folder that is made for it.

        With `first`, parser processes begin with what the first `ingest` is going to be given while the stores are
        made; anything else may be given then.

        Raises:
            StoreError: The folder holds an index already, or something else.
            LockedError: Another process is making one there, and still is after `wait_seconds`.
            NoModelError: The embedder is missing and may not be downloaded.
        """
        environment = environment or Environment.read()
        llm = llm or LLMConfig(model=environment.llm)
        config = config or IndexConfig()
        return cls(wiring.create(Path(path), config, llm, environment, first, wait_seconds=wait_seconds))

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
        wait_seconds: float = 0.0,
    ) -> Self:
        """A new index in a folder that is made for it, with what a bundle holds; calibrated as by an ingest.

        Raises:
            StoreError: The bundle is damaged, or the folder holds an index already.
            EmbedderMismatchError: The embedder of that name is another model here.
            LockedError: Another process is writing there, and still is after `wait_seconds`.
        """
        from docindex.ingest.bundle_reading import BundleReader

        environment = environment or Environment.read()
        with BundleReader(Path(bundle)) as reader:
            config = reader.about.config
            reader.require_embedder(wiring.open_embedder(config.embedder, environment).fingerprint)
            index = cls.create(path, config, environment=environment, wait_seconds=wait_seconds)
            try:
                index._take(reader, on_progress, wait_seconds)
            except BaseException:
                index.close()
                raise
        return index

    # --- writing -----------------------------------------------------------------------------------------------------

    def ingest(
        self,
        *sources: str | Path,
        options: IngestOptions | None = None,
        on_progress: OnProgress | None = None,
    ) -> IngestReport:
        """Brings the index up to date with files, folders, globs, web addresses, or "-" for standard input.

        Unchanged files cost a look at the file system, changed ones embed what is new in them. First all texts are
        committed, which makes them found by words, then their vectors. Work is committed in groups: after an
        interruption, the same call goes on from the last one.

        Raises:
            LockedError: Another process is writing, and still is after `options.lease_seconds`.
            LoadError: With `sync`, a folder is empty or missing. Files that can't be read do not raise; they are
                in the report.
        """
        options = options or IngestOptions()
        seen = self._look(sources, options)
        if seen.report is not None:
            return seen.report
        from docindex.ingest import pipeline

        loaders, passages = self._parts.loaders(), self._parts.passages()
        with self._parts.parsers(options.processes) as parsers:
            if options.dry_run:
                return pipeline.dry_run(sources, self._snapshot(), loaders, parsers, passages, options)
            with self._parts.store.writer(wait_seconds=options.lease_seconds) as writer:
                # After a wait for the lease, the sources may be others than they were.
                found = None if options.lease_seconds else seen.found
                report = pipeline.ingest(
                    sources, writer, loaders, parsers, passages, options, on_progress or no_progress, found
                )
                if options.wait == "vectors":
                    report = self._finished(report, writer, on_progress)
                return report

    def watch(
        self,
        *sources: str | Path,
        options: IngestOptions | None = None,
        on_report: Callable[[IngestReport], None] | None = None,
        on_progress: OnProgress | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        """Ingests, and ingests again whenever a file below the sources changes, until `stop` is set.

        What is gone from a folder goes from the index too. A folder may be missing at first, and of a glob all that is
        below its part before the first wildcard is watched; of what is no path, no change is noticed. Other processes
        may write between two rounds.

        Raises:
            LockedError: Another process is writing when a round begins, for longer than `options.lease_seconds`.
        """
        from docindex.ingest.discover import root_of
        from docindex.ingest.watch import changes

        options = replace(options or IngestOptions(), sync=True)
        stop = stop or threading.Event()
        roots = [root for source in sources if (root := root_of(str(source))) is not None]
        if len(roots) < len(sources):
            logger.warning("What is no file or folder is not watched: it is read again when a file elsewhere changes")
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

    def embed(self, on_progress: OnProgress | None = None, *, wait_seconds: float = 0.0) -> IngestReport:
        """Gives every passage that is found by words only its vector: what `ingest` with `wait="text"` left to do.

        Raises:
            LockedError: Another process is writing, and still is after `wait_seconds`.
        """
        from docindex.ingest import pipeline

        passages = self._parts.passages()
        with self._parts.store.writer(wait_seconds=wait_seconds) as writer:
            report = pipeline.embed(writer, passages, on_progress or no_progress)
            return self._finished(report, writer, on_progress)

    def merge(
        self, bundle: str | Path, on_progress: OnProgress | None = None, *, wait_seconds: float = 0.0
    ) -> IngestReport:
        """Adds what a bundle holds and the index lacks. Of what both hold, the document of the newer file stays.

        The report has as skipped what is newer in the index, and as failed the ids that are in use for another file.
        Indexes on top of the passages follow, and what questions are refused by is fitted anew, as by an ingest.

        Raises:
            StoreError: The bundle is damaged.
            EmbedderMismatchError: It was built with another embedder.
            LockedError: Another process is writing, and still is after `wait_seconds`.
        """
        from docindex.ingest.bundle_reading import BundleReader

        with BundleReader(Path(bundle)) as reader:
            return self._take(reader, on_progress, wait_seconds)

    def add_index(
        self, definition: IndexDefinition, on_progress: OnProgress | None = None, *, wait_seconds: float = 0.0
    ) -> int:
        """Adds an index on top of the passages, and makes it; returns how many records it got.

        Every ingest keeps it up to date from now on. `docindex.indices.definitions.definition_of` makes definitions.
        One of that kind with other options is made anew.

        Raises:
            NoModelError: A model that makes it is missing and may not be downloaded; what there is stays.
            LockedError: Another process is writing, and still is after `wait_seconds`.
        """
        from docindex.ingest.indexes import define_index

        with self._parts.store.writer(wait_seconds=wait_seconds) as writer:
            chosen = wiring.settled(self._parts, definition)
            derived = wiring.derived_index(self._parts, chosen)  # before the one that it replaces goes
            define_index(writer, chosen)
            return derived.refresh(writer, on_progress or no_progress)

    def refresh_indexes(self, on_progress: OnProgress | None = None, *, wait_seconds: float = 0.0) -> dict[str, int]:
        """Brings the indexes on top of the passages up to date; returns how many records each of them got.

        Raises:
            LockedError: Another process is writing, and still is after `wait_seconds`.
        """
        with self._parts.store.writer(wait_seconds=wait_seconds) as writer:
            return wiring.refresh_indexes(self._parts, writer, on_progress or no_progress)

    # --- async twins -------------------------------------------------------------------------------------------------

    async def aingest(
        self, *sources: str | Path, options: IngestOptions | None = None, on_progress: OnProgress | None = None
    ) -> IngestReport:
        """`ingest` in a thread."""
        return await _in_thread(lambda: self.ingest(*sources, options=options, on_progress=on_progress))

    async def asearch(
        self,
        query: str,
        k: int = 10,
        mode: SearchMode = "hybrid",
        filter: str | None = None,  # noqa: A002
    ) -> list[Hit]:
        """`search` in a thread."""
        return await _in_thread(lambda: self.search(query, k, mode, filter))

    async def aquery(self, question: str) -> Response:
        """`query` in a thread."""
        return await _in_thread(lambda: self.query(question))

    def _take(self, reader: BundleReader, on_progress: OnProgress | None, wait_seconds: float) -> IngestReport:
        with self._parts.store.writer(wait_seconds=wait_seconds) as writer:
            progress = on_progress or no_progress
            report = reader.merge_into(writer, self._parts.fingerprint, progress)
            if not writer.snapshot.unembedded(1):  # else `embed` has the indexes follow, when all vectors are there
                report = replace(report, behind=wiring.follow(self._parts, writer, progress))
            try:
                wiring.calibrate(self._parts, writer.snapshot)
            except (ModelError, EmbedderMismatchError) as error:  # which the documents and their vectors do without
                logger.warning("The index is not calibrated: %s", error)
        return report

    def _finished(self, report: IngestReport, writer: Writer, on_progress: OnProgress | None) -> IngestReport:
        """The report, once all that rests on the passages has followed, or is named in it."""
        behind = wiring.follow(self._parts, writer, on_progress or no_progress)
        wiring.calibrate(self._parts, writer.snapshot)
        return replace(report, behind=behind)

    def _look(self, sources: Sequence[str | Path], options: IngestOptions) -> Look:
        """Whether an ingest has anything to do: where it has not, the stores need not be opened."""
        from docindex.ingest.unchanged import Look, look

        if options.dry_run:
            return Look()
        with self._parts.glance(options.lease_seconds) as held:
            return Look() if held is None else look(sources, held, self._parts.loaders, options)


async def _in_thread(work: Callable[[], T]) -> T:
    import asyncio  # whoever awaits has it already, and everybody else need not load it

    return await asyncio.to_thread(work)
