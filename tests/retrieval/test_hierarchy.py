"""Parents in the store: their vectors, merging into them, windows around passages, and parents first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from docindex.chunking.hierarchy import HierarchicalChunker
from docindex.chunking.passages import PassageChunker
from docindex.config import IndexConfig
from docindex.indices.passages import PassageIndex
from docindex.ingest.vectors import embed_pending
from docindex.protocols import ChangeSet, DocumentChange, IndexStore, NodeVectors
from docindex.retrieval.filtered import at_level, tells_nodes_apart
from docindex.retrieval.merging import MergingRetriever
from docindex.retrieval.recursive import RecursiveRetriever
from docindex.retrieval.single import DenseRetriever, LexicalRetriever
from docindex.retrieval.window import WindowRetriever
from docindex.schema import And, Compare, Document, Field, Heading, Not, Or, Page, Query
from docindex.stores.commit import create_stores
from docindex.stores.manifest import Manifest
from docindex.testing.fakes import HashingEmbedder

EMBEDDER = HashingEmbedder(dim=128)
TOPICS = ["pump", "heron", "oven", "wire", "tide", "map"]


def manual() -> Document:
    parts, headings, at = [], [], 0
    for topic in TOPICS:
        headings.append(Heading(1, at, f"The {topic}"))
        body = " ".join(f"Fact {number} about the {topic} is number {number * 7}." for number in range(14))
        parts.append(f"The {topic}\n\n{body}\n\n")
        at += len(parts[-1])
    return Document("manual", "manual.md", "".join(parts), title="Manual", headings=tuple(headings))


def change(document: Document, index: PassageIndex) -> DocumentChange:
    nodes = index.nodes(document)
    return DocumentChange(
        document=document,
        location=f"/{document.doc_id}",
        content_hash=document.text,
        bytes=len(document.text),
        modified_at=None,
        nodes=nodes,
        vectors=np.zeros((len(nodes), EMBEDDER.dim), np.float32),
    )


def new_index() -> PassageIndex:
    inner = PassageChunker(EMBEDDER.token_offsets, max_tokens=32, overlap_tokens=0)
    chunker = HierarchicalChunker(inner, EMBEDDER.token_offsets, (90, 300))
    return PassageIndex(lambda: (chunker, EMBEDDER), EMBEDDER.dim)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[IndexStore]:
    manifest = Manifest(config=IndexConfig(), embedder="e", fingerprint="f", dim=EMBEDDER.dim)
    made = create_stores(tmp_path / "index", manifest)
    index = new_index()
    note = Document("note", "note.txt", "A note about the heron.")
    with made.writer() as writer:
        writer.commit(ChangeSet(documents=[change(manual(), index), change(note, index)]))
        embed_pending(writer, index, lambda _: None)
    yield made
    made.close()


def test_a_parent_has_the_mean_of_its_passages_vectors(store: IndexStore) -> None:
    snapshot = store.snapshot()
    assert snapshot.count() == snapshot.embedded()
    nodes = snapshot.nodes_of_all(["manual"])["manual"]
    parents = [node for node in nodes if node.level]
    assert {node.level for node in parents} == {1, 2}
    for parent in parents:
        inside = [node for node in nodes if node.level == 0 and parent.start <= node.start < parent.end]
        mean = EMBEDDER.embed([node.full_text for node in inside], kind="passage").mean(axis=0)
        assert snapshot.vectors([parent.node_id])[0] == pytest.approx(mean / np.linalg.norm(mean), abs=1e-5)


def test_parents_wait_for_passages_that_are_not_embedded(store: IndexStore) -> None:
    """A window of nodes to embed may hold parents alone."""
    index = new_index()
    document = replace(manual(), doc_id="second", source="second.md")
    with store.writer() as writer:
        writer.commit(ChangeSet(documents=[change(document, index)]))
        parents = [node for node in writer.snapshot.nodes_of_all(["second"])["second"] if node.level]
        assert parents
        counts = embed_pending(writer, index, lambda _: None)
        assert counts.embedded + counts.reused == len(index.nodes(document)) - len(parents)
    assert store.snapshot().count() == store.snapshot().embedded()
    assert store.snapshot().problems() == []


def test_vectors_that_are_there_make_no_parent_wait(store: IndexStore) -> None:
    index = new_index()
    document = replace(manual(), doc_id="third", text=manual().text.replace("Fact", "Point"))
    with store.writer() as writer:
        writer.commit(ChangeSet(documents=[change(document, index)]))
        nodes = [node for node in index.nodes(document) if node.level == 0][:5]
        vectors = EMBEDDER.embed([node.full_text for node in nodes], kind="passage")
        writer.commit(ChangeSet(vectors=NodeVectors([node.node_id for node in nodes], vectors)))
        embed_pending(writer, index, lambda _: None)
    assert store.snapshot().count() == store.snapshot().embedded()


def test_passages_that_make_up_their_parent_are_given_as_it(store: IndexStore) -> None:
    passages = at_level(LexicalRetriever(store.snapshot))
    query = Query("facts about the heron", k=3)
    assert {hit.node.level for hit in passages.retrieve(query)} == {0}
    hits = MergingRetriever(store.snapshot, passages, share=0.5, depth=6).retrieve(query)
    best = hits[0]
    assert best.node.level >= 1
    assert "heron" in best.text
    assert len(best.merged) >= 2
    assert set(best.merged) <= {hit.node_id for hit in passages.retrieve(replace(query, k=18))}
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    spans = [(hit.doc_id, hit.node.start, hit.node.end) for hit in hits]
    for doc_id, start, end in spans:
        assert not [one for one in spans if one[0] == doc_id and one[1] < start and end <= one[2]]


def test_a_single_passage_stays_unless_parents_are_always_wanted(store: IndexStore) -> None:
    passages = at_level(LexicalRetriever(store.snapshot))
    query = Query("fact 3 about the oven is number 21", k=1)
    (hit,) = MergingRetriever(store.snapshot, passages, share=0.9, depth=1).retrieve(query)
    assert hit.node.level == 0
    (hit,) = MergingRetriever(store.snapshot, passages, share=0.0, depth=1).retrieve(query)
    assert hit.node.level == 2
    assert "number 21" in hit.text
    (hit,) = MergingRetriever(store.snapshot, passages, share=0.0).retrieve(Query("note", k=1))
    assert hit.doc_id == "note"


def test_parents_first_finds_the_passages_in_them(store: IndexStore) -> None:
    inner = DenseRetriever(store.snapshot, EMBEDDER)
    hits = RecursiveRetriever(store.snapshot, inner, parents=2).retrieve(Query("about the tide", k=6))
    assert all(hit.node.level == 0 and "tide" in hit.text for hit in hits[:4])
    found = RecursiveRetriever(store.snapshot, inner).retrieve(Query("a note about the heron", k=3))
    assert found[0].doc_id == "note"


def test_the_passages_in_parents_are_ranked_as_the_inner_retriever_ranks_them(store: IndexStore) -> None:
    inner = LexicalRetriever(store.snapshot)
    query = Query("fact 3 about the oven is number 21", k=4)
    hits = RecursiveRetriever(store.snapshot, inner).retrieve(query)
    assert "number 21" in hits[0].text
    alone = {hit.node_id: hit.score for hit in at_level(inner).retrieve(replace(query, k=100))}
    assert sorted(alone[hit.node_id] for hit in hits)[::-1] == [alone[hit.node_id] for hit in hits]
    assert all(hit.score == hit.scores.lexical for hit in hits)


PAGE = Field("page", "number", builtin=True)


def add_paged(store: IndexStore) -> None:
    """A manual whose first two pages end within its first larger node."""
    document = replace(manual(), doc_id="paged", source="paged.md")
    ends = [document.text.index(f"Fact {number} about the pump") for number in (2, 5)]
    spans = pairwise((0, *ends, len(document.text)))
    document = replace(document, pages=tuple(Page(number, *span) for number, span in enumerate(spans, 1)))
    index = new_index()
    with store.writer() as writer:
        writer.commit(ChangeSet(documents=[change(document, index)]))
        embed_pending(writer, index, lambda _: None)


@pytest.mark.parametrize("page", [1, 2, 3])
def test_a_condition_on_pages_holds_for_the_passages_in_parents(store: IndexStore, page: int) -> None:
    add_paged(store)
    inner = DenseRetriever(store.snapshot, EMBEDDER)
    topic = {1: "pump", 2: "pump", 3: "map"}[page]
    query = Query(f"about the {topic}", k=3, where=Compare(PAGE, "=", page))
    hits = RecursiveRetriever(store.snapshot, inner).retrieve(query)
    assert {hit.node.page for hit in hits} == {page}
    assert [hit.node_id for hit in hits] == [hit.node_id for hit in at_level(inner).retrieve(query)]
    first_parent = RecursiveRetriever(store.snapshot, inner, parents=1).retrieve(replace(query, k=20))
    assert first_parent
    assert all(topic in hit.text for hit in first_parent)
    nowhere = replace(query, where=Compare(PAGE, "=", 4))
    assert RecursiveRetriever(store.snapshot, inner).retrieve(nowhere) == []


def test_a_parent_is_given_under_a_condition_if_all_in_it_meets_that(store: IndexStore) -> None:
    add_paged(store)
    passages = at_level(LexicalRetriever(store.snapshot))
    query = Query("facts about the pump", k=8, where=Compare(PAGE, "=", 3))
    nodes = store.snapshot().nodes_of_all(["paged"])["paged"]
    for share in (0.0, 0.5):
        hits = MergingRetriever(store.snapshot, passages, share=share, depth=6).retrieve(query)
        assert {hit.node.level for hit in hits} >= {0, 1}  # where the page begins in a node, and behind it
        for hit in hits:
            inside = [node for node in nodes if node.level == 0 and hit.node.start <= node.start < hit.node.end]
            assert {node.page for node in inside} == {3}
    source = Field("source", "text", builtin=True)
    (whole, *_) = MergingRetriever(store.snapshot, passages, share=0.0).retrieve(
        replace(query, where=Compare(source, "=", "paged.md"))
    )
    assert whole.node.level == 2


def test_some_conditions_tell_the_nodes_of_a_document_apart() -> None:
    page, headings = Compare(PAGE, "=", 1), Compare(Field("headings", "list", builtin=True), "contains", "x")
    source = Compare(Field("source", "text", builtin=True), "=", "a")
    own = Compare(Field("page", "number", builtin=False), "=", 1)
    assert all(map(tells_nodes_apart, (page, headings, Not(page), And((source, page)), Or((Not(page), source)))))
    assert not any(map(tells_nodes_apart, (source, own, Not(source), And((source, own)))))


def test_windows_hold_the_sentences_around_and_join_where_they_touch(store: IndexStore) -> None:
    passages = at_level(LexicalRetriever(store.snapshot))
    text = manual().text
    query = Query("fact 3 about the wire is number 21", k=1)
    (plain,) = passages.retrieve(query)
    (wide,) = WindowRetriever(store.snapshot, passages, sentences=1).retrieve(query)
    assert wide.node_id == plain.node_id
    assert text[wide.node.start : wide.node.end] == wide.text
    assert plain.text in wide.text
    assert plain.text.count(".") < wide.text.count(".") <= plain.text.count(".") + 2
    assert WindowRetriever(store.snapshot, passages, sentences=0).retrieve(query)[0].text == plain.text

    many = WindowRetriever(store.snapshot, passages, sentences=3).retrieve(Query("facts about the wire", k=5))
    spans = sorted((hit.node.start, hit.node.end) for hit in many if hit.doc_id == "manual")
    assert all(end < start for (_, end), (start, _) in pairwise(spans))
    assert sum(len(hit.merged) or 1 for hit in many) == 5


def test_a_window_stays_on_its_page(store: IndexStore) -> None:
    text = "First page says one. And it says two. Second page says three. And it says four."
    middle = text.index("Second")
    document = Document("pages", "p.pdf", text, pages=(Page(1, 0, middle), Page(2, middle, len(text))))
    with store.writer() as writer:
        writer.commit(ChangeSet(documents=[change(document, new_index())]))
    passages = at_level(LexicalRetriever(store.snapshot))
    (hit,) = WindowRetriever(store.snapshot, passages, sentences=4).retrieve(Query("three", k=1))
    assert hit.text == text[middle:]
