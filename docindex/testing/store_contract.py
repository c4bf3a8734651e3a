"""What every IndexStore does. Subclass `StoreContract`, override `make_store`, and inherit the tests; needs Hypothesis.

`text_change` is here for other tests too: a document ready to be committed.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.errors import LockedError, StoreError
from docindex.protocols import ChangeSet, DocumentChange, IndexStore, Match, Snapshot, SourceRecord, Vectors
from docindex.schema import (
    Compare,
    Condition,
    Document,
    Field,
    Heading,
    MetadataValue,
    Node,
    Not,
    Page,
    Progress,
    digest,
)
from docindex.testing.condition_meaning import DAY, HOSTILE, conditions, holds, hostile_metadata

DIM = 16


def text_vector(text: str, dim: int = DIM) -> Vectors:
    """A unit vector that depends on the text alone, shape (dim,)."""
    seed = int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big")
    vector = np.random.default_rng(seed).normal(size=dim).astype(np.float32)
    return vector / np.linalg.norm(vector)


def text_change(
    doc_id: str,
    *paragraphs: str,
    title: str = "",
    metadata: Mapping[str, MetadataValue] | None = None,
    location: str | None = None,
    modified_at: datetime | None = None,
    dim: int = DIM,
) -> DocumentChange:
    """A document of these paragraphs, one page and one node each, to commit."""
    text = "\n\n".join(paragraphs)
    nodes: list[Node] = []
    pages: list[Page] = []
    start = 0
    for order, paragraph in enumerate(paragraphs):
        end = start + len(paragraph)
        pages.append(Page(order + 1, start, end, f"p{order + 1}"))
        nodes.append(
            Node(
                node_id=digest(doc_id, str(order), paragraph),
                doc_id=doc_id,
                order=order,
                start=start,
                end=end,
                text=paragraph,
                context=title,
                headings=(title,) if title else (),
                page=order + 1,
                page_label=f"p{order + 1}",
            )
        )
        start = end + 2
    document = Document(
        doc_id=doc_id,
        source=doc_id,
        text=text,
        title=title,
        metadata=metadata or {},
        pages=tuple(pages),
        headings=(Heading(1, 0, title),) if title else (),
    )
    vectors = [text_vector(node.full_text, dim) for node in nodes]
    return DocumentChange(
        document=document,
        location=location or f"/docs/{doc_id}",
        content_hash=digest(text, title, repr(sorted((metadata or {}).items()))),
        bytes=len(text.encode("utf-8", "surrogatepass")),
        modified_at=modified_at,
        nodes=tuple(nodes),
        vectors=np.array(vectors, np.float32).reshape(-1, dim),
    )


def source_of(change: DocumentChange) -> SourceRecord:
    """The record of the file that the document is."""
    return SourceRecord(
        location=change.location,
        name=change.document.source,
        root="/docs",
        content_hash=change.content_hash,
        bytes=change.bytes,
        modified_at=change.modified_at,
    )


# --- the suite ------------------------------------------------------------------------------------------------------


class StoreContract(ABC):
    """Subclass it, and override `make_store`."""

    @abstractmethod
    def make_store(self, path: Path, dim: int) -> IndexStore:
        """A new, empty store in a folder that does not exist yet."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[IndexStore]:
        store = self.make_store(tmp_path / "index", DIM)
        yield store
        store.close()

    # documents

    def test_a_new_store_is_empty(self, store: IndexStore) -> None:
        snapshot = store.snapshot()
        assert (list(snapshot.documents()), list(snapshot.sources()), snapshot.count()) == ([], [], 0)
        assert snapshot.lexical("anything", 5) == []
        assert snapshot.dense(text_vector("anything"), 5) == []
        assert snapshot.document("a") is None
        assert snapshot.load("a") is None
        assert snapshot.problems() == []

    def test_what_is_committed_comes_back(self, store: IndexStore) -> None:
        metadata: dict[str, MetadataValue] = {
            "text": "it's \0 \U0001f986",
            "whole": 3,
            "part": 0.25,
            "flag": True,
            "when": DAY,
            "tags": ("a", "b"),
            "none": (),
        }
        change = text_change("b/ü 'x'.txt", "First.", "", "Third one.", title="A title", metadata=metadata)
        other = text_change("a", "Other text.", modified_at=DAY)
        commit(store, change, other)
        snapshot = store.snapshot()
        assert snapshot.load("b/ü 'x'.txt") == change.document
        assert [record.doc_id for record in snapshot.documents()] == ["a", "b/ü 'x'.txt"]
        record = snapshot.document("b/ü 'x'.txt")
        assert record is not None
        assert record.metadata == metadata
        assert [type(value) for value in record.metadata.values()] == [type(value) for value in metadata.values()]
        assert (record.title, record.pages, record.nodes, record.state) == ("A title", 3, 3, "ready")
        assert (record.pages_without_text, record.bytes) == ((2,), change.bytes)
        assert [stored.node for stored in snapshot.nodes_of("b/ü 'x'.txt")] == list(change.nodes)
        wanted = [change.nodes[2], other.nodes[0], change.nodes[0]]
        stored = snapshot.nodes([node.node_id for node in wanted])
        assert [found.node for found in stored] == wanted
        assert (stored[0].source, stored[0].title, stored[0].metadata) == ("b/ü 'x'.txt", "A title", metadata)
        assert (stored[1].modified_at, stored[1].media_type) == (DAY, "text/plain")
        assert list(snapshot.sources(["/docs/a", "/nowhere"])) == [source_of(other)]
        assert len(list(snapshot.sources())) == 2
        assert [found.doc_id for found in snapshot.documents_of("/docs/a")] == ["a"]

    def test_an_update_replaces_and_a_delete_removes(self, store: IndexStore) -> None:
        commit(store, text_change("a", "Old text.", "More."), text_change("b", "Stays."))
        before = store.snapshot()
        added = before.document("a")
        commit(store, text_change("a", "New words."))
        now = store.snapshot()
        updated = now.document("a")
        assert added is not None
        assert updated is not None
        assert updated.added_at == added.added_at < updated.updated_at
        assert now.count() == 2
        assert texts(now, now.lexical("words", 5)) == ["New words."]
        assert now.lexical("old", 5) == []
        with store.writer() as writer:
            writer.commit(ChangeSet(delete_documents=["a", "nowhere"], delete_sources=["/docs/a"]))
        last = store.snapshot()
        assert [record.doc_id for record in last.documents()] == ["b"]
        assert [source.name for source in last.sources()] == ["b"]
        assert last.count() == 1
        assert last.problems() == []
        assert before.count() == 3
        assert texts(before, before.lexical("old", 5)) == ["Old text."]
        assert before.load("a") == text_change("a", "Old text.", "More.").document

    def test_old_versions_can_be_opened(self, store: IndexStore) -> None:
        first = commit(store, text_change("a", "One."))
        commit(store, text_change("a", "Two."), text_change("b", "Three."))
        old = store.snapshot(first.version)
        assert [record.doc_id for record in old.documents()] == ["a"]
        assert texts(old, old.lexical("one two", 5)) == ["One."]
        assert old.problems() == []
        with pytest.raises(StoreError, match="Version 99"):
            store.snapshot(99)

    def test_an_empty_commit_changes_nothing(self, store: IndexStore) -> None:
        version = commit(store, text_change("a", "One.")).version
        with store.writer() as writer:
            assert writer.commit(ChangeSet()).version == version

    def test_many_documents_in_one_commit(self, store: IndexStore) -> None:
        commit(store, *(text_change(f"d{i:04}", f"Number {i}.", metadata={"i": i}) for i in range(1203)))
        snapshot = store.snapshot()
        assert [record.doc_id for record in snapshot.documents()] == [f"d{i:04}" for i in range(1203)]
        assert len(list(snapshot.sources())) == snapshot.count() == 1203
        with store.writer() as writer:
            writer.commit(ChangeSet(delete_documents=[f"d{i:04}" for i in range(1200)]))
        assert [record.doc_id for record in store.snapshot().documents()] == ["d1200", "d1201", "d1202"]
        assert store.snapshot().problems() == []

    def test_fields_have_the_types_of_their_values(self, store: IndexStore) -> None:
        commit(
            store,
            text_change("a", "A", metadata={"year": 1999, "mixed": 5, "tags": ("x",), "when": DAY, "ok": True}),
            text_change("b", "B", metadata={"year": 2001.5, "mixed": "n/a", "page": "shadowed"}),
        )
        found = {field.name: field.type for field in store.snapshot().fields() if not field.builtin}
        assert found == {
            "year": "number",
            "mixed": "text",
            "tags": "list",
            "when": "date",
            "ok": "boolean",
        }
        commit(store, text_change("b", "B"))
        found = {field.name: field.type for field in store.snapshot().fields() if not field.builtin}
        assert found["mixed"] == "number"
        commit(store, text_change("a", "A"))
        assert all(field.builtin for field in store.snapshot().fields())

    # searching

    def test_dense_search_gives_exact_cosines(self, store: IndexStore) -> None:
        changes = [text_change(f"d{i}", f"Text {i}.", metadata={"half": i % 2}) for i in range(60)]
        commit(store, *changes)
        query = text_vector("the query") * 3
        vectors = np.concatenate([change.vectors for change in changes])
        expected = vectors @ text_vector("the query")
        order = np.argsort(-expected)
        snapshot = store.snapshot()
        found = snapshot.dense(query, 7)
        assert [match.node_id for match in found] == [changes[i].nodes[0].node_id for i in order[:7]]
        assert [match.score for match in found] == pytest.approx(expected[order[:7]], abs=1e-5)
        half = Compare(Field("half", "number", builtin=False), "=", 1)
        only = [i for i in order if i % 2]
        assert [m.node_id for m in snapshot.dense(query, 7, half)] == [changes[i].nodes[0].node_id for i in only[:7]]
        assert snapshot.dense(query, 0) == []
        assert len(snapshot.dense(query, 1000)) == 60
        assert snapshot.dense(np.zeros(DIM, np.float32), 3) == []

    def test_vectors_come_back_in_order(self, store: IndexStore) -> None:
        a, b = text_change("a", "One.", "Two."), text_change("b", "Three.")
        commit(store, a, b)
        snapshot = store.snapshot()
        ids = [b.nodes[0].node_id, a.nodes[1].node_id, b.nodes[0].node_id]
        assert np.array_equal(snapshot.vectors(ids), [b.vectors[0], a.vectors[1], b.vectors[0]])
        assert snapshot.vectors([]).shape == (0, DIM)
        found = snapshot.vectors_by_hash([a.nodes[0].content_hash, "unknown"])
        assert list(found) == [a.nodes[0].content_hash]
        assert np.array_equal(found[a.nodes[0].content_hash], a.vectors[0])
        with pytest.raises(StoreError, match="nowhere"):
            snapshot.vectors(["nowhere"])
        with pytest.raises(StoreError, match="nowhere"):
            snapshot.nodes(["nowhere"])

    def test_lexical_search_stems_and_prefers_titles(self, store: IndexStore) -> None:
        commit(
            store,
            text_change("a", "The runner was running along the river.", title="Sport"),
            text_change("b", "Nothing of the kind, a long text about other things, and a run.", title="Other"),
            text_change("c", "A dog.", title="Run"),
            text_change("d", "A cat.", title="Cat"),
        )
        snapshot = store.snapshot()
        found = snapshot.lexical("RUNS", 10)
        assert texts(snapshot, found)[0] == "A dog."
        assert {stored.node.doc_id for stored in snapshot.nodes([m.node_id for m in found])} == {"a", "b", "c"}
        assert [match.score for match in found] == sorted((match.score for match in found), reverse=True)
        assert len(snapshot.lexical("runs", 2)) == 2

    @pytest.mark.parametrize("text", ["", "   ", "the of and", "\0", '"', "+-&|!(){}[]^~*?:\\/", "zzzunknown"])
    def test_searching_for_nothing_finds_nothing(self, store: IndexStore, text: str) -> None:
        commit(store, text_change("a", "The cat and the dog."))
        assert store.snapshot().lexical(text, 5) == []

    @pytest.mark.parametrize("text", ['"cat', "cat AND", "cat OR (", "+cat -dog", "title:cat", "cat~2 ca*", "NOT cat"])
    def test_no_character_of_a_query_is_syntax(self, store: IndexStore, text: str) -> None:
        commit(store, text_change("a", "The cat sat."), text_change("b", "A bird."))
        assert texts(store.snapshot(), store.snapshot().lexical(text, 5)) == ["The cat sat."]

    def test_scores_do_not_depend_on_filters(self, store: IndexStore) -> None:
        words = ["alpha", "beta", "gamma", "delta", "epsilon"]
        changes = [
            text_change(f"d{i}", " ".join([words[i % 5]] * (i % 3 + 1) + [words[i % 4]] * 2), metadata={"i": i})
            for i in range(40)
        ]
        commit(store, *changes)
        with store.writer() as writer:
            writer.maintain(force=True)
        snapshot = store.snapshot()
        scores = {match.node_id: match.score for match in snapshot.lexical("alpha delta", 100)}
        some = sorted(scores)[::3]
        assert {m.node_id: m.score for m in snapshot.lexical("alpha delta", 100, among=some)} == {
            node_id: scores[node_id] for node_id in some
        }
        late = Compare(Field("i", "number", builtin=False), ">", 20)
        for match in snapshot.lexical("alpha delta", 100, late):
            assert match.score == scores[match.node_id]
        assert snapshot.lexical("alpha", 5, among=[]) == []

    def test_both_sides_give_what_each_gives(self, store: IndexStore) -> None:
        changes = [text_change(f"d{i}", f"alpha {i}" if i % 2 == 0 else f"beta {i}") for i in range(12)]
        waiting = replace(changes[0], vectors=np.zeros_like(changes[0].vectors))
        commit(store, waiting, *changes[1:])
        snapshot = store.snapshot()
        vector = text_vector("question")
        near, worded, cosines = snapshot.search_both("alpha", vector, 5)
        assert near == snapshot.dense(vector, 5)
        assert worded == snapshot.lexical("alpha", 5)
        assert len(near) == len(worded) == 5
        all_worded = {match.node_id for match in snapshot.lexical("alpha", 12)}
        every = {match.node_id: match.score for match in snapshot.dense(vector, 12)}
        assert waiting.nodes[0].node_id not in every
        _, worded, cosines = snapshot.search_both("alpha", vector, 12)
        assert cosines == pytest.approx({key: every[key] for key in all_worded & every.keys()}, abs=1e-6)

    def test_searching_writes_nothing_to_standard_error(
        self, store: IndexStore, capfd: pytest.CaptureFixture[str]
    ) -> None:
        change = text_change("a", "The cat sat.")
        commit(store, change)
        snapshot = store.snapshot()
        snapshot.lexical("cat", 3, among=[change.nodes[0].node_id])
        snapshot.dense(text_vector("cat"), 3)
        snapshot.problems()
        snapshot.statistics()
        assert capfd.readouterr() == ("", "")

    # conditions

    def test_conditions_select_what_they_say(self, store: IndexStore) -> None:
        changes = [
            text_change(
                f"doc {i} {text[:8]}".replace("\0", ""),
                "First.",
                "Second.",
                title=text,
                metadata=hostile_metadata(i, text),
                modified_at=None if i % 3 else DAY + timedelta(days=i, microseconds=i),
            )
            for i, text in enumerate(HOSTILE)
        ]
        commit(store, *changes)
        snapshot = store.snapshot()
        everything = [stored for change in changes for stored in snapshot.nodes_of(change.document.doc_id)]
        node_ids = [stored.node.node_id for stored in everything]
        vector = text_vector("any")

        @settings(deadline=None, max_examples=150)
        @given(conditions(snapshot.fields()))
        def check(condition: Condition) -> None:
            expected = {stored.node.node_id for stored in everything if holds(condition, stored)}
            assert {match.node_id for match in snapshot.dense(vector, len(everything), condition)} == expected
            assert snapshot.count(condition) == len(expected)
            assert snapshot.meeting([*node_ids, "unknown"], condition) == expected

        check()

    def test_a_missing_field_meets_no_comparison_but_its_negation(self, store: IndexStore) -> None:
        commit(store, text_change("a", "A", metadata={"n": 1}), text_change("b", "B"))
        snapshot = store.snapshot()
        n, page = Field("n", "number", builtin=False), Field("modified_at", "date", builtin=True)
        assert snapshot.count(Compare(n, "!=", 2)) == 1
        assert snapshot.count(Not(Compare(n, "!=", 2))) == 1
        assert snapshot.count(Not(Compare(n, ">", 0))) == 1
        assert snapshot.count(Compare(page, "!=", DAY)) == 0
        assert snapshot.count(Not(Compare(page, "<", DAY))) == 2

    # writing

    def test_there_is_one_writer(self, store: IndexStore) -> None:
        with store.writer():
            with pytest.raises(LockedError, match=r"process \d+ on .+ since"), store.writer():
                pass
            with pytest.raises(LockedError), store.writer(wait_seconds=0.2):
                pass
        with store.writer() as writer:
            writer.commit(ChangeSet(documents=[text_change("a", "A")]))

    @pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
    @pytest.mark.parametrize("step", ["journal", "nodes-deleted", "nodes-written", "registry-written"])
    def test_an_interrupted_commit_leaves_the_old_version(
        self, store: IndexStore, step: str, error: type[BaseException]
    ) -> None:
        commit(store, text_change("a", "Old text."), text_change("b", "Other."))
        version = store.snapshot().version
        new = ChangeSet(documents=[text_change("a", "New text."), text_change("c", "C.")], delete_documents=["b"])

        def interrupt(progress: Progress) -> None:
            if progress.step == step:
                raise error

        with store.writer() as writer:
            with pytest.raises(error):
                writer.commit(new, interrupt)
            assert store.snapshot().version == version
            assert texts(store.snapshot(), store.snapshot().lexical("text", 5)) == ["Old text."]
            assert store.snapshot().problems() == []
            writer.commit(new)
        assert texts(store.snapshot(), store.snapshot().lexical("text", 5)) == ["New text."]
        assert [record.doc_id for record in store.snapshot().documents()] == ["a", "c"]
        assert store.snapshot().problems() == []

    def test_contradictory_changes_are_refused(self, store: IndexStore) -> None:
        commit(store, text_change("a", "Old text."))
        version = store.snapshot().version
        good = text_change("b", "Good.")
        for bad in (
            [good, text_change("b", "Twice.")],
            [text_change("c", "Three.", dim=DIM + 1)],
            [text_change("c", "Lone \ud800.")],
            [text_change("c\0", "NUL.")],
            [text_change("c", "Title", title="\udfff")],
            [text_change("c", "Metadata.", metadata={"x\0": 1})],
        ):
            with store.writer() as writer, pytest.raises(StoreError):
                writer.commit(ChangeSet(documents=bad))
        assert store.snapshot().version == version
        assert store.snapshot().problems() == []

    def test_maintenance_changes_no_content(self, store: IndexStore) -> None:
        for i in range(6):
            commit(store, text_change(f"d{i}", f"Text number {i}.", metadata={"i": i}))
        before = store.snapshot()
        with store.writer() as writer:
            writer.maintain(force=True)
            after = writer.snapshot
        assert list(after.documents()) == list(before.documents())
        assert after.lexical("number", 10) == before.lexical("number", 10)
        assert after.statistics()["unindexed_rows"] == 0
        assert after.problems() == before.problems() == []

    def test_statistics_count_what_is_there(self, store: IndexStore) -> None:
        commit(store, text_change("a", "One.", "Two."), text_change("b", "Three."))
        found = store.snapshot().statistics()
        assert (found["documents"], found["nodes"], found["sources"]) == (2, 3, 2)
        assert found["version"] == store.snapshot().version
        assert found["bytes"]["nodes"] > 0
        assert found["vector_index"] is None

    def test_any_sequence_of_commits_equals_a_dictionary(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        names = st.sampled_from(["a", "b", "c", "d'"])
        words = st.lists(st.sampled_from(["cat", "dog", "bird", "fish"]), min_size=1, max_size=2).map(" ".join)
        put = st.tuples(names, st.lists(words, max_size=3))
        step = st.tuples(st.lists(put, max_size=3), st.sets(names, max_size=2), st.booleans())

        @settings(deadline=None, max_examples=12)
        @given(st.lists(step, max_size=5))
        def check(steps: list[tuple[list[tuple[str, list[str]]], set[str], bool]]) -> None:
            store = self.make_store(tmp_path_factory.mktemp("model") / "index", DIM)
            model: dict[str, DocumentChange] = {}
            history = {store.snapshot().version: dict(model)}
            for puts, deleted, maintain in steps:
                changes = {name: text_change(name, *paragraphs) for name, paragraphs in puts}
                model = {name: change for name, change in model.items() if name not in deleted} | changes
                with store.writer() as writer:
                    writer.commit(ChangeSet(documents=list(changes.values()), delete_documents=deleted))
                    history[writer.snapshot.version] = dict(model)
                    if maintain:
                        writer.maintain(force=True)
                        history[writer.snapshot.version] = dict(model)
            for version, expected in history.items():
                _agree(store.snapshot(version), expected)
            store.close()

        check()


def commit(store: IndexStore, *changes: DocumentChange) -> Snapshot:
    """Commits documents with their sources."""
    with store.writer() as writer:
        return writer.commit(ChangeSet(documents=changes, sources=[source_of(change) for change in changes]))


def texts(snapshot: Snapshot, matches: Sequence[Match]) -> list[str]:
    """The texts of the nodes that were found, best first."""
    return [stored.node.text for stored in snapshot.nodes([match.node_id for match in matches])]


def _agree(snapshot: Snapshot, expected: Mapping[str, DocumentChange]) -> None:
    assert [record.doc_id for record in snapshot.documents()] == sorted(expected)
    assert snapshot.count() == sum(len(change.nodes) for change in expected.values())
    for doc_id, change in expected.items():
        assert snapshot.load(doc_id) == change.document
        assert [stored.node for stored in snapshot.nodes_of(doc_id)] == list(change.nodes)
    asked = [*expected, "no such document"]
    assert snapshot.load_all(asked) == {doc_id: change.document for doc_id, change in expected.items()}
    nodes_of_all = {doc_id: list(change.nodes) for doc_id, change in expected.items()}
    assert snapshot.nodes_of_all(asked) == nodes_of_all | {asked[-1]: []}
    for word in ("cat", "fish"):
        found = {match.node_id for match in snapshot.lexical(word, 100)}
        nodes = [node for change in expected.values() for node in change.nodes]
        assert found == {node.node_id for node in nodes if word in node.text.split()}
    assert snapshot.problems() == []
