"""Engines over a retriever, and when they refuse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from docindex.protocols import BatchingLLM
from docindex.wiring.remembering import answering_cache

if TYPE_CHECKING:
    from docindex.answering.engine import RetrieverQueryEngine
    from docindex.answering.entailment import Entailment
    from docindex.answering.piecewise import PiecewiseEngine
    from docindex.answering.policy import AnswerPolicy
    from docindex.answering.routed import RoutedEngine
    from docindex.answering.structured import StructuredEngine
    from docindex.answering.telemetry import SpannedForms
    from docindex.config import AnswerOptions
    from docindex.prompts.files import Prompts
    from docindex.protocols import LLM, Retriever, Snapshot, StreamingEngine, Synthesizer
    from docindex.retrieval.router import Router
    from docindex.retrieval.routes import Retrieve
    from docindex.schema import Condition, Document, SearchMode
    from docindex.wiring.parts import Parts


def answering_llm(parts: Parts, answers: AnswerOptions, version: Callable[[], int]) -> LLM:
    """The model that answers; with the cache, it remembers what it wrote for a version of the index."""
    return answering_cache(parts, version) if answers.cache else parts.llm()


def engine(
    parts: Parts,
    retriever: Retriever,
    load_document: Callable[[str], Document | None],
    k: int,
    mode: SearchMode,
    where: Condition | None,
    policy: AnswerPolicy | None,
    answers: AnswerOptions,
    prompts: Prompts,
    version: Callable[[], int],
) -> RetrieverQueryEngine:
    """The query engine over a retriever; quotes are looked up in what `load_document` gives."""
    from docindex.answering.engine import RetrieverQueryEngine

    return RetrieverQueryEngine(
        retriever,
        synthesizer(parts, load_document, k, mode, policy, answers, prompts, version),
        k=k,
        mode=mode,
        where=where,
    )


def synthesizer(
    parts: Parts,
    load_document: Callable[[str], Document | None],
    k: int,
    mode: SearchMode,
    policy: AnswerPolicy | None,
    answers: AnswerOptions,
    prompts: Prompts,
    version: Callable[[], int],
) -> Synthesizer:
    """What makes answers of passages; a model is loaded by the ways that need it, no embedder where words search."""
    from docindex.answering.modes import synthesizer as of_mode

    def llm() -> LLM:
        return answering_llm(parts, answers, version)

    def batching() -> BatchingLLM | None:
        found = llm()
        return found if isinstance(found, BatchingLLM) else None

    def entailment() -> Entailment | None:
        if not answers.entailment:
            return None
        from docindex.answering.entailment import Entailment

        return Entailment(parts.llm(), prompts)

    return of_mode(
        answers.synthesis,
        llm,
        load_document,
        batching=batching,
        embed=None if mode == "lexical" else parts.vectors_of,
        max_tokens=parts.llm_config.max_tokens,
        max_hits=k,
        policy=policy,
        prompts=prompts,
        entailment=entailment,
    )


def spanned(parts: Parts, engine: PiecewiseEngine, name: str) -> PiecewiseEngine:
    """The engine, with spans where the environment asks for them."""
    if not parts.environment.telemetry:
        return engine
    from docindex.answering.telemetry import SpannedEngine

    return SpannedEngine(engine, name)


def policy(parts: Parts, false_refusals: float | None) -> AnswerPolicy:
    """When the engines of this index refuse to answer: as its own scores say, where they have been fitted."""
    from docindex.answering.policy import AnswerPolicy

    return AnswerPolicy(nulls=parts.nulls(), false_refusals=false_refusals)


def router(parts: Parts, routes: Path) -> Router:
    """The router of a file, with the embedder and the words of the index."""
    from docindex.retrieval.router import Router
    from docindex.retrieval.router_words import words_in

    return Router.open(routes, parts.embedder(), words_in(parts.store.snapshot()))


def routed_engine(
    parts: Parts, routes: Path, engine_for: Callable[[Retrieve], StreamingEngine], prompts: Prompts
) -> RoutedEngine:
    """The engine that asks the router of a file first; `engine_for` gives those of the routes that retrieve."""
    from docindex.answering.alone import ModelEngine
    from docindex.answering.routed import RoutedEngine

    alone = ModelEngine(parts.llm, max_tokens=parts.llm_config.max_tokens, prompts=prompts)
    return RoutedEngine(router(parts, routes), engine_for, spanned(parts, alone, "direct"))


def calibrate(parts: Parts, snapshot: Snapshot) -> None:
    """Fits the scores by which questions are refused, where the index has changed much and is embedded."""
    from docindex.ingest.calibrate import calibrate as fit

    if snapshot.embedded():
        fit(parts.path, snapshot, parts.embedder())


def structured_engine(
    parts: Parts,
    retriever: Retriever,
    load_document: Callable[[str], Document | None],
    k: int,
    mode: SearchMode,
    where: Condition | None,
    policy: AnswerPolicy,
    prompts: Prompts,
    max_tokens: int | None = None,
) -> StructuredEngine | SpannedForms:
    """The engine that fills in forms, with spans where the environment asks for them.

    Where no length is given, a form is as long as the model's answers, or the usual one.
    """
    from docindex.answering.structured import LONGEST_FORM, StructuredEngine

    forms = StructuredEngine(
        retriever,
        parts.llm(),
        load_document,
        k=k,
        mode=mode,
        where=where,
        max_tokens=max(LONGEST_FORM, parts.llm_config.max_tokens) if max_tokens is None else max_tokens,
        policy=policy,
        prompts=prompts,
    )
    if not parts.environment.telemetry:
        return forms
    from docindex.answering.telemetry import SpannedForms

    return SpannedForms(forms)
