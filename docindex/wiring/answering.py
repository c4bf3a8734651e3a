"""Engines over a retriever, and when they refuse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from docindex.protocols import Retriever, Snapshot, StreamingEngine
from docindex.schema import Condition, Document, SearchMode
from docindex.wiring.parts import Parts

if TYPE_CHECKING:
    from docindex.answering.chat import Chat
    from docindex.answering.engine import RetrieverQueryEngine
    from docindex.answering.policy import AnswerPolicy
    from docindex.answering.routed import RoutedEngine
    from docindex.retrieval.router import Router
    from docindex.retrieval.routes import Retrieve


def engine(
    parts: Parts,
    retriever: Retriever,
    load_document: Callable[[str], Document | None],
    k: int,
    mode: SearchMode,
    where: Condition | None = None,
    policy: AnswerPolicy | None = None,
) -> RetrieverQueryEngine:
    """The query engine over a retriever; quotes are looked up in what `load_document` gives."""
    from docindex.answering.compact import CompactSynthesizer
    from docindex.answering.engine import RetrieverQueryEngine

    synthesizer = CompactSynthesizer(
        parts.llm(),
        load_document,
        max_tokens=parts.llm_config.max_tokens,
        max_hits=k,
        policy=policy,
    )
    return RetrieverQueryEngine(retriever, synthesizer, k=k, mode=mode, where=where)


def policy(parts: Parts, false_refusals: float | None) -> AnswerPolicy:
    """When the engines of this index refuse to answer: as its own scores say, where they have been fitted."""
    from docindex.answering.policy import AnswerPolicy

    return AnswerPolicy(nulls=parts.nulls(), false_refusals=false_refusals)


def router(parts: Parts, routes: Path) -> Router:
    """The router of a file, with the embedder and the words of the index."""
    from docindex.retrieval.router import Router
    from docindex.retrieval.router_words import words_in

    return Router.open(routes, parts.embedder(), words_in(parts.store.snapshot()))


def routed_engine(parts: Parts, routes: Path, engine_for: Callable[[Retrieve], StreamingEngine]) -> RoutedEngine:
    """The engine that asks the router of a file first; `engine_for` gives those of the routes that retrieve."""
    from docindex.answering.routed import RoutedEngine

    return RoutedEngine(router(parts, routes), engine_for, parts.llm, max_tokens=parts.llm_config.max_tokens)


def calibrate(parts: Parts, snapshot: Snapshot) -> None:
    """Fits the scores by which questions are refused, where the index has changed much and is embedded."""
    from docindex.ingest.calibrate import calibrate as fit

    if snapshot.embedded():
        fit(parts.path, snapshot, parts.embedder())


def chat(parts: Parts, engine: StreamingEngine) -> Chat:
    """A conversation that asks the engine."""
    from docindex.answering.chat import Chat

    return Chat(engine, parts.llm())
