"""Engines by their names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, get_args

from docindex.errors import ConfigError, StoreError
from docindex.schema import EngineName
from docindex.wiring.answering import answering_llm, engine

if TYPE_CHECKING:
    from docindex.answering.engines.asking import Choice
    from docindex.answering.piecewise import PiecewiseEngine
    from docindex.answering.policy import AnswerPolicy
    from docindex.config import AnswerOptions
    from docindex.prompts.files import Prompts
    from docindex.protocols import LLM, Retriever, Snapshot
    from docindex.retrieval.options import RetrievalOptions
    from docindex.schema import Condition, Document, SearchMode, TransformName, Via
    from docindex.wiring.parts import Parts


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineMaker:
    """Makes the engines of an index that all search and answer in the same way."""

    parts: Parts
    snapshot: Callable[[], Snapshot]
    load_document: Callable[[str], Document | None]
    retriever: Callable[[RetrievalOptions | None], Retriever]
    """What searches, by its options."""
    search: RetrievalOptions | None
    """Where they name no prompts, those of the answers serve."""
    k: int
    mode: SearchMode
    where: Condition | None
    policy: AnswerPolicy
    answers: AnswerOptions
    prompts: Prompts

    def engine(self, name: str) -> PiecewiseEngine:
        """The engine of a name.

        Raises:
            ConfigError: There is none of the name.
            StoreError: The index lacks what the engine goes through, or a document that it is for.
            NoModelError: A model that it needs is missing and may not be downloaded.
        """
        match name:
            case "retriever":
                return self._over(self.search)
            case "hyde":
                return self._over(self._search_with(transform="hyde"))
            case "graph":
                return self._over(self._search_with(via="graph"))
            case "subquestions":
                from docindex.answering.engines.subquestions import SubQuestionEngine

                return SubQuestionEngine(self._facts(), llm=self._llm(), prompts=self.prompts)
            case "multi-step":
                from docindex.answering.engines.multi_step import MultiStepEngine

                return MultiStepEngine(self._facts(), llm=self._llm(), steps=self.answers.steps, prompts=self.prompts)
            case "summary":
                return self._summary()
            case "compare":
                return self._compare()
            case "tables":
                return self._tables()
            case "auto":
                from docindex.answering.engines.choosing import ChoosingEngine

                return ChoosingEngine(
                    self.engine,
                    choices=self._choices(),
                    has_tables=self._has_tables,
                    llm=self._llm(),
                    prompts=self.prompts,
                )
            case "agent":
                from docindex.answering.engines.agent import AgentEngine
                from docindex.answering.engines.choosing import HYDE

                return AgentEngine(
                    self.engine,
                    choices=(*self._choices(), HYDE),
                    has_tables=self._has_tables,
                    llm=self._llm(),
                    steps=self.answers.steps,
                    prompts=self.prompts,
                )
        raise ConfigError(f"There is no engine {name!r}: choose {', '.join(get_args(EngineName))}.")

    def _search_with(self, *, via: Via | None = None, transform: TransformName | None = None) -> RetrievalOptions:
        from docindex.retrieval.options import RetrievalOptions

        search = self.search or RetrievalOptions()
        return replace(search, via=via or search.via, transform=transform or search.transform)

    def _retriever(self, search: RetrievalOptions | None) -> Retriever:
        return self.retriever(None if search is None else search.with_prompts(self.answers.prompts))

    def _over(self, search: RetrievalOptions | None) -> PiecewiseEngine:
        return engine(
            self.parts,
            self._retriever(search),
            self.load_document,
            self.k,
            self.mode,
            self.where,
            self.policy,
            self.answers,
            self.prompts,
            self._version,
        )

    def _facts(self) -> PiecewiseEngine:
        """What single facts are asked of: the tables where the form of the question is theirs, else the passages."""
        from docindex.answering.engines.choosing import FACTS, ChoosingEngine

        return ChoosingEngine(self.engine, choices=FACTS, has_tables=self._has_tables)

    def _choices(self) -> tuple[Choice, ...]:
        from docindex.answering.engines.choosing import CHOICES, GRAPH

        has_graph = any(definition.kind == GRAPH.name for definition in self.snapshot().definitions())
        return (*CHOICES, GRAPH) if has_graph else CHOICES

    def _summary(self) -> PiecewiseEngine:
        from docindex.answering.engines.summary import SummaryEngine

        return SummaryEngine(
            self._retriever(self.search),
            self.snapshot,
            documents=self._documents(),
            sentences=self.answers.sentences,
            mode=self.mode,
            where=self.where,
            policy=self.policy,
            embed=self.parts.vectors_of,
        )

    def _compare(self) -> PiecewiseEngine:
        from docindex.answering.engines.compare import CompareEngine

        return CompareEngine(
            self._retriever(self.search),
            self.snapshot,
            self.engine("subquestions"),
            embed=self.parts.vectors_of,
            documents=self._documents(),
            mode=self.mode,
            where=self.where,
        )

    def _documents(self) -> tuple[str, ...]:
        for doc_id in self.answers.documents:
            if self.load_document(doc_id) is None:
                raise StoreError(f"The index holds no document {doc_id!r}: `docindex ls` lists them.")
        return self.answers.documents

    def _tables(self) -> PiecewiseEngine:
        from docindex.answering.tables.engine import TablesEngine

        if self.answers.database is None:
            return TablesEngine.over(self.snapshot, self._llm, where=self.where, prompts=self.prompts)
        from docindex.answering.tables.database_tables import DatabaseTables
        from docindex.answering.tables.limits import TableLimits

        limits = TableLimits()
        tables = DatabaseTables(self.answers.database, limits)
        return TablesEngine(tables, self._llm, limits=limits, prompts=self.prompts)

    def _has_tables(self) -> bool:
        return self.answers.database is not None or next(iter(self.snapshot().tables()), None) is not None

    def _llm(self) -> LLM:
        return answering_llm(self.parts, self.answers, self._version)

    def _version(self) -> int:
        return self.snapshot().version
