"""Document summaries and the tree: made, kept up to date, and what they find."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from docindex.config import IndexConfig
from docindex.errors import ConfigError
from docindex.indices.definitions import definition_of
from docindex.indices.document_summaries import DocumentSummaries
from docindex.indices.grouping import groups_alike, groups_in_order
from docindex.indices.summarising import ExtractiveSummarizer
from docindex.indices.tree import SummaryTree
from docindex.protocols import ChangeSet, DocumentChange, IndexStore, Snapshot
from docindex.retrieval.filtered import DOC_ID
from docindex.retrieval.single import DenseRetriever, LexicalRetriever
from docindex.retrieval.summaries import SummaryRetriever
from docindex.retrieval.tree import TreeRetriever, TreeWalk
from docindex.schema import Compare, DerivedRecord, Field, Progress, Query
from docindex.stores.commit import create_stores
from docindex.stores.manifest import Manifest
from docindex.testing.fakes import HashingEmbedder
from docindex.testing.stored_texts import text_change

EMBEDDER = HashingEmbedder(dim=64)
TOPICS = ["pump oil tank", "heron pond reed", "bread oven flour", "copper wire coil", "moon tide sea"]


def change(doc_id: str, *paragraphs: str) -> DocumentChange:
    made = text_change(doc_id, *paragraphs, dim=EMBEDDER.dim)
    return replace(made, vectors=EMBEDDER.embed([node.full_text for node in made.nodes], kind="passage"))


def paragraphs(topic: str, number: int) -> list[str]:
    return [
        f"Part {part} of report {number} says that the {topic.split()[part % 3]} is what matters for {topic}."
        for part in range(11)
    ]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[IndexStore]:
    made = create_stores(
        tmp_path / "index", Manifest(config=IndexConfig(), embedder="e", fingerprint="f", dim=EMBEDDER.dim)
    )
    documents = [change(f"{number:02}", *paragraphs(TOPICS[number % 5], number)) for number in range(12)]
    with made.writer() as writer:
        writer.commit(ChangeSet(documents=[*documents, change("short", "A single note on the heron.")]))
    yield made
    made.close()


def refresh(store: IndexStore, index: DocumentSummaries | SummaryTree) -> int:
    with store.writer() as writer:
        return index.refresh(writer, lambda _: None)


def new_tree() -> SummaryTree:
    return SummaryTree(EMBEDDER, ExtractiveSummarizer(EMBEDDER, words=20), fanout=4)


def by_key(snapshot: Snapshot) -> dict[str, DerivedRecord]:
    return {record.key: record for record in snapshot.derived("tree")}


def assert_sound(snapshot: Snapshot) -> None:
    """One root above everything, each passage in one leaf, each summary but the root in one above it."""
    records = by_key(snapshot)
    nodes = {
        node.node_id
        for record in snapshot.documents()
        for node in snapshot.nodes_of_all([record.doc_id])[record.doc_id]
    }
    members = [member for record in records.values() for member in record.data["members"]]  # type: ignore[union-attr]
    assert len(members) == len(set(members))
    tops = records.keys() - set(members)
    assert len(tops) == 1
    assert set(members) == nodes | (records.keys() - tops)
    assert set(records[tops.pop()].documents) == {record.doc_id for record in snapshot.documents()}
    assert all(len(record.data["members"]) <= 4 for record in records.values())  # type: ignore[arg-type]
    assert snapshot.problems() == []


def test_the_tree_holds_everything_once(store: IndexStore) -> None:
    made = refresh(store, new_tree())
    assert made == len(by_key(store.snapshot()))
    assert_sound(store.snapshot())
    assert refresh(store, new_tree()) == 0


def test_an_edit_makes_one_document_and_what_is_above_it_anew(store: IndexStore) -> None:
    refresh(store, new_tree())
    before = by_key(store.snapshot())
    with store.writer() as writer:
        writer.commit(ChangeSet(documents=[change("03", *paragraphs(TOPICS[3], 3), "One more on bread.")]))
    made = refresh(store, new_tree())
    after = by_key(store.snapshot())
    assert_sound(store.snapshot())
    others = [key for key, record in before.items() if record.documents != ("03",) and len(record.documents) == 1]
    assert others
    assert all(key in after for key in others)
    assert made < len(before) / 2


def test_deleting_and_adding_keep_the_tree_whole(store: IndexStore) -> None:
    refresh(store, new_tree())
    for number in range(12):
        with store.writer() as writer:
            writer.commit(
                ChangeSet(
                    documents=[change(f"new {number}", *paragraphs(TOPICS[number % 5], 50 + number))],
                    delete_documents=[f"{number:02}"],
                )
            )
        refresh(store, new_tree())
        assert_sound(store.snapshot())


def test_an_interrupted_refresh_goes_on(store: IndexStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docindex.indices.growing.COMMIT_SECONDS", 0.0)

    def interrupt(progress: Progress) -> None:
        if progress.step == "index" and progress.nodes == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), store.writer() as writer:
        new_tree().refresh(writer, interrupt)
    kept = len(store.snapshot().derived_documents("tree"))
    assert kept == 6
    refresh(store, new_tree())
    assert_sound(store.snapshot())


def test_an_interruption_above_the_documents_costs_no_summary(
    store: IndexStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("docindex.indices.growing.COMMIT_SECONDS", 0.0)
    monkeypatch.setattr(ExtractiveSummarizer, "together", 1)  # as the local model's

    def interrupt(progress: Progress) -> None:
        if progress.step == "index" and progress.nodes_total < 13 and progress.nodes == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), store.writer() as writer:
        new_tree().refresh(writer, interrupt)
    kept = {key for key, record in by_key(store.snapshot()).items() if record.data["layer"]}
    assert len(kept) == 2
    refresh(store, new_tree())
    assert_sound(store.snapshot())
    assert kept <= by_key(store.snapshot()).keys()


def test_a_tree_in_order_puts_together_what_stands_together(store: IndexStore) -> None:
    summarizer = ExtractiveSummarizer(EMBEDDER, words=20)
    refresh(store, SummaryTree(EMBEDDER, summarizer, fanout=4, grouping="order"))
    snapshot = store.snapshot()
    assert_sound(snapshot)
    leaves = {
        tuple(record.data["members"])  # type: ignore[arg-type]
        for record in snapshot.derived("tree")
        if record.data["height"] == 1 and "03" in record.documents
    }
    passages = [node.node_id for node in snapshot.nodes_of_all(["03"])["03"]]
    assert leaves == {tuple(passages[start:end]) for start, end in ((0, 4), (4, 7), (7, 11))}
    walk = TreeRetriever(store.snapshot, EMBEDDER, LexicalRetriever(store.snapshot), walk="traversal", beam=3)
    hits = walk.retrieve(Query("what matters for the copper wire coil", k=5))
    assert {hit.doc_id for hit in hits} <= {"03", "08"}
    assert len(hits) == 5


def test_how_a_tree_groups_is_part_of_its_definition() -> None:
    assert definition_of("tree") == definition_of("tree", grouping="alike") != definition_of("tree", grouping="order")
    with pytest.raises(ConfigError, match="alike"):
        definition_of("tree", grouping="chance")  # type: ignore[arg-type]


@pytest.mark.parametrize("walk", ["collapsed", "traversal"])
def test_the_tree_finds_passages_of_the_topic(store: IndexStore, walk: TreeWalk) -> None:
    refresh(store, new_tree())
    inner = LexicalRetriever(store.snapshot)
    retriever = TreeRetriever(store.snapshot, EMBEDDER, inner, walk=walk, beam=3)
    hits = retriever.retrieve(Query("what matters for the heron pond reed", k=5))
    assert [hit.rank for hit in hits] == [1, 2, 3, 4, 5]
    assert all("heron" in hit.text for hit in hits)
    within = Compare(Field("doc_id", "text", builtin=True), "in", ("06", "02"))
    hits = retriever.retrieve(Query("what matters for the heron pond reed", k=5, where=within))
    assert {hit.doc_id for hit in hits} <= {"06", "02"}


def test_without_a_tree_the_inner_retriever_decides(store: IndexStore) -> None:
    inner = DenseRetriever(store.snapshot, EMBEDDER)
    query = Query("bread oven", k=4)
    found = TreeRetriever(store.snapshot, EMBEDDER, inner).retrieve(query)
    assert [hit.score for hit in found] == [hit.score for hit in inner.retrieve(query)]
    assert TreeRetriever(store.snapshot, EMBEDDER, inner, walk="traversal").retrieve(query) == []


def test_each_document_has_a_summary_and_an_edited_one_a_new_one(store: IndexStore) -> None:
    index = DocumentSummaries(EMBEDDER, ExtractiveSummarizer(EMBEDDER, words=20))
    assert refresh(store, index) == 13
    before = {record.key: record.data["text"] for record in store.snapshot().derived("summaries")}
    assert before["short"] == "A single note on the heron."
    with store.writer() as writer:
        writer.commit(ChangeSet(documents=[change("short", "A single note on copper.")]))
    assert refresh(store, index) == 1
    after = {record.key: record.data["text"] for record in store.snapshot().derived("summaries")}
    assert after == before | {"short": "A single note on copper."}


def test_documents_are_found_first(store: IndexStore) -> None:
    refresh(store, DocumentSummaries(EMBEDDER, ExtractiveSummarizer(EMBEDDER, words=20)))
    retriever = SummaryRetriever(store.snapshot, EMBEDDER, DenseRetriever(store.snapshot, EMBEDDER), documents=2)
    hits = retriever.retrieve(Query("the moon tide sea", k=30))
    assert {hit.doc_id for hit in hits} == {"04", "09"}
    assert len(hits) == 22


def test_a_condition_that_the_nearest_documents_fail_is_met_by_others(store: IndexStore) -> None:
    refresh(store, DocumentSummaries(EMBEDDER, ExtractiveSummarizer(EMBEDDER, words=20)))
    retriever = SummaryRetriever(store.snapshot, EMBEDDER, DenseRetriever(store.snapshot, EMBEDDER), documents=1)
    hits = retriever.retrieve(Query("the moon tide sea", k=12, where=Compare(DOC_ID, "in", ("03", "short"))))
    assert [hit.doc_id for hit in hits].count("short") == 1
    assert [hit.doc_id for hit in hits].count("03") == 11


@pytest.mark.parametrize("beam", [1, 3])
def test_a_condition_that_the_walk_does_not_meet_widens_it(store: IndexStore, beam: int) -> None:
    refresh(store, new_tree())
    inner = DenseRetriever(store.snapshot, EMBEDDER)
    retriever = TreeRetriever(store.snapshot, EMBEDDER, inner, walk="traversal", beam=beam)
    for within, found in ((("03",), 11), (("03", "short"), 12), (("gone",), 0)):
        hits = retriever.retrieve(Query("the moon tide sea", k=50, where=Compare(DOC_ID, "in", within)))
        assert len(hits) == found
        assert {hit.doc_id for hit in hits} <= set(within)


@pytest.mark.parametrize(("count", "most"), [(1, 4), (4, 4), (5, 4), (100, 8), (64, 8)])
def test_groups_hold_each_row_once_and_are_balanced(count: int, most: int) -> None:
    vectors = np.random.default_rng(3).normal(size=(count, 16)).astype(np.float32)
    for groups in (groups_alike(vectors, most), groups_in_order(count, most)):
        assert sorted(row for group in groups for row in group) == list(range(count))
        assert all(len(group) <= most for group in groups)
        assert count <= most or min(map(len, groups)) >= most // 2 - 1
    assert groups_alike(np.ones((9, 4), np.float32), 4)  # all the same


def test_like_vectors_come_together() -> None:
    corners = np.diag([4, 3, 2, 1]).astype(np.float32)  # were all as far apart, rounding would choose between them
    vectors = np.repeat(corners, 4, axis=0)[np.random.default_rng(1).permutation(16)]
    for group in groups_alike(vectors, 4):
        assert len({tuple(vectors[row]) for row in group}) == 1
