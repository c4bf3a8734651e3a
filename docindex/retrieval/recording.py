"""From a search, and the answer that was made of it, to a trace that is kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass
from datetime import UTC, datetime
from typing import Protocol

from docindex.protocols import Retriever
from docindex.retrieval.options import RetrievalOptions
from docindex.retrieval.tracing import StageTrace, Trail
from docindex.schema import (
    Hit,
    JsonValue,
    Query,
    Response,
    Trace,
    TracedAnswer,
    TracedCitation,
    TracedHit,
    TracedPassage,
    TracedStage,
)


class TraceSink(Protocol):
    """Where traces are kept. Neither part raises: a search that can't be traced is a search all the same."""

    @property
    def is_on(self) -> bool:
        """Whether traces are to be kept."""
        ...

    def add(self, trace: Trace) -> int | None:
        """Keeps a trace, and returns its id; None where that was not possible."""
        ...


class RecordingRetriever:
    """Keeps a trace of each search while traces are on; costs nothing to speak of while they are off."""

    def __init__(
        self,
        inner: Retriever,
        trail: Trail,
        sink: TraceSink,
        version: Callable[[], int],
        *,
        filter: str | None = None,  # noqa: A002 - the trace's word
        options: RetrievalOptions | None = None,
    ) -> None:
        """Holds a retriever whose stages note on the trail; `filter` and `options` are what it was made with."""
        self._inner = inner
        self._trail = trail
        self._sink = sink
        self._version = version
        self._filter = filter
        self._options = _changed(options)

    def retrieve(self, query: Query) -> list[Hit]:
        """The inner retriever's hits, kept as a search."""
        hits, recording = self.begin(query)
        if recording is not None:
            recording.keep()
        return hits

    def explain(self, query: Query) -> list[StageTrace]:
        """What each stage of the search gives; it is kept as `retrieve` does."""
        with self._trail.followed() as stages:
            self.retrieve(query)
        return stages

    def begin(self, query: Query) -> tuple[list[Hit], Recording | None]:
        """The hits, and what can be kept of them together with an answer; None while traces are off."""
        if not self._sink.is_on:
            return self._inner.retrieve(query), None
        version = self._version()  # before the search: a trace must not pass for one of a version after a purge
        at, started = datetime.now(UTC), time.perf_counter()
        with self._trail.followed() as stages:
            hits = self._inner.retrieve(query)

        def keep(answer: TracedAnswer | None) -> int | None:
            return self._sink.add(
                Trace(
                    kind="search" if answer is None else "query",
                    at=at,
                    query=query.text,
                    k=query.k,
                    mode=query.mode,
                    filter=self._filter,
                    options=self._options,
                    version=version,
                    milliseconds=(time.perf_counter() - started) * 1000,
                    stages=tuple(_stage(stage) for stage in stages),
                    answer=answer,
                )
            )

        return hits, Recording(hits, keep)


class Recording:
    """A search of which nothing is kept yet."""

    def __init__(self, hits: Sequence[Hit], keep: Callable[[TracedAnswer | None], int | None]) -> None:
        self._hits = hits
        self._keep = keep

    def keep(self, response: Response | None = None) -> int | None:
        """Keeps the search, with the response that was made of it; returns the trace's id."""
        return self._keep(None if response is None else _answer(response, self._hits))


def _stage(stage: StageTrace) -> TracedStage:
    return TracedStage(stage.name, stage.milliseconds, stage.text, stage.filter, tuple(map(TracedHit.of, stage.hits)))


def _answer(response: Response, found: Iterable[Hit]) -> TracedAnswer:
    whole = {hit.node_id: hit for hit in found}
    passages = []
    for hit in response.hits:
        before = whole.get(hit.node_id)
        cut = before is not None and hit.node.end < before.node.end
        passages.append(TracedPassage(hit.rank, hit.node_id, hit.doc_id, "cut" if cut else "whole"))
    passages += [TracedPassage(hit.rank, hit.node_id, hit.doc_id, "dropped") for hit in response.dropped]
    citations = tuple(
        TracedCitation(citation.marker, citation.node_id, citation.doc_id, citation.verified)
        for citation in response.citations
    )
    return TracedAnswer(response.answer, response.no_answer, response.model, tuple(passages), citations)


def _changed(options: RetrievalOptions | None) -> Mapping[str, JsonValue]:
    if options is None:
        return {}
    given = {field.name: getattr(options, field.name) for field in fields(options)}
    if options.prompts is not None:
        given["prompts"] = str(options.prompts)
    return {
        name: asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
        for name, value in given.items()
        if value != getattr(RetrievalOptions(), name)
    }
