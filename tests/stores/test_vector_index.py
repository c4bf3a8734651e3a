"""The approximate index: when it is there, and that it changes no answer much."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from docindex.config import IndexConfig
from docindex.protocols import ChangeSet, DocumentChange
from docindex.schema import Compare, Document, Field, Node
from docindex.stores.commit import create_stores
from docindex.stores.manifest import Manifest

DIM = 128
ROWS = 9_000


def clustered(rows: int) -> DocumentChange:
    """One document of many short nodes, their vectors around a few centres."""
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(40, DIM))
    vectors = centres[rng.integers(0, 40, rows)] + rng.normal(size=(rows, DIM)) * 0.4
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    text = "x" * rows
    nodes = tuple(
        Node(node_id=f"n{i}", doc_id="d", order=i, start=i, end=i + 1, text="x", page=i % 100 + 1) for i in range(rows)
    )
    return DocumentChange(
        document=Document(doc_id="d", source="d", text=text),
        location="/d",
        content_hash="h",
        bytes=rows,
        modified_at=None,
        nodes=nodes,
        vectors=vectors.astype(np.float32),
    )


def test_above_the_limit_an_index_is_built(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    manifest = Manifest(config=IndexConfig(exact_below=5_000), embedder="e", fingerprint="f", dim=DIM)
    stores = create_stores(tmp_path / "index", manifest)
    change = clustered(ROWS)
    with stores.writer() as writer:
        writer.commit(ChangeSet(documents=[change]))
        assert writer.snapshot.statistics()["vector_index"] is None
        writer.maintain()
        assert writer.snapshot.statistics()["vector_index"] == {"type": "IVF_RQ", "partitions": 2}
        assert writer.snapshot.problems() == []
    snapshot = stores.snapshot()
    page = Field("page", "number", builtin=True)
    pages = np.arange(ROWS) % 100 + 1
    for where, allowed in (
        (None, pages > 0),
        (Compare(page, "<=", 80), pages <= 80),  # many rows: through the index
        (Compare(page, "=", 7), pages == 7),  # few rows: past it
    ):
        found_of_best = 0
        for query in change.vectors[::450]:
            cosines = change.vectors @ query
            best = np.argsort(np.where(allowed, -cosines, np.inf))[:10]
            found = snapshot.dense(query, 10, where)
            places = [int(match.node_id[1:]) for match in found]
            assert allowed[places].all()
            assert [match.score for match in found] == pytest.approx(cosines[places], abs=1e-5)
            found_of_best += len(set(places) & set(best))
        assert found_of_best >= 0.95 * 10 * 20

    with stores.writer() as writer:
        writer.commit(ChangeSet(documents=[clustered(100)]))
        assert len(writer.snapshot.dense(change.vectors[0], 200)) == 100
        writer.maintain(force=True)
        assert writer.snapshot.statistics()["vector_index"] is None
    assert len(stores.snapshot().dense(change.vectors[0], 200)) == 100
    stores.close()
    assert capfd.readouterr().err == ""
