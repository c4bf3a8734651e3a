"""The rows of the table, in its order."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from docindex.retrieval.feedback import Feedback
from docindex.retrieval.options import LATE, RetrievalOptions
from docindex.schema import SearchMode

DEFAULT = "hybrid: weighted sum (the default)"
BUILT = ("sentences", "summaries", "tree")
"""The indexes on top of the passages that rows need, as --build adds them."""


@dataclass(frozen=True, kw_only=True)
class Method:
    """A row of the table."""

    name: str
    options: RetrievalOptions
    mode: SearchMode = "hybrid"
    needs: str = ""
    """The index on top of the passages without which it is left out, or "levels"."""
    model: bool = False
    """The local model writes or reads for each query."""
    most: int | None = None
    """It is measured on so many queries and no more, since each takes long and it is no candidate for the best."""

    def missing(self, there: Collection[str]) -> str:
        """What it lacks, and how that is brought about; empty if nothing."""
        if self.options.rerank == "":
            return "no model was given: --cross-encoder FOLDER"
        if not self.needs or self.needs in there:
            return ""
        if self.needs == "levels":
            return "the index has no larger nodes: ingest anew with --levels 512,2048"
        return f"the index has no {self.needs}: --build {self.needs}"


PLAIN = RetrievalOptions()
GRAINS = RetrievalOptions(grains=True)
TREE = RetrievalOptions(via="tree")


def methods(cross_encoder: Path | None) -> list[Method]:
    """All rows; that of the cross-encoder has an empty name of a model where none is given."""
    crossed = replace(PLAIN, rerank=str(cross_encoder) if cross_encoder else "")
    return [
        Method(name="dense", options=PLAIN, mode="dense"),
        Method(name="lexical", options=PLAIN, mode="lexical"),
        Method(name="dense + feedback", options=RetrievalOptions(feedback=Feedback(terms=0), dense_weight=1.0)),
        Method(
            name="lexical + feedback", options=RetrievalOptions(feedback=Feedback(vector_share=0.0), dense_weight=0.0)
        ),
        Method(name="hybrid: reciprocal ranks", options=RetrievalOptions(fusion="rrf")),
        Method(name="hybrid: relative scores", options=RetrievalOptions(fusion="relative")),
        Method(name=DEFAULT, options=PLAIN),
        Method(name="+ auto-merging", options=RetrievalOptions(expand="merge"), needs="levels"),
        Method(name="+ small to big", options=RetrievalOptions(expand="parent"), needs="levels"),
        Method(name="+ sentence window (2)", options=RetrievalOptions(window=2)),
        Method(name="larger nodes first, then passages", options=RetrievalOptions(via="parents"), needs="levels"),
        Method(name="document summaries first", options=RetrievalOptions(via="summaries"), needs="summaries"),
        Method(name="tree of summaries, collapsed", options=TREE, needs="tree"),
        Method(name="tree of summaries, from the top", options=RetrievalOptions(via="tree-walk"), needs="tree"),
        Method(name="graph of entities", options=RetrievalOptions(via="graph"), needs="graph"),
        Method(name="+ feedback, vector alone", options=RetrievalOptions(feedback=Feedback(terms=0))),
        Method(name="+ feedback, words alone", options=RetrievalOptions(feedback=Feedback(vector_share=0.0))),
        Method(name="+ feedback, both", options=RetrievalOptions(feedback=Feedback())),
        Method(name="+ multi-query", options=RetrievalOptions(transform="multi-query"), model=True),
        Method(name="+ HyDE", options=RetrievalOptions(transform="hyde"), model=True),
        Method(name="+ variety (MMR, 0.7)", options=RetrievalOptions(mmr=0.7)),
        Method(name="+ rerank: cross-encoder", options=crossed),
        Method(name="+ rerank: cross-encoder, half its score", options=replace(crossed, rerank_weight=0.5)),
        Method(name="+ rerank: late interaction", options=RetrievalOptions(rerank=LATE)),
        Method(
            name="+ rerank: late interaction alone", options=RetrievalOptions(rerank=LATE, rerank_weight=1.0), most=200
        ),
        Method(name="+ rerank: the local model", options=RetrievalOptions(llm_rerank=10), model=True, most=50),
        Method(name="+ three grains", options=GRAINS, needs="sentences"),
        Method(name="+ three grains, late interaction", options=replace(GRAINS, rerank=LATE), needs="sentences"),
        Method(name="+ three grains, variety", options=replace(GRAINS, mmr=0.7), needs="sentences"),
        Method(name="+ tree, late interaction", options=replace(TREE, rerank=LATE), needs="tree", most=200),
        Method(
            name="+ feedback, late interaction", options=RetrievalOptions(feedback=Feedback(), rerank=LATE), most=200
        ),
    ]
