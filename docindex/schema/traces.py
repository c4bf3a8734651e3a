"""Traces: what a search or an answer came from, for whoever asks later.

They name passages and do not hold their texts; but an answer may say what they say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    from docindex.schema.answers import Hit
    from docindex.schema.derived import JsonValue
    from docindex.schema.names import SearchMode

TraceKind = Literal["search", "query"]
PromptPart = Literal["whole", "cut", "dropped"]
"""How much of a passage the prompt held: all, its first sentences, or nothing since it had no room."""


@dataclass(frozen=True, slots=True)
class TracedHit:
    """A hit of a stage."""

    rank: int
    score: float
    dense: float | None
    lexical: float | None
    node_id: str
    doc_id: str
    duplicates: tuple[str, ...] = ()
    """As a hit has them: ids of nodes that are left out for it."""
    merged: tuple[str, ...] = ()
    """As a hit has them: ids of the nodes that it holds."""

    def as_dict(self) -> dict[str, Any]:
        """The hit as `--json` prints it."""
        scores = {name: _rounded(getattr(self, name)) for name in ("score", "dense", "lexical")}
        return asdict(self) | scores

    @classmethod
    def of(cls, hit: Hit) -> Self:
        """What is kept of a hit."""
        scores = hit.scores
        return cls(
            hit.rank, hit.score, scores.dense, scores.lexical, hit.node_id, hit.doc_id, hit.duplicates, hit.merged
        )


@dataclass(frozen=True, slots=True)
class TracedStage:
    """A stage of a search."""

    name: str
    milliseconds: float
    """With the stages that it asked."""
    text: str
    """What it was asked for."""
    filter: str | None
    """Under which condition, as a filter would state it: that of the search, and what the stages that asked it have
    added. Of a long list of values it has the first ones."""
    hits: tuple[TracedHit, ...]

    def as_dict(self) -> dict[str, Any]:
        """The stage as `--json` prints it."""
        hits = [hit.as_dict() for hit in self.hits]
        taken = round(self.milliseconds, 1)
        return {"name": self.name, "milliseconds": taken, "text": self.text, "filter": self.filter, "hits": hits}


@dataclass(frozen=True, slots=True)
class TracedPassage:
    """A hit that was to go into the prompt."""

    rank: int
    """Among the hits."""
    node_id: str
    doc_id: str
    part: PromptPart


@dataclass(frozen=True, slots=True)
class TracedCitation:
    """A citation of the answer."""

    marker: int
    node_id: str
    doc_id: str
    verified: bool


@dataclass(frozen=True, slots=True)
class TracedAnswer:
    """An answer, and what it was made from."""

    text: str
    no_answer: bool
    model: str
    passages: tuple[TracedPassage, ...]
    """What the prompt held, best first, and then what it had no room for."""
    citations: tuple[TracedCitation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What a search or an answer came from."""

    kind: TraceKind
    at: datetime
    """When it was asked."""
    query: str
    k: int
    mode: SearchMode
    filter: str | None
    options: Mapping[str, JsonValue] = field(default_factory=dict)
    """The retrieval options that were not as they are by default."""
    version: int
    """Of the index."""
    milliseconds: float
    """In all."""
    stages: tuple[TracedStage, ...]
    """Innermost first: the hits that were given are those of the last one."""
    answer: TracedAnswer | None = None
    """Of a query."""
    trace_id: int = 0
    """By which it is asked for; 0 as long as it is not kept."""

    @property
    def hits(self) -> tuple[TracedHit, ...]:
        """What was given, best first."""
        return self.stages[-1].hits if self.stages else ()

    def as_dict(self) -> dict[str, Any]:
        """The trace as `--json` prints it."""
        stages = [stage.as_dict() for stage in self.stages]
        return asdict(self) | {"milliseconds": round(self.milliseconds, 1), "stages": stages}


@dataclass(frozen=True, slots=True)
class TraceSummary:
    """A trace in a list."""

    trace_id: int
    kind: TraceKind
    at: datetime
    query: str
    version: int
    milliseconds: float
    no_answer: bool | None
    """None of a search."""

    def as_dict(self) -> dict[str, Any]:
        """The summary as `--json` prints it."""
        return asdict(self) | {"milliseconds": round(self.milliseconds, 1)}


@dataclass(frozen=True, slots=True)
class TraceState:
    """Whether traces are kept."""

    on: bool
    keep: int
    """How many at most."""
    kept: int
    """How many there are."""


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, 6)
