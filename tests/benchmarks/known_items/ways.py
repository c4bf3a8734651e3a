"""The ways of retrieval that are compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from docindex import wiring
from docindex.protocols import Retriever, Snapshot
from docindex.retrieval.compose import base_retriever
from docindex.retrieval.filtered import at_level
from docindex.retrieval.merging import MergingRetriever
from docindex.retrieval.options import RetrievalOptions

LEVELS = (512, 2048)
HITS = 5
DEPTH = 3
"""Auto-merging looks at so many times more passages than hits are wanted."""
DEEP = 30
"""Passages that are looked at where ways are compared at equal length: as many as auto-merging does for ten hits."""
FLAT = "flat passages"


@dataclass(frozen=True)
class Asking:
    """What a way is made of."""

    parts: wiring.Parts
    snapshot: Snapshot
    depth: int
    """Of merging: 1 where all hits are wanted that it makes of the passages."""

    def now(self) -> Snapshot:
        """The snapshot, which stays the same."""
        return self.snapshot

    def plain(self, options: RetrievalOptions) -> Retriever:
        """What `docindex search` does with the options."""
        return wiring.retriever(self.parts, "hybrid", self.now, options)

    def merging(self, share: float) -> Retriever:
        """Flat passages, merged."""
        return MergingRetriever(self.now, self.plain(RetrievalOptions()), share=share, depth=self.depth)

    def large(self) -> Retriever:
        """The nodes of the first level alone, as if they were the passages."""
        weight = self.parts.config.dense_weight
        return at_level(base_retriever("hybrid", self.now, self.parts.embedder, weight, RetrievalOptions()), 1)


@dataclass(frozen=True)
class Way:
    """A row of the table."""

    name: str
    make: Callable[[Asking], Retriever]


def with_options(name: str, options: RetrievalOptions) -> Way:
    return Way(name, lambda asking: asking.plain(options))


def merging(name: str, share: float) -> Way:
    return Way(name, lambda asking: asking.merging(share))


WAYS = (
    with_options(FLAT, RetrievalOptions()),
    with_options("flat, window of 2 sentences", RetrievalOptions(window=2)),
    with_options("flat, window of 5 sentences", RetrievalOptions(window=5)),
    Way(f"flat, nodes of {LEVELS[0]} tokens", Asking.large),
    merging("auto-merging, at 0.3", 0.3),
    merging("auto-merging, at 0.5 (`--expand merge`)", 0.5),
    merging("auto-merging, at 0.7", 0.7),
    merging("small to big (`--expand parent`)", 0.0),
    with_options("larger nodes first (`--via parents`)", RetrievalOptions(via="parents")),
)
