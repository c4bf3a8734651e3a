"""Why an earlier search or answer used a document, or did not: told from its trace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from docindex.protocols import DocumentRecord, Snapshot
from docindex.retrieval.why import StageRank, last_between, lost_between
from docindex.schema import Trace, TracedAnswer, TracedStage, TraceKind

Fate = Literal["hit", "cited", "read", "cut", "dropped"]
"""What became of a passage: a hit of a search; cited in an answer; in the prompt and not cited, wholly or only with its
first sentences; or dropped, since the prompt had no room for it."""


@dataclass(frozen=True, slots=True)
class PassageFate:
    """What became of a passage of the document that was found."""

    node_id: str
    rank: int
    """Among the hits."""
    fate: Fate
    markers: tuple[int, ...]
    """Of the citations of it."""


@dataclass(frozen=True, slots=True)
class WhyTraced:
    """Why an earlier search or answer used a document, or did not."""

    trace_id: int
    kind: TraceKind
    at: datetime
    query: str
    doc_id: str
    used: bool
    """It is among the hits of the search, or a part of it was in the prompt."""
    reason: str
    """In one sentence."""
    stages: tuple[StageRank, ...]
    passages: tuple[PassageFate, ...]
    """Those that were found, best first."""

    def as_dict(self) -> dict[str, Any]:
        """The explanation as `--json` prints it."""
        return asdict(self)


def explain_traced(snapshot: Snapshot, trace: Trace, doc_id: str) -> WhyTraced | None:
    """Why the search or the answer of a trace used a document or not; None where neither it nor the index knows it."""
    record = snapshot.document(doc_id)
    ranks = tuple(_rank(stage, doc_id) for stage in trace.stages)
    passages = _passages(trace, doc_id)
    if record is None and not passages and all(rank.rank is None for rank in ranks):
        return None
    used = any(passage.fate != "dropped" for passage in passages)
    if not passages:
        reason = _not_found(trace, doc_id, ranks, record)
    elif trace.answer is None:
        reason = f"It was hit {passages[0].rank} of {len(trace.hits)}."
    else:
        reason = _in_answer(trace.answer, passages)
    return WhyTraced(trace.trace_id, trace.kind, trace.at, trace.query, doc_id, used, reason, ranks, passages)


def _rank(stage: TracedStage, doc_id: str) -> StageRank:
    best = next((hit for hit in stage.hits if hit.doc_id == doc_id), None)
    if best is None:
        return StageRank(stage.name, None, None, len(stage.hits), stage.filter)
    return StageRank(stage.name, best.rank, best.score, len(stage.hits), stage.filter)


def _passages(trace: Trace, doc_id: str) -> tuple[PassageFate, ...]:
    if trace.answer is None:
        return tuple(PassageFate(hit.node_id, hit.rank, "hit", ()) for hit in trace.hits if hit.doc_id == doc_id)
    fates: list[PassageFate] = []
    for passage in trace.answer.passages:
        if passage.doc_id == doc_id:
            markers = tuple(one.marker for one in trace.answer.citations if one.node_id == passage.node_id)
            fate: Fate = "read" if passage.part == "whole" else passage.part
            fates.append(PassageFate(passage.node_id, passage.rank, "cited" if markers else fate, markers))
    return tuple(sorted(fates, key=lambda fate: fate.rank))


def _in_answer(answer: TracedAnswer, passages: Sequence[PassageFate]) -> str:
    markers = sorted({marker for passage in passages for marker in passage.markers})
    if markers:
        return f"The answer cites it: {', '.join(f'[{marker}]' for marker in markers)}."
    read = [passage for passage in passages if passage.fate != "dropped"]
    if not read:
        return f"It was found, with the rank {passages[0].rank}, and the prompt had no room for it."
    beginning = ", with its first sentences" if all(passage.fate == "cut" for passage in read) else ""
    in_all = sum(passage.part != "dropped" for passage in answer.passages)
    place = f"It was in the prompt{beginning}, as hit {read[0].rank}; the prompt held {in_all}"
    if answer.no_answer:
        return f"{place}, and none of them was taken for an answer."
    return f"{place}, and no sentence of the answer cites it."


def _not_found(trace: Trace, doc_id: str, ranks: Sequence[StageRank], record: DocumentRecord | None) -> str:
    lost = last_between(ranks)
    if lost is not None:
        before, after = lost
        own = {hit.node_id for stage in trace.stages for hit in stage.hits if hit.doc_id == doc_id}
        kept = next((hit for hit in trace.hits if own & set(hit.duplicates)), None)
        if kept is not None:
            return f"It says nearly the same as {kept.doc_id}, which was hit {kept.rank}."
        return lost_between(before, after, trace.k)
    if record is not None and record.added_at > trace.at:
        return "It was not in the index then."
    if not trace.hits:
        return "No passage was found at all."
    condition = ranks[0].filter or trace.filter  # stages of older traces have none
    left_out = "" if condition is None else f" met the condition {condition} and"
    return f"No passage of it{left_out} was near enough: the stage {ranks[0].stage!r} gave {ranks[0].of} others."
