"""The table of rows and node ids: the same nodes with it and without."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.config import IndexConfig
from docindex.errors import StoreError
from docindex.protocols import ChangeSet
from docindex.schema import digest
from docindex.stores.commit import TwoStores, create_stores
from docindex.stores.lancedb_api import LanceDBConnection, LanceTable
from docindex.stores.manifest import Manifest
from docindex.stores.row_ids import RowIdsOnDemand, read_row_ids
from docindex.testing.stored_texts import DIM, text_change, text_vector


def table_of(path: Path, ids: list[str]) -> LanceTable:
    """A table with the ids, some of them added later and some deleted again."""
    made = LanceDBConnection(str(path)).create_table("t", pa.table({"node_id": ids[:-2]}))
    made.add(pa.table({"node_id": [*ids[-2:], "0" * 32, "1" * 32]}))
    made.delete(f"node_id IN ('{'0' * 32}', '{'1' * 32}')")
    return made


def test_every_id_has_its_row_and_every_row_its_id(tmp_path: Path) -> None:
    ids = [digest(str(number)) for number in range(300)]
    table = table_of(tmp_path, ids)
    made = read_row_ids(table)
    assert made is not None
    rows = made.rows_of(ids)
    assert list(rows.values()) == ids
    assert made.ids_of(pa.chunked_array([pa.array(list(rows), pa.uint64())])) == ids
    stored = table.search().with_row_id(True).to_arrow().to_pydict()
    assert rows == dict(zip(stored["_rowid"], stored["node_id"], strict=True))
    assert made.rows_of(["0" * 32, "no such id", ""]) == {}


@pytest.mark.parametrize("other", ["short", "ä" * 20, "x" * 31 + "\0"])
def test_ids_of_other_kinds_have_no_table(tmp_path: Path, other: str) -> None:
    assert read_row_ids(table_of(tmp_path, [*(digest(str(number)) for number in range(5)), other])) is None


def test_equal_hashes_are_told_apart(tmp_path: Path) -> None:
    ids = [digest(str(number)) for number in range(50)]
    made = read_row_ids(table_of(tmp_path, ids))
    assert made is not None
    made.keys[:] = made.keys[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("docindex.stores.row_ids._hashed", lambda some: np.full(len(some), made.keys[0]))
        assert list(made.rows_of(ids).values()) == ids


def test_the_table_is_made_when_it_pays(tmp_path: Path) -> None:
    on_demand = RowIdsOnDemand(table_of(tmp_path, [digest(str(number)) for number in range(5)]))
    assert [on_demand.get() is None for _ in range(5)] == [True, True, True, False, False]


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> TwoStores:
    """Thirty documents."""
    manifest = Manifest(config=IndexConfig(), embedder="e", fingerprint="f", dim=DIM)
    made = create_stores(tmp_path_factory.mktemp("rows") / "index", manifest, keep_seconds=0.0)
    words = ["alpha", "beta", "gamma", "delta"]
    with made.writer() as writer:
        for start in (0, 15):
            changes = [
                text_change(f"d{n}", f"{words[n % 4]} {words[n % 3]}", words[n % 2]) for n in range(start, start + 15)
            ]
            writer.commit(ChangeSet(documents=changes))
        writer.commit(ChangeSet(delete_documents=["d3", "d20"]))
    return made


@given(st.text("ab gm", min_size=1, max_size=12), st.integers(1, 40))
@settings(deadline=None, max_examples=15)
def test_searches_find_the_same_with_the_table_and_without(stores: TwoStores, text: str, k: int) -> None:
    stores._parts.nodes.close()  # what was found out about the version is forgotten
    stores._parts.vectors.close()
    snapshot = stores.snapshot()
    vector = text_vector(text)
    words = f"alpha gamma {text}"

    def everything() -> tuple[object, ...]:
        near, worded, cosines = snapshot.search_both(words, vector, k)
        ids = [match.node_id for match in (*near, *worded)]
        return (
            near,
            worded,
            cosines,
            snapshot.lexical(words, len(ids), among=ids),
            snapshot.nodes(ids),
            snapshot.vectors(ids).tolist(),
        )

    first = everything()
    assert all(everything() == first for _ in range(3))
    assert snapshot._search._row_ids() is not None
    with pytest.raises(StoreError, match="no node"):
        snapshot.nodes(["0" * 32])
