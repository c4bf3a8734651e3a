"""What every IndexStore does with the records of indexes on top of the passages.

Subclass `DerivedContract` and override `make_store`, as with `StoreContract`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from docindex.errors import StoreError
from docindex.protocols import ChangeSet, IndexStore
from docindex.schema import DerivedRecord, IndexDefinition
from docindex.testing.store_suite import StoreSuite
from docindex.testing.stored_texts import DIM, commit, text_change, text_vector


def record(key: str, *doc_ids: str, terms: tuple[str, ...] = (), vector: bool = False) -> DerivedRecord:
    """A record of the index "tree"."""
    return DerivedRecord(
        kind="tree",
        key=key,
        documents=doc_ids,
        terms=terms,
        data={"text": f"about {key}", "of": list(doc_ids)},
        vector=text_vector(key) if vector else None,
    )


class DerivedContract(StoreSuite):
    """Subclass it, and override `make_store`."""

    @pytest.fixture
    def with_records(self, tmp_path: Path) -> Iterator[IndexStore]:
        """Three documents; records of the first, of the second, and of both."""
        store = self.make_store(tmp_path / "index", DIM)
        commit(store, text_change("a", "Alpha."), text_change("b", "Beta."), text_change("c", "Gamma."))
        with store.writer() as writer:
            writer.commit(
                ChangeSet(
                    define_indexes=(IndexDefinition(kind="tree", options={"sizes": [4, 2]}),),
                    derived=(
                        record("one", "a", terms=("alpha", "greek"), vector=True),
                        record("two", "b", terms=("beta", "greek"), vector=True),
                        record("both", "a", "b"),
                    ),
                )
            )
        yield store
        store.close()

    def test_records_are_found_by_key_term_and_document(self, with_records: IndexStore) -> None:
        found = with_records.snapshot()
        assert found.definitions() == (IndexDefinition(kind="tree", options={"sizes": [4, 2]}),)
        assert [one.key for one in found.derived("tree")] == ["both", "one", "two"]
        (one,) = found.derived("tree", keys=["one", "unknown"])
        assert one == record("one", "a", terms=("alpha", "greek"))
        assert one.vector is not None
        assert np.array_equal(one.vector, text_vector("one"))
        assert [one.key for one in found.derived("tree", terms=["greek"])] == ["one", "two"]
        assert [one.key for one in found.derived("tree", doc_ids=["a"])] == ["both", "one"]
        assert list(found.derived("graph")) == []
        assert found.derived_count("tree") == 3
        assert found.derived_documents("tree") == {"a", "b"}
        assert found.derived_terms("tree") == [("greek", 2), ("alpha", 1), ("beta", 1)]
        assert found.derived_terms("tree", "eta") == [("beta", 1)]
        many = {"alpha", "greek", *map(str, range(260_000))}  # more than a statement takes
        assert found.derived_terms("tree", among=many) == [("greek", 2), ("alpha", 1)]
        assert found.derived_terms("tree", limit=1, among=many) == [("greek", 2)]
        keys, vectors = found.derived_vectors("tree")
        assert keys == ["one", "two"]
        assert vectors.shape == (2, DIM)
        assert found.problems() == []

    def test_records_go_with_their_documents_and_old_versions_keep_them(self, with_records: IndexStore) -> None:
        before = with_records.snapshot()
        with with_records.writer() as writer:
            writer.commit(ChangeSet(documents=[text_change("a", "Alpha, edited.")]))
        after = with_records.snapshot()
        assert [one.key for one in after.derived("tree")] == ["two"]
        assert [one.key for one in before.derived("tree")] == ["both", "one", "two"]
        with with_records.writer() as writer:
            writer.commit(ChangeSet(delete_documents=["b"]))
        assert list(with_records.snapshot().derived("tree")) == []
        assert with_records.snapshot().definitions() != ()

    def test_a_record_replaces_the_one_with_its_key(self, with_records: IndexStore) -> None:
        fresh = record("one", "c", terms=("gamma",))
        with with_records.writer() as writer:
            writer.commit(ChangeSet(derived=[fresh], delete_derived=[("tree", "both")]))
            writer.commit(ChangeSet(derived=[fresh]))
        found = with_records.snapshot()
        assert [one.key for one in found.derived("tree")] == ["one", "two"]
        assert list(found.derived("tree", doc_ids=["a"])) == []
        assert [one.key for one in found.derived("tree", terms=["gamma"])] == ["one"]
        assert found.problems() == []

    def test_an_index_is_dropped_with_its_records(self, with_records: IndexStore) -> None:
        with with_records.writer() as writer:
            writer.commit(ChangeSet(drop_indexes=["tree"]))
        found = with_records.snapshot()
        assert (found.definitions(), list(found.derived("tree"))) == ((), [])

    def test_a_record_of_no_stored_document_is_refused(self, with_records: IndexStore) -> None:
        with with_records.writer() as writer, pytest.raises(StoreError, match="'z'"):
            writer.commit(ChangeSet(derived=[record("one", "z")]))
        with with_records.writer() as writer, pytest.raises(StoreError, match="no document"):
            writer.commit(ChangeSet(derived=[record("one")]))
        assert [one.key for one in with_records.snapshot().derived("tree")] == ["both", "one", "two"]

    def test_records_come_back_with_a_rollback_and_go_with_a_purge(self, with_records: IndexStore) -> None:
        old = with_records.snapshot().version
        with with_records.writer() as writer:
            writer.commit(ChangeSet(delete_documents=["a"]))
            writer.rollback(old)
        found = with_records.snapshot()
        assert [one.key for one in found.derived("tree")] == ["both", "one", "two"]
        assert found.problems() == []
        with with_records.writer() as writer:
            writer.commit(ChangeSet(delete_documents=["a"]))
            writer.purge()
        assert [one.key for one in with_records.snapshot().derived("tree")] == ["two"]
        assert with_records.snapshot().problems() == []
