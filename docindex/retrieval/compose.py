"""From a mode and options to the retriever that does what they say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import get_args

from docindex.errors import ConfigError
from docindex.indices.required import require_index
from docindex.prompts.files import Prompts
from docindex.protocols import ChoosingLLM, Embedder, Retriever, Snapshot
from docindex.retrieval.collapse import CollapsingRetriever
from docindex.retrieval.documents import PerDocumentRetriever
from docindex.retrieval.feedback import FeedbackRetriever
from docindex.retrieval.filtered import at_level
from docindex.retrieval.grains import GrainRetriever
from docindex.retrieval.graph import GraphRetriever
from docindex.retrieval.hybrid import HybridRetriever
from docindex.retrieval.merging import MergingRetriever
from docindex.retrieval.mmr import MmrRetriever
from docindex.retrieval.multi_query import MultiQueryRetriever
from docindex.retrieval.options import RetrievalOptions
from docindex.retrieval.recency import RecencyRetriever
from docindex.retrieval.recursive import RecursiveRetriever
from docindex.retrieval.rerank import Reranker, RerankingRetriever
from docindex.retrieval.single import DenseRetriever, LexicalRetriever
from docindex.retrieval.summaries import SummaryRetriever
from docindex.retrieval.threshold import ThresholdRetriever
from docindex.retrieval.transforms import QueryTransform
from docindex.retrieval.tree import TreeRetriever
from docindex.retrieval.window import WindowRetriever
from docindex.schema import SearchMode, Via

Stage = Callable[[str, Retriever], Retriever]
"""What is done with each stage of a search, by its name, before the next one holds it."""

_GOES_THROUGH: Mapping[Via, str] = {"graph": "graph", "summaries": "summaries", "tree": "tree", "tree-walk": "tree"}
"""The kind of index on top of the passages that a way leads through."""


def _as_it_is(name: str, retriever: Retriever) -> Retriever:  # noqa: ARG001 - a Stage
    return retriever


def require_what_is_named(snapshot: Callable[[], Snapshot], options: RetrievalOptions, *, has_levels: bool) -> None:
    """Passes where the index has what the options go through and give: without it, they would do little or nothing.

    Raises:
        StoreError: It lacks an index on top of the passages.
        ConfigError: It has no larger nodes.
    """
    if options.via in _GOES_THROUGH:
        require_index(snapshot(), _GOES_THROUGH[options.via])
    if not has_levels and (options.via == "parents" or options.expand != "none"):
        raise ConfigError(
            "The index has no larger nodes: create one with `levels`, such as (512, 2048), or with `docindex ingest "
            "--levels 512,2048`."
        )


def base_retriever(
    mode: SearchMode,
    snapshot: Callable[[], Snapshot],
    embedder: Callable[[], Embedder],
    dense_weight: float,
    options: RetrievalOptions,
) -> Retriever:
    """What finds the passages of a mode; the embedder is loaded for those that need it.

    Raises:
        ConfigError: There is no such mode, or an option is of the hybrid mode alone.
    """
    if mode not in get_args(SearchMode):
        raise ConfigError(f"There is no mode {mode!r}: choose {', '.join(get_args(SearchMode))}.")
    if mode != "hybrid" and (options.grains or options.feedback is not None):
        name = "grains" if options.grains else "feedback"
        raise ConfigError(f"{name} goes with the hybrid mode, and not with {mode}: leave one of them out.")
    if mode == "lexical":
        return LexicalRetriever(snapshot)
    if mode == "dense":
        return DenseRetriever(snapshot, embedder())
    weight = dense_weight if options.dense_weight is None else options.dense_weight
    if options.grains:
        return GrainRetriever(snapshot, embedder(), weight)
    if options.feedback is not None:
        return FeedbackRetriever(snapshot, embedder(), weight, fusion=options.fusion, feedback=options.feedback)
    return HybridRetriever(snapshot, embedder(), weight, fusion=options.fusion)


def refined(
    base: Retriever,
    snapshot: Callable[[], Snapshot],
    options: RetrievalOptions,
    reranker: Reranker | None = None,
    stage: Stage = _as_it_is,
) -> Retriever:
    """The retriever, with what the options add on top of it, each holding the one before.

    Near-duplicates go first, so that the reranker judges none; what limits and thresholds count is the final score.
    """
    found = base
    if options.collapse:
        found = stage("collapse", CollapsingRetriever(found))
    if reranker is not None:
        found = stage(
            "rerank", RerankingRetriever(found, reranker, candidates=options.judged, weight=options.judge_weight)
        )
    if options.recency_half_life_days is not None:
        lowered = RecencyRetriever(
            found, snapshot, half_life_days=options.recency_half_life_days, weight=options.recency_weight
        )
        found = stage("recency", lowered)
    if options.min_score is not None or options.min_dense is not None:
        found = stage("threshold", ThresholdRetriever(found, min_score=options.min_score, min_dense=options.min_dense))
    if options.mmr is not None:
        found = stage("mmr", MmrRetriever(found, snapshot, relevance=options.mmr))
    if options.per_document is not None:
        found = stage("per document", PerDocumentRetriever(found, options.per_document))
    return found


def shaped(
    found: Retriever, snapshot: Callable[[], Snapshot], options: RetrievalOptions, stage: Stage = _as_it_is
) -> Retriever:
    """The retriever, with its hits as large as the options want them."""
    if options.expand != "none":
        share = 0.5 if options.expand == "merge" else 0.0
        found = stage("expand", MergingRetriever(snapshot, found, share=share))
    if options.window:
        found = stage("window", WindowRetriever(snapshot, found, sentences=options.window))
    return found


def through(
    base: Retriever,
    snapshot: Callable[[], Snapshot],
    embedder: Callable[[], Embedder],
    options: RetrievalOptions,
    *,
    has_levels: bool,
) -> Retriever:
    """The retriever, asked through what the options name; of nodes at several levels, the passages alone."""
    passages = at_level(base) if has_levels else base
    match options.via:
        case "graph":
            return GraphRetriever(snapshot, passages)
        case "summaries":
            return SummaryRetriever(snapshot, embedder(), passages)
        case "tree":
            return TreeRetriever(snapshot, embedder(), passages)
        case "tree-walk":
            return TreeRetriever(snapshot, embedder(), passages, walk="traversal")
        case "parents":
            return RecursiveRetriever(snapshot, base)
        case "passages":
            return passages


def with_model(
    found: Retriever,
    snapshot: Callable[[], Snapshot],
    llm: Callable[[], ChoosingLLM],
    options: RetrievalOptions,
    prompts: Prompts,
) -> Retriever:
    """The retriever, asked with what the local model makes of the question."""
    if options.transform is not None:
        found = MultiQueryRetriever(found, QueryTransform(llm(), options.transform, prompts).texts)
    if options.auto_filter:
        from docindex.retrieval.auto_filter import AutoFilterRetriever  # brings a parser, which takes time to load

        found = AutoFilterRetriever(snapshot, llm(), found, prompts)
    return found
