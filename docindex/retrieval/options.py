"""How a search is made, beyond its mode: everything that can be switched on, in one place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self, get_args

from docindex.errors import ConfigError
from docindex.retrieval import late, rerank
from docindex.retrieval.feedback import Feedback
from docindex.retrieval.fusion import Fusion
from docindex.schema import Expand, TransformName, Via

LATE = "late"
"""The reranker that needs no model but the index's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalOptions:
    """The defaults are what measured best among what costs nothing."""

    via: Via = "passages"
    """What the passages are found through: themselves, the graph, the documents' summaries, the tree of summaries (all
    of it, or walked from the top), or the larger nodes of a hierarchy first."""
    transform: TransformName | None = None
    """Have the local model turn the question into what is looked up."""
    auto_filter: bool = False
    """Have the local model read a condition out of the question."""
    fusion: Fusion = "weighted"
    """How the hybrid mode makes one ranking of two."""
    dense_weight: float | None = None
    """The share of the dense score in the hybrid mode; None is the index's own."""
    grains: bool = False
    """Hybrid mode: judge a passage by its best sentence and its surroundings, too. Wants the index "sentences"."""
    feedback: Feedback | None = None
    """Hybrid mode: let the query learn from the best passages, and search again."""
    collapse: bool = True
    """Leave out what says nearly the same as a better hit."""
    rerank: str | None = None
    """What judges the best hits: a cross-encoder, by its folder, its GGUF file or its name in the catalogue, or "late"
    for late interaction on the vectors of the embedder's tokens."""
    rerank_candidates: int | None = None
    """How many hits it judges; None is 20, or 12 for late interaction."""
    rerank_weight: float | None = None
    """The share of its scores, the search's own have the rest; None is 1, or 0.5 for late interaction."""
    recency_half_life_days: float | None = None
    """Lower the scores of older documents; in this many days by half of what they can lose."""
    recency_weight: float = 0.3
    """What they can lose: the oldest document keeps the rest of its score."""
    mmr: float | None = None
    """Choose hits for variety, too: the share of relevance against it, 1 is relevance alone."""
    per_document: int | None = None
    """The most hits of one document."""
    min_score: float | None = None
    """Leave out hits whose score is lower."""
    min_dense: float | None = None
    """Leave out hits whose cosine to the query is lower."""
    llm_rerank: int = 0
    """How many of the best hits the local model judges, after all else."""
    expand: Expand = "none"
    """Give passages as the larger node that holds them: where they are most of it ("merge"), or always ("parent")."""
    window: int = 0
    """Sentences before and after a hit that are given with it."""
    prompts: str | Path | None = None
    """A folder with prompts of one's own, for what the local model is asked."""

    def with_prompts(self, folder: str | Path | None) -> Self:
        """These, with a folder of prompts where they name none."""
        return self if folder is None or self.prompts is not None else replace(self, prompts=folder)

    @property
    def asks_model(self) -> bool:
        """Whether the local model has a part in the search."""
        return self.transform is not None or self.auto_filter or self.llm_rerank > 0

    @property
    def judged(self) -> int:
        """How many hits are reranked."""
        return self.rerank_candidates or (late.CANDIDATES if self.rerank == LATE else rerank.CANDIDATES)

    @property
    def judge_weight(self) -> float:
        """The share of the reranker's scores."""
        if self.rerank_weight is not None:
            return self.rerank_weight
        return late.WEIGHT if self.rerank == LATE else 1.0

    def __post_init__(self) -> None:
        for name in ("dense_weight", "rerank_weight", "recency_weight", "mmr"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise ConfigError(f"{name} is {value}: give a value from 0 to 1.")
        for name in ("rerank_candidates", "per_document"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"{name} is {value}: give 1 or more.")
        for name, choices in (
            ("fusion", get_args(Fusion)),
            ("via", get_args(Via)),
            ("expand", get_args(Expand)),
            ("transform", (None, *get_args(TransformName))),
        ):
            if getattr(self, name) not in choices:
                known = ", ".join(str(choice) for choice in choices if choice is not None)
                raise ConfigError(f"{name} is {getattr(self, name)!r}: choose {known}.")
        if self.recency_half_life_days is not None and not self.recency_half_life_days > 0:
            raise ConfigError(f"recency_half_life_days is {self.recency_half_life_days}: give a value above 0.")
        if not 0 <= self.llm_rerank <= 100:
            raise ConfigError(f"llm_rerank is {self.llm_rerank}: give a value from 0 to 100.")
        if not 0 <= self.window <= 50:
            raise ConfigError(f"window is {self.window}: give a value from 0 to 50.")
        if self.grains and (self.feedback is not None or self.fusion != "weighted"):
            raise ConfigError("grains goes with the weighted fusion and without feedback: leave one of them out.")
