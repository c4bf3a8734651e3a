"""What every IndexStore does with documents. Subclass `StoreContract`, override `make_store`, and inherit the tests.

It needs Hypothesis.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.errors import LockedError, StoreError
from docindex.protocols import ChangeSet, DocumentChange, IndexStore, Snapshot
from docindex.schema import MetadataValue, Progress
from docindex.testing.condition_meaning import DAY
from docindex.testing.store_suite import StoreSuite
from docindex.testing.stored_texts import DIM, commit, source_of, text_change, text_vector, texts


class StoreContract(StoreSuite):
    """Subclass it, and override `make_store`."""

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
        fields = [field for field in store.snapshot().fields() if not field.builtin]
        assert {field.name: field.also for field in fields if field.also} == {"mixed": {"number"}}
        found = {field.name: field.type for field in fields}
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
