"""What each stage of a search gave, for explanations."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from docindex.protocols import Retriever
from docindex.schema import Hit, Query


@dataclass(frozen=True, slots=True)
class StageTrace:
    """One stage's answer."""

    name: str
    milliseconds: float
    """With the stages that it asked."""
    text: str
    """What it was asked for: a transform may have changed the query."""
    hits: tuple[Hit, ...]

    def as_dict(self) -> dict[str, Any]:
        """The stage as `--json` prints it."""
        hits = [{"rank": hit.rank, "score": round(hit.score, 6), "node_id": hit.node_id} for hit in self.hits]
        return {"name": self.name, "milliseconds": round(self.milliseconds, 1), "text": self.text, "hits": hits}


@dataclass(slots=True)
class Trail:
    """The stages of one search, innermost first."""

    stages: list[StageTrace] = field(default_factory=list)


class TracingRetriever:
    """Notes on a trail what another retriever gives."""

    def __init__(self, name: str, inner: Retriever, trail: Trail) -> None:
        self._name = name
        self._inner = inner
        self._trail = trail

    def retrieve(self, query: Query) -> list[Hit]:
        """The inner retriever's hits."""
        started = time.perf_counter()
        hits = self._inner.retrieve(query)
        taken = (time.perf_counter() - started) * 1000
        self._trail.stages.append(StageTrace(self._name, taken, query.text, tuple(hits)))
        return hits
