"""What every IndexStore finds: by vectors, by words, and by conditions.

Subclass `StoreSearchContract` and override `make_store`, as with `StoreContract`; needs Hypothesis.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings

from docindex.errors import StoreError
from docindex.protocols import IndexStore
from docindex.schema import Compare, Condition, Field, Not
from docindex.testing.condition_meaning import DAY, HOSTILE, conditions, holds, hostile_metadata
from docindex.testing.store_suite import StoreSuite
from docindex.testing.stored_texts import DIM, commit, text_change, text_vector, texts


class StoreSearchContract(StoreSuite):
    """Subclass it, and override `make_store`."""

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
        _, worded, cosines = snapshot.search_both("alpha", vector, 2, worded=5)
        assert worded == snapshot.lexical("alpha", 5)
        assert set(cosines) <= {match.node_id for match in worded[:2]}
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
