"""Searches are traced while traces are on, each with its own stages."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from docindex import Index
from docindex.errors import QueryError
from docindex.retrieval.options import RetrievalOptions
from docindex.retrieval.tracing import StageTrace, TracingRetriever, Trail
from docindex.schema import Query


@pytest.fixture
def filled(index: Index, docs: Path) -> Index:
    index.ingest(docs)
    return index


def test_a_trace_has_what_the_search_was_asked(filled: Index):
    filled.traces.switch_on()
    options = RetrievalOptions(mmr=0.5, window=1)
    hits = filled.search("the tides", 2, "dense", "source contains 'sea'", options)
    trace = filled.traces.get()
    assert (trace.query, trace.k, trace.mode, trace.filter) == ("the tides", 2, "dense", "source contains 'sea'")
    assert trace.options == {"mmr": 0.5, "window": 1}
    assert trace.version == filled.versions()[0].version
    assert [hit.node_id for hit in trace.hits] == [hit.node_id for hit in hits]
    assert [stage.name for stage in trace.stages] == ["dense", "collapse", "mmr", "window"]
    assert 0 < trace.stages[0].milliseconds <= trace.stages[-1].milliseconds <= trace.milliseconds
    assert asyncio.run(filled.asearch("oil"))
    assert filled.traces.get().options == {}


def test_switching_on_and_off_holds_for_an_engine_that_is_there(filled: Index):
    retriever = filled._recorded("hybrid", None, None)
    retriever.retrieve(Query("one", 2))
    filled.traces.switch_on()
    retriever.retrieve(Query("two", 2))
    filled.traces.switch_off()
    retriever.retrieve(Query("three", 2))
    assert [one.query for one in filled.traces.newest()] == ["two"]


def test_each_thread_traces_its_own_search(filled: Index):
    filled.traces.switch_on()
    retriever = filled._recorded("lexical", None, None)
    words = ["apples", "orchard", "tides", "moon", "engine", "oil", "salt", "trees"] * 4
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda word: retriever.retrieve(Query(word, 3, "lexical")), words))
    kept = [filled.traces.get(one.trace_id) for one in filled.traces.newest()]
    assert sorted(trace.query for trace in kept) == sorted(words)
    for trace in kept:
        assert [(stage.name, stage.text) for stage in trace.stages] == [
            ("lexical", trace.query),
            ("collapse", trace.query),
        ]


def test_what_fails_leaves_no_trace_and_no_stage_behind(filled: Index):
    filled.traces.switch_on()
    with pytest.raises(QueryError):
        filled.search("oil", filter="nosuchfield = 1")
    assert filled.traces.newest() == []
    filled.search("oil", mode="lexical")
    assert len(filled.traces.get().stages) == 2


def test_a_trail_notes_only_while_somebody_follows():
    class Nothing:
        def retrieve(self, query: Query) -> list:
            return []

    trail = Trail()
    retriever = TracingRetriever("nothing", Nothing(), trail)
    retriever.retrieve(Query("before"))
    with trail.followed() as stages, trail.followed() as inner:
        retriever.retrieve(Query("within"))
    retriever.retrieve(Query("after"))
    assert [type(stage) for stage in stages] == [StageTrace]
    assert stages[0].text == "within"
    assert inner == stages
    assert trail.stages is None
