"""Records of indexes whose rows were damaged behind the store's back."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from docindex.config import IndexConfig
from docindex.protocols import ChangeSet
from docindex.stores.commit import create_stores
from docindex.stores.manifest import Manifest
from docindex.testing.derived_contract import record
from docindex.testing.stored_texts import DIM, commit, text_change


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM records WHERE details LIKE '%about one%'",
        "UPDATE records SET details = '{}' WHERE details LIKE '%about one%'",
        "UPDATE records SET vector = NULL WHERE details LIKE '%about one%'",
        "INSERT INTO record_documents SELECT record, 'nowhere' FROM derived WHERE key = 'one'",
    ],
)
def test_check_finds_damaged_records_and_repair_drops_them(tmp_path: Path, damage: str) -> None:
    store = create_stores(tmp_path / "index", Manifest(config=IndexConfig(), embedder="e", fingerprint="f", dim=DIM))
    commit(store, text_change("a", "Alpha."), text_change("b", "Beta."))
    with store.writer() as writer:
        writer.commit(ChangeSet(derived=[record("one", "a", vector=True), record("two", "b", vector=True)]))
    engine = create_engine(f"sqlite:///{tmp_path}/index/registry.db")
    with engine.begin() as connection:
        connection.execute(text(damage))
    engine.dispose()
    (problem,) = store.snapshot().problems()
    assert problem == "1 records of the 'tree' index are damaged, or belong to no document."
    with store.writer() as writer:
        said = writer.repair()
    assert "1 records of indexes are dropped: the next ingest makes them again." in said
    assert store.snapshot().problems() == []
    assert [one.key for one in store.snapshot().derived("tree")] == ["two"]
    store.close()
