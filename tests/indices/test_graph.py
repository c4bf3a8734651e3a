"""Entities by rules and by a model, the graph of them, and what is found through it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from defusedxml import ElementTree
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.config import IndexConfig
from docindex.indices.entities import RuleExtractor, candidate_keys, key_of
from docindex.indices.entities_by_model import ModelExtractor
from docindex.indices.graph import EntityGraph
from docindex.protocols import ChangeSet, IndexStore
from docindex.retrieval.filtered import DOC_ID
from docindex.retrieval.graph import GraphRetriever, near_passages, neighbours, path
from docindex.retrieval.graphml import write_graphml
from docindex.retrieval.single import LexicalRetriever
from docindex.schema import Compare, Query
from docindex.stores.commit import create_stores
from docindex.stores.manifest import Manifest
from docindex.testing.scripted_llm import ScriptedLLM
from docindex.testing.stored_texts import DIM, text_change

PASSAGES = [
    "Ada Lovelace wrote to Charles Babbage about the analytical engine.",
    "Charles Babbage built the difference engine in London. The analytical engine was never finished.",
    "London lies on the Thames. The difference engine weighed four tonnes.",
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[IndexStore]:
    made = create_stores(tmp_path / "index", Manifest(config=IndexConfig(), embedder="e", fingerprint="f", dim=DIM))
    with made.writer() as writer:
        writer.commit(
            ChangeSet(
                documents=[
                    text_change("engines", *PASSAGES),
                    text_change("river", "The Thames runs through Oxford and London.", "Fish live in the Thames."),
                ]
            )
        )
        EntityGraph(RuleExtractor()).refresh(writer, lambda _: None)
    yield made
    made.close()


def test_names_and_repeated_phrases_are_entities() -> None:
    first, second, third = RuleExtractor().extract(PASSAGES)
    assert first.entities == {
        "ada lovelace": "Ada Lovelace",
        "charles babbage": "Charles Babbage",
        "analytical engine": "analytical engine",
    }
    assert ("ada lovelace", "wrote to", "charles babbage") in first.relations
    assert set(second.entities) == {"charles babbage", "difference engine", "london", "analytical engine"}
    assert ("london", "", "analytical engine") not in second.relations  # another sentence
    assert "thame" in third.entities


def test_a_word_that_only_begins_sentences_is_no_name() -> None:
    (found,) = RuleExtractor().extract(["Water boils. Water freezes. Steam rises from the X200 and libFoo."])
    assert set(found.entities) == {"x200", "libfoo"}


def test_keys_fold_case_and_plural() -> None:
    assert key_of("Analytical Engines") == key_of("analytical engine") == "analytical engine"
    assert key_of("bus") == "bus"
    assert {"analytical engine", "engine"} <= candidate_keys("What is the Analytical Engine?")


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(max_size=200), max_size=4))
def test_any_text_can_be_read(passages: list[str]) -> None:
    found = RuleExtractor().extract(passages)
    assert len(found) == len(passages)
    for extraction in found:
        for left, _, right in extraction.relations:
            assert {left, right} <= extraction.entities.keys()


def test_the_model_adds_facts_that_stand_in_the_passage() -> None:
    llm = ScriptedLLM(
        '[["Ada Lovelace", "wrote to", "Charles Babbage"], ["Ada Lovelace", "was born in", "Paris"]]',
        '[["Charles Babbage", "built", "the difference engine"], ["London", "is',
        "no JSON at all",
    )
    first, second, third = ModelExtractor(llm, RuleExtractor()).extract(PASSAGES)
    assert ("ada lovelace", "wrote to", "charles babbage") in first.relations
    assert "pari" not in first.entities
    assert ("charles babbage", "built", "the difference engine") in second.relations
    assert third == RuleExtractor().extract(PASSAGES)[2]


def test_the_graph_follows_its_documents(store: IndexStore) -> None:
    assert store.snapshot().derived_documents("graph") == {"engines", "river"}
    with store.writer() as writer:
        writer.commit(ChangeSet(documents=[text_change("river", "The Danube runs through Vienna.")]))
        assert EntityGraph(RuleExtractor()).refresh(writer, lambda _: None) == 1
    terms = dict(store.snapshot().derived_terms("graph"))
    assert "vienna" in terms
    assert "oxford" not in terms
    assert store.snapshot().problems() == []


def test_neighbours_and_paths(store: IndexStore) -> None:
    snapshot = store.snapshot()
    beside = {one.key: one for one in neighbours(snapshot, "Charles Babbage")}
    assert beside["ada lovelace"].relations == ("wrote to",)
    assert beside["analytical engine"].passages == 2
    steps = path(snapshot, "Ada Lovelace", "Oxford")
    assert [step.end for step in steps] == ["charles babbage", "london", "oxford"]
    assert "Oxford" in snapshot.nodes([steps[-1].node_id])[0].node.text
    assert path(snapshot, "Ada Lovelace", "Vienna") == []
    assert neighbours(snapshot, "Vienna") == []


def test_the_graph_raises_what_it_knows_of(store: IndexStore) -> None:
    retriever = GraphRetriever(store.snapshot, LexicalRetriever(store.snapshot), weight=5.0)
    hits = retriever.retrieve(Query("Who knew Ada Lovelace?", k=3))
    assert "Ada Lovelace" in hits[0].text
    assert any("difference engine" in hit.text for hit in hits)  # which only the graph connects with her
    inner = LexicalRetriever(store.snapshot)
    plain = Query("fish live", k=3)
    assert GraphRetriever(store.snapshot, inner).retrieve(plain) == inner.retrieve(plain)
    assert near_passages(store.snapshot(), "nothing of that") == {}


def test_what_only_the_graph_knows_of_comes_in_under_a_condition(
    store: IndexStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("docindex.retrieval.graph._LOOKED_AT", 1)
    retriever = GraphRetriever(store.snapshot, LexicalRetriever(store.snapshot))
    query = Query("Who knew Ada Lovelace?", k=3)
    plain = retriever.retrieve(query)
    known = {hit.node_id for hit in LexicalRetriever(store.snapshot).retrieve(query)}
    (further, *_) = (hit for hit in plain if hit.node_id not in known)
    inside = retriever.retrieve(replace(query, where=Compare(DOC_ID, "=", further.doc_id)))
    assert further.node_id in {hit.node_id for hit in inside}
    assert {hit.doc_id for hit in inside} == {further.doc_id}
    assert retriever.retrieve(replace(query, where=Compare(DOC_ID, "=", "elsewhere"))) == []


def test_graphml_can_be_read_back(store: IndexStore) -> None:
    file = io.BytesIO()
    nodes, edges = write_graphml(store.snapshot(), file)
    root = ElementTree.fromstring(file.getvalue())
    space = "{http://graphml.graphdrawing.org/xmlns}"
    ids = [node.get("id") for node in root.iter(f"{space}node")]
    assert len(ids) == len(set(ids)) == nodes
    found = [(edge.get("source"), edge.get("target")) for edge in root.iter(f"{space}edge")]
    assert len(found) == edges
    assert ("ada lovelace", "charles babbage") in found
