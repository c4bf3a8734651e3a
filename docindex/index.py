"""Index: the façade over the rooms."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from docindex import wiring
from docindex.config import AnswerOptions, Environment, IndexConfig, IngestOptions, LLMConfig
from docindex.errors import LoadError, NoModelError, StoreError
from docindex.stored_index import StoredIndex, no_progress

if TYPE_CHECKING:
    from pydantic import BaseModel

    from docindex.answering.awaitable import AwaitableEngine
    from docindex.answering.chat import Chat
    from docindex.answering.engine import RetrieverQueryEngine
    from docindex.answering.policy import AnswerPolicy
    from docindex.answering.routed import RoutedEngine
    from docindex.answering.structured import Structured, StructuredEngine
    from docindex.ingest.unchanged import Look
    from docindex.prompts.files import Prompts
    from docindex.protocols import OnProgress, Retriever, StreamingEngine
    from docindex.retrieval.options import RetrievalOptions
    from docindex.retrieval.recording import RecordingRetriever
    from docindex.retrieval.routes import Retrieve
    from docindex.retrieval.tracing import StageTrace, Trail
    from docindex.retrieval.why import Why
    from docindex.schema import (
        Condition,
        Document,
        EngineName,
        Hit,
        IndexDefinition,
        IngestReport,
        JsonValue,
        MemoryKind,
        Query,
        Response,
        SearchMode,
    )

logger = logging.getLogger("docindex")

T = TypeVar("T")
M = TypeVar("M", bound="BaseModel")


class Index(StoredIndex):
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
        super().__init__(parts, at)
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
        wait_seconds: float = 0.0,
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
                    wiring.refresh_indexes(self._parts, writer, on_progress or no_progress)
                    wiring.calibrate(self._parts, writer.snapshot)
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

    def embed(self, on_progress: OnProgress | None = None, *, wait_seconds: float = 0.0) -> IngestReport:
        """Gives every passage that is found by words only its vector: what `ingest` with `wait="text"` left to do.

        Raises:
            LockedError: Another process is writing, and still is after `wait_seconds`.
        """
        from docindex.ingest import pipeline

        passages = self._parts.passages()
        with self._parts.store.writer(wait_seconds=wait_seconds) as writer:
            report = pipeline.embed(writer, passages, on_progress or no_progress)
            wiring.refresh_indexes(self._parts, writer, on_progress or no_progress)
            wiring.calibrate(self._parts, writer.snapshot)
        return report

    def add_index(
        self, definition: IndexDefinition, on_progress: OnProgress | None = None, *, wait_seconds: float = 0.0
    ) -> int:
        """Adds an index on top of the passages, and makes it; returns how many records it got.

        Every ingest keeps it up to date from now on. `docindex.indices.definitions.definition_of` makes definitions.
        One of that kind with other options is made anew.

        Raises:
            NoModelError: A model that makes it is missing and may not be downloaded.
            LockedError: Another process is writing, and still is after `wait_seconds`.
        """
        from docindex.ingest.indexes import define_index

        with self._parts.store.writer(wait_seconds=wait_seconds) as writer:
            define_index(writer, definition)
            made = wiring.refresh_indexes(self._parts, writer, on_progress or no_progress, [definition.kind])
        return made[definition.kind]

    def refresh_indexes(self, on_progress: OnProgress | None = None, *, wait_seconds: float = 0.0) -> dict[str, int]:
        """Brings the indexes on top of the passages up to date; returns how many records each of them got.

        Raises:
            LockedError: Another process is writing, and still is after `wait_seconds`.
        """
        with self._parts.store.writer(wait_seconds=wait_seconds) as writer:
            return wiring.refresh_indexes(self._parts, writer, on_progress or no_progress)

    # --- reading -----------------------------------------------------------------------------------------------------

    def search(
        self,
        query: str,
        k: int = 10,
        mode: SearchMode = "hybrid",
        filter: str | None = None,  # noqa: A002 - the field's word, and what the command line calls it
        options: RetrievalOptions | None = None,
    ) -> list[Hit]:
        """At most k passages, best first.

        Args:
            query: A question or some words; nothing in it is syntax.
            k: How many hits.
            mode: Both scores fused, or one of them alone.
            filter: A condition such as `source contains 'manual' and page < 10`.
            options: Everything else that can be switched on; `docindex.retrieval.options` explains it.

        Raises:
            QueryError: The filter can't be read or names an unknown field.
            ConfigError: The options contradict each other, or the mode.
        """
        return self._recorded(mode, filter, options).retrieve(self._query(query, k, mode, filter))

    def search_many(
        self,
        queries: Iterable[str],
        k: int = 10,
        mode: SearchMode = "hybrid",
        filter: str | None = None,  # noqa: A002
        options: RetrievalOptions | None = None,
    ) -> Iterator[list[Hit]]:
        """The hits of each query, as `search` gives them, in the order of the queries."""
        from docindex.schema import Query

        retriever = self._recorded(mode, filter, options)
        where = self._condition(filter)
        for query in queries:
            yield retriever.retrieve(Query(query, k, mode, where))

    def engine(
        self,
        name: EngineName = "retriever",
        *,
        k: int = 4,
        mode: SearchMode = "hybrid",
        filter: str | None = None,  # noqa: A002
        options: RetrievalOptions | None = None,
        false_refusals: float | None = None,
        answers: AnswerOptions | None = None,
    ) -> AwaitableEngine:
        """An engine that answers questions: from the k best passages, unless its name says otherwise.

        Args:
            name: How questions are gone about; docs/engines.md tells what each is for.
            k: How many passages an answer is made of.
            mode: As for `search`.
            filter: Likewise.
            options: Likewise.
            false_refusals: The share of questions with an answer that may be refused because their passages score like
                those of foreign questions, 0.05 unless given; the ingest has fitted what scores that share has.
            answers: How answers are made.

        Raises:
            ConfigError: There is no such engine, or the prompts can't be used.
            StoreError: The index lacks what the engine goes through, such as the graph.
            QueryError: The filter can't be read or names an unknown field.
            NoModelError: A model is missing and may not be downloaded.
        """
        answers = answers or AnswerOptions()
        maker = wiring.EngineMaker(
            parts=self._parts,
            snapshot=self._snapshot,
            load_document=self.document,
            retriever=lambda search: self._recorded(mode, filter, search),
            search=options,
            k=k,
            mode=mode,
            where=self._condition(filter),
            policy=replace(self.policy(false_refusals), strict=answers.strict),
            answers=answers,
            prompts=_prompts(answers.prompts),
        )
        return wiring.awaitable(self._parts, maker.engine(name), name)

    def engine_over(
        self,
        retriever: Retriever,
        load_document: Callable[[str], Document | None],
        *,
        k: int = 4,
        mode: SearchMode = "hybrid",
        policy: AnswerPolicy | None = None,
        answers: AnswerOptions | None = None,
    ) -> RetrieverQueryEngine:
        """An engine over a retriever of one's own; quotes are looked up in the documents that `load_document` gives.

        What it refuses is what the default policy does, unless that of an index (`Index.policy`) is given.
        """
        how = answers or AnswerOptions()
        prompts = _prompts(how.prompts)
        return wiring.engine(self._parts, retriever, load_document, k, mode, None, policy, how, prompts, self._version)

    def policy(self, false_refusals: float | None = None) -> AnswerPolicy:
        """When answers from this index are refused: by what its own scores look like, where an ingest has fitted that.

        Raises:
            ConfigError: `false_refusals` is no share between 0 and 1.
        """
        return wiring.policy(self._parts, false_refusals)

    def routed_engine(
        self, routes: Path, engine_for: Callable[[Retrieve], StreamingEngine], *, prompts: str | Path | None = None
    ) -> RoutedEngine:
        """An engine behind the router of a file; `docindex.routed.RoutedIndex` makes the engines of its routes, too.

        `prompts` is a folder with prompts of one's own, for what the model answers alone.
        """
        return wiring.routed_engine(self._parts, routes, engine_for, _prompts(prompts))

    def retriever(
        self,
        mode: SearchMode = "hybrid",
        filter: str | None = None,  # noqa: A002
        options: RetrievalOptions | None = None,
    ) -> Retriever:
        """What `search` asks, to be held by a retriever of one's own."""
        found, where = self._retriever(mode, options), self._condition(filter)
        if where is None:
            return found
        from docindex.retrieval.filtered import FilteredRetriever

        return FilteredRetriever(found, where)

    def explain(
        self,
        query: str,
        k: int = 10,
        mode: SearchMode = "hybrid",
        filter: str | None = None,  # noqa: A002
        options: RetrievalOptions | None = None,
    ) -> list[StageTrace]:
        """What each stage of the search gave, from the first one to the hits."""
        return self._recorded(mode, filter, options).explain(self._query(query, k, mode, filter))

    def why(
        self,
        query: str,
        doc_id: str,
        k: int = 10,
        mode: SearchMode = "hybrid",
        filter: str | None = None,  # noqa: A002
        options: RetrievalOptions | None = None,
    ) -> Why:
        """Why the search gives a document, or does not.

        Raises:
            StoreError: The index does not hold the document.
        """
        from docindex.retrieval.tracing import Trail
        from docindex.retrieval.why import explain_document

        trail, asked = Trail(), self._query(query, k, mode, filter)
        retriever = self._retriever(mode, options, trail)
        with trail.followed() as stages:
            retriever.retrieve(asked)
        embedder = None if mode == "lexical" else self._parts.embedder()
        found = explain_document(self._snapshot(), embedder, asked, doc_id, stages)
        if found is None:
            raise StoreError(f"The index holds no document {doc_id!r}: `docindex ls` lists them.")
        return found

    def query(self, question: str) -> Response:
        """The answer to a question, with citations that were checked against the stored text.

        Raises:
            NoModelError: The language model is missing and may not be downloaded.
        """
        return self.engine().query(question)

    def extract(
        self,
        question: str,
        model: type[M],
        *,
        k: int = 4,
        mode: SearchMode = "hybrid",
        filter: str | None = None,  # noqa: A002
        prompts: str | Path | None = None,
    ) -> Structured[M]:
        """An instance of a Pydantic model, filled in from the documents, each field with the sentence that says so.

        Raises:
            ConfigError: The folder with prompts of one's own can't be used.
            MissingDependencyError: Pydantic is not installed.
            NoModelError: The language model is missing and may not be downloaded.
            QueryError: The question is empty or has no room beside its form, or no form can be made of the model.
        """
        return self._structured(k, mode, filter, prompts).extract(question, model)

    def extract_json(
        self,
        question: str,
        schema: Mapping[str, Any],
        *,
        k: int = 4,
        mode: SearchMode = "hybrid",
        filter: str | None = None,  # noqa: A002
        prompts: str | Path | None = None,
    ) -> Structured[JsonValue]:
        """JSON by a JSON schema, filled in likewise.

        Raises:
            ConfigError: The folder with prompts of one's own can't be used.
            NoModelError: The language model is missing and may not be downloaded.
            QueryError: The question is empty or has no room beside its form, or the schema can't be followed.
        """
        return self._structured(k, mode, filter, prompts).extract_json(question, schema)

    def _structured(self, k: int, mode: SearchMode, filter: str | None, prompts: str | Path | None) -> StructuredEngine:  # noqa: A002
        found, where, own = self._recorded(mode, filter, None), self._condition(filter), _prompts(prompts)
        return wiring.structured_engine(self._parts, found, self.document, k, mode, where, self.policy(), own)

    def chat(
        self,
        *,
        conversation: str | None = None,
        memory: MemoryKind = "recent",
        answers: AnswerOptions | None = None,
    ) -> Chat:
        """A talk about the documents; with a name it is kept in the index, and goes on where it stopped.

        Args:
            conversation: The name. `conversations` has those that are kept.
            memory: What follow-ups may lean on: the last turns, a summary of the older ones too, or the turns that are
                most alike.
            answers: How answers are made.

        Raises:
            ConfigError: There is no such memory, or the prompts can't be used.
        """
        answers = answers or AnswerOptions()
        engine = self.engine(answers=answers)
        return self.chat_over(engine, conversation=conversation, memory=memory, prompts=answers.prompts)

    def chat_over(
        self,
        engine: StreamingEngine,
        *,
        conversation: str | None = None,
        memory: MemoryKind = "recent",
        prompts: str | Path | None = None,
    ) -> Chat:
        """A talk that asks an engine of one's own; `prompts` is a folder, for what makes questions stand alone."""
        return wiring.chat(self._parts, engine, _prompts(prompts), memory, conversation, self._version)

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

    def _look(self, sources: Sequence[str | Path], options: IngestOptions) -> Look:
        """Whether an ingest has anything to do: where it has not, the stores need not be opened."""
        from docindex.ingest.unchanged import Look, look

        if options.dry_run:
            return Look()
        with self._parts.glance(options.lease_seconds) as held:
            return Look() if held is None else look(sources, held, self._parts.loaders, options)

    def _query(self, text: str, k: int, mode: SearchMode, filter: str | None) -> Query:  # noqa: A002
        from docindex.schema import Query

        return Query(text, k, mode, self._condition(filter))

    def _condition(self, text: str | None) -> Condition | None:
        if text is None or not text.strip():
            return None
        from docindex.retrieval.filters import parse_filter

        return parse_filter(text, self._snapshot().fields())

    def _recorded(self, mode: SearchMode, filter: str | None, options: RetrievalOptions | None) -> RecordingRetriever:  # noqa: A002
        from docindex.retrieval.recording import RecordingRetriever
        from docindex.retrieval.tracing import Trail

        trail = Trail()
        retriever = self._retriever(mode, options, trail)
        return RecordingRetriever(retriever, trail, self.traces, self._version, filter=filter, options=options)

    def _version(self) -> int:
        return self._snapshot().version

    def _retriever(
        self, mode: SearchMode, options: RetrievalOptions | None = None, trail: Trail | None = None
    ) -> Retriever:
        try:
            return wiring.retriever(self._parts, mode, self._snapshot, options, trail)
        except NoModelError as error:
            if mode != "hybrid" or options is not None:
                raise
            if not self._warned:
                logger.warning("Searching by words only: %s", error)
                self._warned = True
            return wiring.retriever(self._parts, "lexical", self._snapshot, None, trail)


def _prompts(folder: str | Path | None) -> Prompts:
    from docindex.prompts.files import Prompts

    return Prompts.of(folder)


async def _in_thread(work: Callable[[], T]) -> T:
    import asyncio  # whoever awaits has it already, and everybody else need not load it

    return await asyncio.to_thread(work)
