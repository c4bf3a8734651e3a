"""An index that an older docindex wrote opens, answers and grows."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest

from docindex.config import FORMAT_VERSION
from docindex.protocols import ChangeSet
from docindex.schema import Compare, Field
from docindex.stores import upgrade
from docindex.stores.commit import TwoStores, open_stores
from docindex.stores.lance import WritableTable
from docindex.testing.stored_texts import source_of, text_change, text_vector, texts

FORMAT_1 = Path(__file__).parent / "data" / "format_1.tar.gz"
NOW = {
    "a": ["The first text of a.", "A second passage about warranty."],
    "b": ["Words of b as they are now.", "And one more passage."],
    "c": ["Something about rivers."],
    "d": ["Not yet in any index: marmalade."],
}


@pytest.fixture
def old_index(tmp_path: Path) -> Path:
    with tarfile.open(FORMAT_1) as archive:
        archive.extractall(tmp_path, filter="data")
    path = tmp_path / "format_1"
    assert json.loads((path / "docindex.json").read_text())["format_version"] == 1
    return path


def check(stores: TwoStores) -> None:
    snapshot = stores.snapshot()
    assert snapshot.problems() == []
    held = {
        record.doc_id: [one.node.text for one in snapshot.nodes_of(record.doc_id)] for record in snapshot.documents()
    }
    assert held == NOW
    assert {record.state for record in snapshot.documents()} == {"ready"}
    assert snapshot.count() == snapshot.embedded() == 6
    assert snapshot.unembedded(10) == []
    assert texts(snapshot, snapshot.lexical("marmalade", 3)) == ["Not yet in any index: marmalade."]
    best = snapshot.dense(text_vector("Something about rivers."), 1)
    assert texts(snapshot, best) == ["Something about rivers."]
    assert best[0].score == pytest.approx(1.0, abs=1e-6)
    year = Compare(Field("year", "number", builtin=False), "=", 2020)
    assert set(texts(snapshot, snapshot.dense(text_vector("x"), 9, year))) == set(NOW["a"])
    document = snapshot.load("a")
    assert document is not None
    assert document.metadata == {"year": 2020, "tags": ("x", "y")}
    assert (document.tables, document.hidden) == ((), 0)


def test_the_first_format_opens_and_goes_on(old_index: Path) -> None:
    stores = open_stores(old_index)
    assert stores.manifest.format_version == FORMAT_VERSION
    assert json.loads((old_index / "docindex.json").read_text())["format_version"] == FORMAT_VERSION
    check(stores)
    assert [record.version for record in stores.versions()] == [stores.snapshot().version]
    change = text_change("e", "A new text.", metadata={"year": 2020})
    with stores.writer() as writer:
        writer.commit(ChangeSet(documents=[change], sources=[source_of(change)], delete_documents=["b"]))
        writer.maintain(force=True)
    snapshot = stores.snapshot()
    assert snapshot.problems() == []
    assert [record.doc_id for record in snapshot.documents()] == ["a", "c", "d", "e"]
    assert np.array_equal(snapshot.vectors([change.nodes[0].node_id])[0], change.vectors[0])
    stores.close()
    reopened = open_stores(old_index)
    assert reopened.snapshot().problems() == []
    reopened.close()


class _StopError(Exception):
    """In the middle of the upgrade."""


@pytest.mark.parametrize("where", ["_move_vectors", "add", "drop_columns", "add_commit", "forget", "write_manifest"])
def test_an_interrupted_upgrade_is_repeated(old_index: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    owner = upgrade if hasattr(upgrade, where) else WritableTable
    real = getattr(owner, where)

    def stop(*given: object) -> None:
        if where in ("add", "drop_columns"):
            real(*given)  # it did its work, and nobody heard of it
        raise _StopError

    with monkeypatch.context() as patch:
        patch.setattr(owner, where, stop)
        with pytest.raises(_StopError):
            open_stores(old_index)
    copy = old_index.with_name("copy")
    shutil.copytree(old_index, copy)
    for path in (old_index, copy):
        stores = open_stores(path)
        check(stores)
        stores.close()
