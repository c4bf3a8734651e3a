"""Why a document was found, or was not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from docindex.protocols import Embedder, Snapshot
from docindex.retrieval.filtered import DOC_ID, PASSAGE, narrowed
from docindex.retrieval.tracing import StageTrace
from docindex.retrieval.why_narrowed import not_looked_at
from docindex.schema import And, Compare, Condition, Query

_DEPTH = 1000
"""Ranks are told up to here."""


@dataclass(frozen=True, slots=True)
class SideRank:
    """Where the best passage of the document stands by one score."""

    score: float | None
    """None where it has none: no vector yet, or no word in common with the query."""
    rank: int | None
    """From 1, among the passages that meet the query's condition; None beyond 1,000."""


@dataclass(frozen=True, slots=True)
class StageRank:
    """What one stage of the search did with the document."""

    stage: str
    rank: int | None
    """Of its best passage; None where the stage gave none of it."""
    score: float | None
    of: int
    """How many hits the stage gave."""
    filter: str | None
    """The condition under which it was asked, as a filter would state it."""


@dataclass(frozen=True, slots=True)
class Why:
    """Why a document was found, or was not."""

    query: str
    doc_id: str
    found: bool
    """It is among the k hits."""
    reason: str
    """In one sentence."""
    passages: int
    """How many it has."""
    passages_in_question: int
    """How many of them meet the query's condition."""
    dense: SideRank
    lexical: SideRank
    stages: tuple[StageRank, ...]

    def as_dict(self) -> dict[str, Any]:
        """The explanation as `--json` prints it."""
        return asdict(self)


def explain_document(
    snapshot: Snapshot,
    embedder: Embedder | None,
    query: Query,
    doc_id: str,
    stages: Sequence[StageTrace],
    *,
    has_levels: bool,
) -> Why | None:
    """Why the search that left the stages gave the document or not; None when the index does not hold it.

    Of nodes at several levels, the passages alone are counted and ranked.
    """
    record = snapshot.document(doc_id)
    if record is None:
        return None
    own = Compare(DOC_ID, "=", doc_id)
    passages = snapshot.count(And((own, PASSAGE))) if has_levels else record.nodes
    among = narrowed(query, PASSAGE) if has_levels else query
    both = narrowed(among, own).where
    asked = snapshot.count(both)
    dense = _dense(snapshot, embedder, among, both) if asked and embedder else SideRank(None, None)
    lexical = _lexical(snapshot, among, both) if asked else SideRank(None, None)
    ranks = tuple(_stage(stage, doc_id) for stage in stages)
    found = bool(stages) and any(hit.doc_id == doc_id for hit in stages[-1].hits[: query.k])
    reason = (
        _plain_reason(query, record.state, asked, dense, lexical, ranks[-1] if found else None)
        or not_looked_at(
            snapshot, doc_id, stages, query.k, dense.score, lambda where: snapshot.count(And((own, where))) > 0
        )
        or _lost_reason(query, dense, lexical, ranks, stages, doc_id)
    )
    return Why(query.text, doc_id, found, reason, passages, asked, dense, lexical, ranks)


def _dense(snapshot: Snapshot, embedder: Embedder, query: Query, both: Condition | None) -> SideRank:
    vector = embedder.embed([query.text], kind="query")[0]
    best = snapshot.dense(vector, 1, both)
    if not best:
        return SideRank(None, None)
    ahead = snapshot.dense(vector, _DEPTH, query.where)
    rank = next((place for place, match in enumerate(ahead, 1) if match.node_id == best[0].node_id), None)
    return SideRank(best[0].score, rank)


def _lexical(snapshot: Snapshot, query: Query, both: Condition | None) -> SideRank:
    best = snapshot.lexical(query.text, 1, both)
    if not best:
        return SideRank(None, None)
    ahead = snapshot.lexical(query.text, _DEPTH, query.where)
    rank = next((place for place, match in enumerate(ahead, 1) if match.node_id == best[0].node_id), None)
    return SideRank(best[0].score, rank)


def _stage(stage: StageTrace, doc_id: str) -> StageRank:
    best = next((hit for hit in stage.hits if hit.doc_id == doc_id), None)
    if best is None:
        return StageRank(stage.name, None, None, len(stage.hits), stage.filter)
    return StageRank(stage.name, best.rank, best.score, len(stage.hits), stage.filter)


def last_between(ranks: Sequence[StageRank]) -> tuple[StageRank, StageRank] | None:
    """The last stage that gave the document, and the next one, which did not; None where there are no such two."""
    pairs = [(before, after) for before, after in pairwise(ranks) if before.rank is not None and after.rank is None]
    return pairs[-1] if pairs and ranks[-1].rank is None else None


def lost_between(before: StageRank, after: StageRank, k: int) -> str:
    """Why a document that one stage gave is not among what the next one gave, as far as their ranks tell."""
    if before.rank is not None and before.rank > k <= after.of:
        return f"The stage {before.stage!r} ranked it {before.rank}, behind the {k} that were asked for."
    return f"The stage {before.stage!r} ranked it {before.rank}, and {after.stage!r} gave none of it."


def _plain_reason(
    query: Query, state: str, asked: int, dense: SideRank, lexical: SideRank, hit: StageRank | None
) -> str | None:
    """The reason, where the stages need not be looked at."""
    if hit is not None:
        return f"It is hit {hit.rank} of {query.k}."
    if not asked:
        return "No passage of it meets the filter." if query.where is not None else "It holds no passage."
    if state == "text" and dense.score is None and lexical.score is None:
        return "It is not embedded yet, and shares no word with the query."
    if dense.score is None and lexical.score is None:
        return "It shares no word with the query."
    return None


def _lost_reason(
    query: Query,
    dense: SideRank,
    lexical: SideRank,
    ranks: Sequence[StageRank],
    stages: Sequence[StageTrace],
    doc_id: str,
) -> str:
    """Between which stages it was lost, or that it came too far behind."""
    lost = last_between(ranks)
    if lost is not None:
        before, after = lost
        if after.stage == "collapse":
            own = {hit.node_id for stage in stages for hit in stage.hits if hit.doc_id == doc_id}
            kept = next((hit for hit in stages[-1].hits if own & set(hit.duplicates)), None)
            if kept is not None:
                return f"It says nearly the same as {kept.source}, which is hit {kept.rank}."
        return lost_between(before, after, query.k)
    last = ranks[-1] if ranks else None
    if last is not None and last.rank is not None:
        return f"It ranks {last.rank}, behind the {query.k} that were asked for."
    texts = [stage.text for stage in stages if stage.name == stages[0].name]
    if texts and query.text not in texts:
        return f"Too many passages are nearer to what was looked up in the place of the query: {texts[-1]!r}."
    sides = [(side, one.rank) for side, one in (("dense", dense), ("lexical", lexical)) if one.score is not None]
    places = [f"{side} {rank or f'beyond {_DEPTH}'}" for side, rank in sides]
    return f"Too many passages are nearer: its best one has the ranks {' and '.join(places)}."
