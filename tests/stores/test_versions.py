"""Tagged versions outlive every clean-up, and cost the space of what only they hold."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from docindex.config import IndexConfig
from docindex.errors import StoreError
from docindex.protocols import ChangeSet
from docindex.stores.commit import TwoStores, create_stores, open_stores
from docindex.stores.files import bytes_under
from docindex.stores.manifest import Manifest
from docindex.testing.stored_texts import DIM, source_of, text_change, text_vector, texts

MANIFEST = Manifest(config=IndexConfig(), embedder="e", fingerprint="f", dim=DIM)


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[TwoStores]:
    made = create_stores(tmp_path / "index", MANIFEST, keep_seconds=0.0)
    yield made
    made.close()


def put(stores: TwoStores, doc_id: str, text: str) -> int:
    change = text_change(doc_id, text, metadata={"said": text})
    with stores.writer() as writer:
        return writer.commit(ChangeSet(documents=[change], sources=[source_of(change)])).version


def maintain(stores: TwoStores) -> None:
    time.sleep(0.02)
    with stores.writer() as writer:
        writer.maintain(force=True)


def check_old(stores: TwoStores, at: int | str) -> None:
    old = stores.snapshot(at)
    assert [record.doc_id for record in old.documents()] == ["a", "b"]
    assert texts(old, old.lexical("first", 5)) == ["The first text."]
    assert texts(old, old.dense(text_vector("The first text."), 1)) == ["The first text."]
    document = old.load("a")
    assert document is not None
    assert document.text == "The first text."
    assert {field.name for field in old.fields() if not field.builtin} == {"said"}
    assert old.problems() == []


def test_a_tagged_version_outlives_maintenance_until_it_is_untagged(tmp_path: Path, stores: TwoStores) -> None:
    path = tmp_path / "index"
    put(stores, "b", "The other text.")
    old = put(stores, "a", "The first text.")
    with stores.writer() as writer:
        writer.tag("start")
    for i in range(4):
        put(stores, "a", f"Changed {i}.")
        put(stores, "c", f"Added {i}.")
        maintain(stores)
    assert [one.version for one in stores.versions() if one.kind == "changed"] == [old]
    check_old(stores, "start")
    stores.close()
    fresh = open_stores(path, keep_seconds=0.0)
    check_old(fresh, old)
    assert fresh.snapshot().problems() == []
    assert fresh.snapshot().statistics()["unindexed_rows"] == 0  # a tag keeps no index from being brought up to date

    with fresh.writer() as writer:
        back = writer.rollback("start")
    check_old(fresh, back.version)
    put(fresh, "d", "It goes on.")
    maintain(fresh)
    assert fresh.snapshot().count() == 3
    assert fresh.snapshot().problems() == []
    check_old(fresh, "start")

    with fresh.writer() as writer:
        writer.tag("again", old)
        writer.untag("start")
        check_old(fresh, "again")
        writer.tag("again")  # it moves
    with pytest.raises(StoreError, match="not kept"):
        fresh.snapshot(old)
    assert [one.tags for one in fresh.versions()] == [("again",)]
    with fresh.writer() as writer:
        writer.untag("again")
    assert list((path / "kept").iterdir()) == []
    with fresh._parts.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM documents").scalar() == 3
        assert connection.exec_driver_sql("SELECT count(*) FROM texts").scalar() == 3
    fresh.close()


def test_a_tag_links_what_it_keeps(tmp_path: Path, stores: TwoStores) -> None:
    text = "".join(chr(97 + i) for i in np.random.default_rng(1).integers(0, 26, 200_000))
    put(stores, "a", text)
    maintain(stores)
    before = stores.snapshot().statistics()["bytes"]
    with stores.writer() as writer:
        writer.tag("one")
        writer.tag("two")
    after = stores.snapshot().statistics()["bytes"]
    assert after["nodes"] - before["nodes"] < 20_000
    assert bytes_under([tmp_path / "index" / "nodes.lance"]) > 200_000


def test_older_versions_go_though_an_even_older_one_is_tagged(tmp_path: Path, stores: TwoStores) -> None:
    put(stores, "a", "One.")
    with stores.writer() as writer:
        writer.tag("first")
    for _ in range(3):
        for i in range(8):
            put(stores, "b", f"Number {i}.")
        maintain(stores)
        assert len(list((tmp_path / "index" / "nodes.lance" / "_versions").iterdir())) <= 6
        assert [one.tags for one in stores.versions() if one.kind == "changed"] == [("first",)]
