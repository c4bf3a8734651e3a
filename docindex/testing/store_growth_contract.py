"""What every IndexStore does as an index grows older: vectors that come later, tables, twins, versions, repairs.

Subclass `StoreGrowthContract` and override `make_store`, as with `StoreContract`; needs Hypothesis.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.errors import StoreError
from docindex.protocols import ChangeSet, DocumentChange, IndexStore, NodeVectors, Snapshot
from docindex.schema import CellValue, Column, ColumnType, Compare, DocumentTable, Field, Progress, TableRow
from docindex.testing.store_suite import StoreSuite
from docindex.testing.stored_texts import DIM, commit, source_of, text_change, text_vector, texts


def without_vectors(change: DocumentChange, *kept: int) -> DocumentChange:
    """The change with zeros for the vectors, but those of the nodes with these numbers."""
    vectors = np.zeros_like(change.vectors)
    vectors[list(kept)] = change.vectors[list(kept)]
    return replace(change, vectors=vectors)


def with_tables(change: DocumentChange, *tables: DocumentTable, hidden: int = 0) -> DocumentChange:
    """The change with tables in its document."""
    return replace(change, document=replace(change.document, tables=tables, hidden=hidden))


def vectors_for(snapshot: Snapshot, limit: int) -> NodeVectors:
    """The vectors of some nodes that have none."""
    nodes = snapshot.unembedded(limit)
    return NodeVectors([node.node_id for node in nodes], np.array([text_vector(node.full_text) for node in nodes]))


cells: st.SearchStrategy[CellValue] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=-(10**40), max_value=10**40),
    st.floats(allow_nan=False),
    st.text(max_size=12),
    st.datetimes(timezones=st.just(UTC)),
)


class StoreGrowthContract(StoreSuite):
    """Subclass it, and override `make_store`."""

    # vectors that come later

    def test_words_come_first_and_vectors_later(self, store: IndexStore) -> None:
        a = text_change("a", "Alpha one.", "Beta two.", "Gamma three.", metadata={"half": 1})
        b = text_change("b", "Delta four.", metadata={"half": 2})
        first = commit(store, without_vectors(a, 1), without_vectors(b))
        assert (first.count(), first.embedded()) == (4, 1)
        assert [record.state for record in first.documents()] == ["text", "text"]
        assert first.problems() == []
        assert texts(first, first.lexical("gamma", 3)) == ["Gamma three."]
        assert texts(first, first.dense(text_vector("x"), 9)) == ["Beta two."]
        assert [node.text for node in first.unembedded(2)] == ["Alpha one.", "Gamma three."]
        assert [node.text for node in first.unembedded(99)] == ["Alpha one.", "Gamma three.", "Delta four."]
        ids = [node.node_id for node in a.nodes]
        assert np.array_equal(first.vectors(ids), without_vectors(a, 1).vectors)
        assert set(first.vectors_by_hash([node.content_hash for node in a.nodes])) == {a.nodes[1].content_hash}

        with store.writer() as writer:
            second = writer.commit(ChangeSet(vectors=vectors_for(first, 2)))
        assert second.embedded() == 3
        states = {record.doc_id: record.state for record in second.documents()}
        assert states == {"a": "ready", "b": "text"}
        record = second.document("a")
        assert record is not None
        assert record.state == "ready"
        assert np.array_equal(second.vectors(ids), a.vectors)
        half = Compare(Field("half", "number", builtin=False), "=", 1)
        assert {
            stored.node.text for stored in second.nodes([m.node_id for m in second.dense(text_vector("x"), 9, half)])
        } == {
            "Alpha one.",
            "Beta two.",
            "Gamma three.",
        }
        assert [node.text for node in second.unembedded(9)] == ["Delta four."]
        assert (first.embedded(), len(first.dense(text_vector("x"), 9))) == (1, 1)
        assert [record.state for record in store.snapshot(first.version).documents()] == ["text", "text"]
        assert [(one.kind, one.embedded) for one in store.versions()][:2] == [("embedded", 3), ("changed", 1)]
        assert second.problems() == store.snapshot(first.version).problems() == []

    def test_vectors_for_the_wrong_nodes_are_refused(self, store: IndexStore) -> None:
        a = text_change("a", "One.", "Two.")
        commit(store, without_vectors(a, 0))
        version = store.snapshot().version
        unit = text_vector("v").reshape(1, -1)
        with store.writer() as writer:
            for ids, vectors, reason in (
                (["nowhere"], unit, "nowhere"),
                ([a.nodes[0].node_id], unit, "already"),
                ([a.nodes[1].node_id], unit[:, :-1], "shape"),
                ([a.nodes[1].node_id], unit * np.nan, "finite"),
                ([a.nodes[1].node_id], unit * 0, "zeros"),
                ([a.nodes[1].node_id] * 2, unit.repeat(2, axis=0), "two vectors"),
            ):
                with pytest.raises(StoreError, match=reason):
                    writer.commit(ChangeSet(vectors=NodeVectors(ids, vectors)))
            for leaving in (ChangeSet(delete_documents=["a"]), ChangeSet(documents=[text_change("a", "Two.")])):
                with pytest.raises(StoreError, match="'a'"):
                    writer.commit(replace(leaving, vectors=NodeVectors([a.nodes[1].node_id], unit)))
            assert writer.commit(ChangeSet(vectors=NodeVectors([], unit[:0]))).version == version
        assert store.snapshot().version == version
        assert store.snapshot().problems() == []

    def test_documents_that_go_take_what_waits_along(self, store: IndexStore) -> None:
        commit(store, *(without_vectors(text_change(name, f"Text {name}.", "More."), 1) for name in "abc"))
        with store.writer() as writer:
            given = vectors_for(writer.snapshot, 1)
            writer.commit(
                ChangeSet(
                    documents=[text_change("b", "New."), without_vectors(text_change("d", "D."))],
                    delete_documents=["c"],
                    vectors=given,
                )
            )
        snapshot = store.snapshot()
        assert (snapshot.count(), snapshot.embedded()) == (4, 3)
        assert {record.doc_id: record.state for record in snapshot.documents()} == {
            "a": "ready",
            "b": "ready",
            "d": "text",
        }
        assert [node.doc_id for node in snapshot.unembedded(9)] == ["d"]
        assert snapshot.problems() == []

    @pytest.mark.parametrize("step", ["journal", "vectors-written", "registry-written"])
    def test_interrupted_vectors_wait_again(self, store: IndexStore, step: str) -> None:
        commit(store, without_vectors(text_change("a", "One.", "Two.")))

        def interrupt(progress: Progress) -> None:
            if progress.step == step:
                raise KeyboardInterrupt

        with store.writer() as writer:
            given = vectors_for(writer.snapshot, 9)
            with pytest.raises(KeyboardInterrupt):
                writer.commit(ChangeSet(vectors=given), interrupt)
            assert len(store.snapshot().unembedded(9)) == 2
            assert store.snapshot().problems() == []
            writer.commit(ChangeSet(vectors=given))
        assert store.snapshot().unembedded(9) == []
        assert store.snapshot().problems() == []

    def test_vectors_leave_the_nodes_as_they_are(self, store: IndexStore) -> None:
        commit(store, *(without_vectors(text_change(f"d{i:03}", f"Number {i}.")) for i in range(40)))
        with store.writer() as writer:
            writer.maintain(force=True)
            before = writer.snapshot.statistics()
            while writer.snapshot.unembedded(1):
                writer.commit(ChangeSet(vectors=vectors_for(writer.snapshot, 1)))
                writer.maintain()
            after = writer.snapshot.statistics()
        assert before["bytes"]["nodes"] == after["bytes"]["nodes"]
        assert (before["embedded"], after["embedded"], after["nodes"]) == (0, 40, 40)
        assert after["bytes"]["vectors"] > 0
        assert after["bytes"]["total"] == sum(after["bytes"][part] for part in ("nodes", "vectors", "registry"))
        assert store.snapshot().problems() == []

    # files that are alike

    def test_a_node_names_the_twins_of_its_source(self, store: IndexStore) -> None:
        a, b = text_change("a", "One."), text_change("b", "Two.")
        twin = replace(source_of(a), location="/docs/x", name="x", same_as="/docs/a", documents=0)
        other = replace(source_of(a), location="/docs/w", name="w", same_as="/docs/a", validator='W/"1\0"')
        failed = replace(
            source_of(a), location="/docs/f", name="f", failure="crashed \ud800", documents=0, limits="pages=7"
        )
        with store.writer() as writer:
            found = writer.commit(
                ChangeSet(documents=[a, b], sources=[source_of(a), source_of(b), twin, other, failed])
            )
        assert {record.name: record for record in found.sources()} == {
            "a": source_of(a),
            "b": source_of(b),
            "x": twin,
            "w": other,
            "f": failed,
        }
        stored = found.nodes([b.nodes[0].node_id, a.nodes[0].node_id])
        assert [one.also for one in stored] == [(), ("w", "x")]
        with store.writer() as writer:
            later = writer.commit(ChangeSet(delete_sources=["/docs/x"]))
        assert [one.also for one in later.nodes_of("a")] == [("w",)]
        assert [one.also for one in found.nodes_of("a")] == [("w", "x")]

    # tables

    def test_tables_come_back_as_they_were(self, store: IndexStore) -> None:
        rows = tuple(TableRow(i + 2, i, i + 1, (f"r{i}", i, i / 7, None)) for i in range(4500))
        kinds: tuple[ColumnType, ...] = ("text", "integer", "number", "date")
        columns = tuple(Column(f"c{kind} \0", kind) for kind in kinds)
        large = DocumentTable("Sheet 1", columns, rows, 0, 5)
        empty = DocumentTable("", (), (), 5, 5)
        a = with_tables(text_change("a", "Text of a."), large, empty, hidden=7)
        b = with_tables(text_change("b", "Text of b."), large, empty)
        first = commit(store, a, b, text_change("c", "No table."))
        document = first.load("a")
        assert document == a.document
        assert document is not None
        assert document.hidden == 7
        found = list(first.tables())
        assert [(one.doc_id, one.source, one.number, one.table) for one in found] == [
            (doc_id, doc_id, number, table) for doc_id in "ab" for number, table in ((1, large), (2, empty))
        ]
        assert [one.doc_id for one in first.tables(["b", "nowhere"])] == ["b", "b"]
        assert list(first.tables([])) == []
        commit(store, with_tables(text_change("a", "Text of a."), empty))
        now = store.snapshot()
        assert [(one.doc_id, one.table) for one in now.tables()] == [("a", empty), ("b", large), ("b", empty)]
        assert [one.doc_id for one in first.tables()] == ["a", "a", "b", "b"]
        assert now.problems() == []

    def test_any_cell_keeps_its_value_and_type(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        store = self.make_store(tmp_path_factory.mktemp("cells") / "index", DIM)

        @settings(deadline=None, max_examples=25)
        @given(st.lists(st.lists(cells, min_size=3, max_size=3), max_size=6))
        def check(values: list[list[CellValue]]) -> None:
            rows = tuple(TableRow(i, 0, 0, tuple(row)) for i, row in enumerate(values, 1))
            columns = tuple(Column(name, "text") for name in "xyz")
            commit(store, with_tables(text_change("a", "Text."), DocumentTable("t", columns, rows, 0, 0)))
            (found,) = store.snapshot().tables()
            assert found.table.rows == rows
            for row, wanted in zip(found.table.rows, rows, strict=True):
                assert [type(cell) for cell in row.cells] == [type(cell) for cell in wanted.cells]
                assert [repr(cell) for cell in row.cells if isinstance(cell, float)] == [
                    repr(cell) for cell in wanted.cells if isinstance(cell, float)
                ]

        check()
        store.close()

    # versions

    def test_a_tag_names_a_version(self, store: IndexStore) -> None:
        first = commit(store, text_change("a", "One.", metadata={"n": 1}))
        second = commit(store, text_change("a", "Two."))
        with store.writer() as writer:
            writer.tag("start", first.version)
            writer.tag("now")
            for name in ("two words", "", "12", "a/b", "new\nline"):
                with pytest.raises(StoreError, match="tag"):
                    writer.tag(name)
            with pytest.raises(StoreError, match="999"):
                writer.tag("never", 999)
            with pytest.raises(StoreError, match="nothing"):
                writer.untag("nothing")
        assert {one.version: one.tags for one in store.versions() if one.tags} == {
            first.version: ("start",),
            second.version: ("now",),
        }
        old = store.snapshot("start")
        assert texts(old, old.lexical("one", 3)) == ["One."]
        assert old.problems() == []
        with store.writer() as writer:
            writer.tag("start")
            writer.untag("now")
        assert store.versions()[0].tags == ("start",)
        with pytest.raises(StoreError, match="'now'"):
            store.snapshot("now")

    def test_rollback_makes_a_version_that_equals_an_old_one(self, store: IndexStore) -> None:
        a = with_tables(
            text_change("a", "One.", "Old.", metadata={"n": 1}),
            DocumentTable("t", (Column("x", "date"),), (TableRow(1, 0, 1, (datetime(2024, 5, 1, tzinfo=UTC),)),), 0, 1),
        )
        old = commit(store, without_vectors(a, 0), text_change("b", "Stays."), text_change("c", "Goes."))
        with store.writer() as writer:
            writer.commit(ChangeSet(vectors=vectors_for(writer.snapshot, 9), delete_documents=["c"]))
            writer.commit(ChangeSet(documents=[text_change("a", "New.", metadata={"m": "x"}), text_change("d", "D.")]))
            assert writer.snapshot.unembedded(9) == []
            with pytest.raises(StoreError, match="77"):
                writer.rollback(77)
            back = writer.rollback(old.version)
            assert back.version == writer.snapshot.version == old.version + 3
        assert store.versions()[0].kind == "rolled back"
        assert list(back.documents()) == list(old.documents())
        assert list(back.sources()) == list(old.sources())
        assert back.fields() == old.fields()
        assert back.load("a") == a.document
        assert list(back.tables()) == list(old.tables())
        assert back.unembedded(9) == old.unembedded(9) != []
        assert back.lexical("old", 9) == old.lexical("old", 9)
        assert back.problems() == []
        with store.writer() as writer:
            writer.commit(ChangeSet(vectors=vectors_for(writer.snapshot, 9)))
            again = writer.rollback(old.version + 2)
            assert [record.doc_id for record in again.documents()] == ["a", "b", "d"]
            assert texts(again, again.lexical("new", 9)) == ["New."]
            assert again.problems() == []

    def test_after_a_purge_the_newest_version_is_left(self, store: IndexStore) -> None:
        commit(store, text_change("a", "Secret."), text_change("b", "Stays.", metadata={"n": 1}))
        with store.writer() as writer:
            writer.tag("old")
            writer.commit(ChangeSet(delete_documents=["a"], delete_sources=["/docs/a"]))
            before = list(writer.snapshot.documents())
            writer.purge()
            assert [one.tags for one in store.versions()] == [()]
            assert list(writer.snapshot.documents()) == before
            writer.commit(ChangeSet(documents=[text_change("c", "Goes on.")]))
        snapshot = store.snapshot()
        assert texts(snapshot, snapshot.lexical("secret stays goes", 9)) in (
            ["Stays.", "Goes on."],
            ["Goes on.", "Stays."],
        )
        assert len(snapshot.dense(text_vector("x"), 9)) == 2
        assert snapshot.problems() == []

    def test_a_sound_index_needs_no_repair(self, store: IndexStore) -> None:
        commit(store, without_vectors(text_change("a", "One.", "Two."), 0), text_change("b", "Three."))
        version = store.snapshot().version
        with store.writer() as writer:
            assert writer.repair() == []
        assert store.snapshot().version == version
