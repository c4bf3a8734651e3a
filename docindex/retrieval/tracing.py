"""What each stage of a search gave, for explanations and for traces."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from docindex.protocols import Retriever
from docindex.retrieval.filter_text import filter_text
from docindex.schema import Condition, Hit, Query


@dataclass(frozen=True, slots=True)
class StageTrace:
    """One stage's answer."""

    name: str
    milliseconds: float
    """With the stages that it asked."""
    text: str
    """What it was asked for: a transform may have changed the query."""
    where: Condition | None
    """Under which condition: the filter, and what the stages that asked it have added."""
    hits: tuple[Hit, ...]

    @property
    def filter(self) -> str | None:
        """The condition as a filter would state it."""
        return None if self.where is None else filter_text(self.where)

    def as_dict(self) -> dict[str, Any]:
        """The stage as `--json` prints it."""
        hits = [{"rank": hit.rank, "score": round(hit.score, 6), "node_id": hit.node_id} for hit in self.hits]
        taken = round(self.milliseconds, 1)
        return {"name": self.name, "milliseconds": taken, "text": self.text, "filter": self.filter, "hits": hits}


class Trail:
    """Where the stages of a retriever note what they give while somebody follows; each thread has its own search."""

    def __init__(self) -> None:
        self._here = threading.local()

    @contextmanager
    def followed(self) -> Iterator[list[StageTrace]]:
        """The stages of the search within the block, innermost first; they are there once it is done."""
        if self.stages is not None:  # whoever else follows reads the same
            yield self.stages
            return
        stages: list[StageTrace] = []
        self._here.stages = stages
        try:
            yield stages
        finally:
            self._here.stages = None

    @property
    def stages(self) -> list[StageTrace] | None:
        """What is noted of this thread's search; None while nobody follows."""
        stages: list[StageTrace] | None = getattr(self._here, "stages", None)
        return stages


class TracingRetriever:
    """Notes on a trail what another retriever gives."""

    def __init__(self, name: str, inner: Retriever, trail: Trail) -> None:
        self._name = name
        self._inner = inner
        self._trail = trail

    def retrieve(self, query: Query) -> list[Hit]:
        """The inner retriever's hits."""
        stages = self._trail.stages
        if stages is None:
            return self._inner.retrieve(query)
        started = time.perf_counter()
        hits = self._inner.retrieve(query)
        taken = (time.perf_counter() - started) * 1000
        stages.append(StageTrace(self._name, taken, query.text, query.where, tuple(hits)))
        return hits
