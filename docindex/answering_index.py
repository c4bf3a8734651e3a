"""What an index is asked for: hits and how they came about, engines, filled-in forms, and talks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from docindex import wiring
from docindex.config import AnswerOptions
from docindex.errors import NoModelError, StoreError
from docindex.searchable import Searchable
from docindex.stored_index import StoredIndex

if TYPE_CHECKING:
    from pydantic import BaseModel

    from docindex.answering.chat import Chat
    from docindex.answering.piecewise import PiecewiseEngine
    from docindex.answering.policy import AnswerPolicy
    from docindex.answering.routed import RoutedEngine
    from docindex.answering.structured import Structured, StructuredEngine
    from docindex.answering.telemetry import SpannedForms
    from docindex.config import LLMConfig
    from docindex.prompts.files import Prompts
    from docindex.protocols import Retriever, StreamingEngine
    from docindex.retrieval.options import RetrievalOptions
    from docindex.retrieval.recording import RecordingRetriever
    from docindex.retrieval.routes import Retrieve
    from docindex.retrieval.tracing import StageTrace, Trail
    from docindex.retrieval.why import Why
    from docindex.schema import Condition, Document, EngineName, Field, JsonValue, MemoryKind, Query, SearchMode

logger = logging.getLogger("docindex")

M = TypeVar("M", bound="BaseModel")


class AnsweringIndex(StoredIndex, Searchable):
    """A stored index that can be searched and asked, without what fills it: `docindex.Index` has that, too."""

    def __init__(self, parts: wiring.Parts, at: int | str | None = None) -> None:
        """Use `Index.create` or `Index.open`."""
        super().__init__(parts, at)
        self._warned = False

    @property
    def llm(self) -> LLMConfig:
        """How the local model runs."""
        return self._parts.llm_config

    # --- searching ---------------------------------------------------------------------------------------------------

    def retriever(
        self,
        mode: SearchMode = "hybrid",
        filter: str | None = None,  # noqa: A002 - the field's word, and what the command line calls it
        options: RetrievalOptions | None = None,
    ) -> Retriever:
        """What `search` asks, to be held by a retriever of one's own."""
        return self._filtered(self._retriever(mode, options), filter)

    def condition(self, text: str | None, also: Sequence[Field] = ()) -> Condition | None:
        """What a filter says, over the fields that the documents have; None where it is empty.

        Args:
            text: The filter.
            also: Further fields that it may name. No document has them, so no comparison with them holds.

        Raises:
            QueryError: It can't be read or names an unknown field.
        """
        if text is None or not text.strip():
            return None
        from docindex.retrieval.filters import parse_filter

        return parse_filter(text, [*self.fields(), *also])

    def fields(self) -> tuple[Field, ...]:
        """Every field that a filter may name: built-in ones first, then the metadata that documents have."""
        return self._snapshot().fields()

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
        by_words = mode == "lexical" and (options is None or options.via != "tree-walk")  # which goes by cosine
        embedder = None if by_words else self._parts.embedder()
        levels = bool(self.config.levels)
        found = explain_document(self._snapshot(), embedder, asked, doc_id, stages, has_levels=levels)
        if found is None:
            raise StoreError(f"The index holds no document {doc_id!r}: `docindex ls` lists them.")
        return found

    # --- answering ---------------------------------------------------------------------------------------------------

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
    ) -> PiecewiseEngine:
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
            ConfigError: There is no such engine, it has no use for the database or the documents that are given, or the
                prompts can't be used.
            StoreError: The index lacks what the engine goes through, such as the graph, or a document that is named.
            QueryError: The filter can't be read or names an unknown field.
            NoModelError: A model is missing and may not be downloaded.
        """
        answers = answers or AnswerOptions()
        answers.check_engine(name)
        maker = wiring.EngineMaker(
            parts=self._parts,
            snapshot=self._snapshot,
            load_document=self.document,
            retriever=lambda search: self._recorded(mode, filter, search),
            search=options,
            k=k,
            mode=mode,
            where=self.condition(filter),
            policy=self.policy(false_refusals).under(answers),
            answers=answers,
            prompts=_prompts(answers.prompts),
        )
        return wiring.spanned(self._parts, maker.engine(name), name)

    def engine_over(
        self,
        retriever: Retriever,
        load_document: Callable[[str], Document | None],
        *,
        k: int = 4,
        mode: SearchMode = "hybrid",
        policy: AnswerPolicy | None = None,
        answers: AnswerOptions | None = None,
    ) -> PiecewiseEngine:
        """An engine over a retriever of one's own; quotes are looked up in the documents that `load_document` gives.

        What it refuses is what the default policy does, unless that of an index (`Index.policy`) is given.
        """
        from docindex.answering.policy import AnswerPolicy

        how = answers or AnswerOptions()
        prompts = _prompts(how.prompts)
        thresholds = (policy or AnswerPolicy()).under(how)
        engine = wiring.engine(
            self._parts, retriever, load_document, k, mode, None, thresholds, how, prompts, self._version
        )
        return wiring.spanned(self._parts, engine, "retriever")

    def policy(self, false_refusals: float | None = None) -> AnswerPolicy:
        """When answers from this index are refused: by what its own scores look like, where an ingest has fitted that.

        A share that is given where nothing was fitted can't be followed, which the log says.

        Raises:
            ConfigError: `false_refusals` is no share between 0 and 1.
        """
        policy = wiring.policy(self._parts, false_refusals)
        if false_refusals is not None and policy.nulls is None:
            logger.warning(
                "The share of false refusals can't be followed, as the index is not calibrated: "
                "`docindex embed` does that, where there are enough sentences of prose."
            )
        return policy

    def routed_engine(
        self, routes: Path, engine_for: Callable[[Retrieve], StreamingEngine], *, prompts: str | Path | None = None
    ) -> RoutedEngine:
        """An engine behind the router of a file; `docindex.routed.RoutedIndex` makes the engines of its routes, too.

        `prompts` is a folder with prompts of one's own, for what the model answers alone.
        """
        return wiring.routed_engine(self._parts, routes, engine_for, _prompts(prompts))

    def extract(
        self,
        question: str,
        model: type[M],
        *,
        k: int = 4,
        mode: SearchMode = "hybrid",
        filter: str | None = None,  # noqa: A002
        options: RetrievalOptions | None = None,
        false_refusals: float | None = None,
        max_tokens: int | None = None,
        prompts: str | Path | None = None,
    ) -> Structured[M]:
        """An instance of a Pydantic model, filled in from the documents, each field with the sentence that says so.

        Args:
            question: What the form is about.
            model: The class.
            k: How many passages the language model reads.
            mode: As for `search`.
            filter: Likewise.
            options: Likewise.
            false_refusals: As for `engine`.
            max_tokens: The longest form, up to half of the context window; 512 unless given, or what answers may have
                where that is more.
            prompts: A folder with prompts of one's own; the search is asked with them, too, where it names none.

        Raises:
            ConfigError: The prompts or the options can't be used, or a number is out of its range.
            MissingDependencyError: Pydantic is not installed.
            NoModelError: The language model is missing and may not be downloaded.
            QueryError: The question is empty or has no room beside its form, or no form can be made of the model.
        """
        engine = self._structured(k, mode, filter, options, false_refusals, max_tokens, prompts)
        return engine.extract(question, model)

    def extract_json(
        self,
        question: str,
        schema: Mapping[str, Any],
        *,
        k: int = 4,
        mode: SearchMode = "hybrid",
        filter: str | None = None,  # noqa: A002
        options: RetrievalOptions | None = None,
        false_refusals: float | None = None,
        max_tokens: int | None = None,
        prompts: str | Path | None = None,
    ) -> Structured[JsonValue]:
        """JSON by a JSON schema, filled in likewise.

        Raises:
            ConfigError: The prompts or the options can't be used, or a number is out of its range.
            NoModelError: The language model is missing and may not be downloaded.
            QueryError: The question is empty or has no room beside its form, or the schema can't be followed.
        """
        engine = self._structured(k, mode, filter, options, false_refusals, max_tokens, prompts)
        return engine.extract_json(question, schema)

    def _structured(
        self,
        k: int,
        mode: SearchMode,
        filter: str | None,  # noqa: A002
        options: RetrievalOptions | None,
        false_refusals: float | None,
        max_tokens: int | None,
        prompts: str | Path | None,
    ) -> StructuredEngine | SpannedForms:
        return wiring.structured_engine(
            self._parts,
            self._recorded(mode, filter, None if options is None else options.with_prompts(prompts)),
            self.document,
            k,
            mode,
            self.condition(filter),
            self.policy(false_refusals),
            _prompts(prompts),
            max_tokens,
        )

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

    def _searcher(self, mode: SearchMode, filter: str | None, options: RetrievalOptions | None) -> Retriever:  # noqa: A002
        return self._filtered(self._recorded(mode, filter, options), filter)

    def _talk(
        self, engine: StreamingEngine, conversation: str | None, memory: MemoryKind, prompts: str | Path | None
    ) -> Chat:
        return self.chat_over(engine, conversation=conversation, memory=memory, prompts=prompts)

    def _query(self, text: str, k: int, mode: SearchMode, filter: str | None) -> Query:  # noqa: A002
        from docindex.schema import Query

        return Query(text, k, mode, self.condition(filter))

    def _recorded(self, mode: SearchMode, filter: str | None, options: RetrievalOptions | None) -> RecordingRetriever:  # noqa: A002
        from docindex.retrieval.recording import RecordingRetriever
        from docindex.retrieval.tracing import Trail

        trail = Trail()
        retriever = self._retriever(mode, options, trail)
        return RecordingRetriever(retriever, trail, self.traces, self._version, filter=filter, options=options)

    def _filtered(self, retriever: Retriever, filter: str | None) -> Retriever:  # noqa: A002
        where = self.condition(filter)
        if where is None:
            return retriever
        from docindex.retrieval.filtered import FilteredRetriever

        return FilteredRetriever(retriever, where)

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
