"""Retrievers, from the options of a search."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from docindex.wiring.models import model_store

if TYPE_CHECKING:
    from docindex.protocols import Retriever, Snapshot
    from docindex.retrieval.options import RetrievalOptions
    from docindex.retrieval.rerank import Reranker
    from docindex.retrieval.tracing import Trail
    from docindex.schema import SearchMode
    from docindex.wiring.parts import Parts


def retriever(
    parts: Parts,
    mode: SearchMode,
    snapshot: Callable[[], Snapshot],
    options: RetrievalOptions | None = None,
    trail: Trail | None = None,
) -> Retriever:
    """The retriever of a mode, over what `snapshot` gives as each search begins; its stages are noted on the trail.

    Raises:
        ConfigError: The options contradict each other or the mode, the index has no larger nodes, or the prompts can't
            be used.
        StoreError: The index lacks what the options go through, such as the graph.
        NoModelError: A model is missing and may not be downloaded.
    """
    from docindex.prompts.files import Prompts
    from docindex.retrieval import compose
    from docindex.retrieval.llm_rerank import LLMReranker
    from docindex.retrieval.options import RetrievalOptions
    from docindex.retrieval.steady import HeldSnapshot, SteadyRetriever
    from docindex.retrieval.tracing import TracingRetriever

    def stage(name: str, retriever: Retriever) -> Retriever:
        return retriever if trail is None else TracingRetriever(name, retriever, trail)

    chosen = options or RetrievalOptions()
    prompts = Prompts.of(chosen.prompts)
    held = HeldSnapshot(snapshot)
    has_levels = bool(parts.config.levels)
    compose.require_what_is_named(held, chosen, has_levels=has_levels)
    base = stage(mode, compose.base_retriever(mode, held, parts.embedder, parts.config.dense_weight, chosen))
    found = compose.through(base, held, parts.embedder, chosen, has_levels=has_levels)
    if chosen.via != "passages":
        found = stage(chosen.via, found)
    found = compose.with_model(found, held, parts.llm, chosen, prompts)
    if chosen.transform is not None or chosen.auto_filter:
        found = stage("model", found)
    found = compose.refined(found, held, chosen, _reranker(parts, chosen), stage)
    if chosen.llm_rerank:
        judged = LLMReranker(found, parts.llm(), depth=chosen.llm_rerank, prompts=prompts)
        found = stage("llm rerank", judged)
    return SteadyRetriever(compose.shaped(found, held, chosen, stage), held)


def _reranker(parts: Parts, options: RetrievalOptions) -> Reranker | None:
    from docindex.retrieval.options import LATE

    if options.rerank is None:
        return None
    store = model_store(parts.environment)
    if options.rerank == LATE:
        from docindex.embedding.token_vectors import OnnxTokenEncoder
        from docindex.retrieval.late import LateInteractionReranker

        return LateInteractionReranker(OnnxTokenEncoder(store.path(parts.config.embedder, kind="embedder")))
    path = store.path(options.rerank, kind="reranker")
    if path.is_file():
        from docindex.embedding.gguf_cross_encoder import GgufCrossEncoder

        return GgufCrossEncoder(path)
    from docindex.embedding.cross_encoder import OnnxCrossEncoder

    return OnnxCrossEncoder(path)
