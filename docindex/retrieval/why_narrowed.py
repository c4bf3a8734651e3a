"""Why a search did not look at a document at all: some of its stages look only where they see fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from docindex.indices.document_summaries import KIND as SUMMARIES
from docindex.protocols import Snapshot
from docindex.retrieval.filter_text import filter_text
from docindex.retrieval.tracing import StageTrace
from docindex.schema import Condition

_ROUNDING = 1e-5


def not_looked_at(
    snapshot: Snapshot,
    doc_id: str,
    stages: Sequence[StageTrace],
    k: int,
    cosine: float | None,
    meets: Callable[[Condition], bool],
) -> str | None:
    """Why a search did not look at a document that it could have; None where it did, or where that can't be told.

    Args:
        snapshot: What was searched.
        doc_id: The document, which is not among the hits.
        stages: What the search left, innermost first.
        k: How many hits were asked for.
        cosine: Of the document's nearest passage.
        meets: Whether any passage of the document meets a condition.
    """
    chain = _chain(stages)
    for asking, asked in pairwise(chain):
        if asked.where is not None and asked.where != asking.where and not meets(asked.where):
            return _narrowed_by(snapshot, doc_id, asking.name, asked.where)
    if chain and chain[-1].name == "tree-walk" and _walked_past(chain[-1], doc_id, k, cosine):
        return "The walk down the tree of summaries did not come to it."
    return None


def _chain(stages: Sequence[StageTrace]) -> list[StageTrace]:
    """The stages from the outermost one inwards. One that asked the next several times goes by the last time."""
    chain: list[StageTrace] = []
    for stage in reversed(stages):
        chain.append(stage)
        if stage.name == stages[0].name:
            break
    return chain


def _narrowed_by(snapshot: Snapshot, doc_id: str, stage: str, where: Condition) -> str:
    match stage:
        case "summaries":
            if doc_id not in snapshot.derived_documents(SUMMARIES):
                return "It has no summary yet, and documents without one are not looked into."
            return "Its summary is not among the nearest ones, and only the documents of those were looked into."
        case "parents":
            return "No larger node that was looked into holds a passage of it."
        case _:  # only the model is left
            told = filter_text(where)
            return f"No passage of it meets the condition that the model read out of the question: {told}."


def _walked_past(walk: StageTrace, doc_id: str, k: int, cosine: float | None) -> bool:
    """Whether the walk would have given the document, had it come to it: it ranks by cosine what it comes to."""
    if any(hit.doc_id == doc_id for hit in walk.hits):
        return False
    return len(walk.hits) < k or (cosine is not None and cosine > walk.hits[-1].score + _ROUNDING)
