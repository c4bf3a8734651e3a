"""The full-text index in several segments finds what it finds in one, whatever happens to the index."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from docindex.config import IndexConfig
from docindex.errors import StoreError
from docindex.protocols import ChangeSet
from docindex.stores import segments
from docindex.stores.commit import TwoStores, create_stores, open_stores
from docindex.stores.lance import WritableTable
from docindex.stores.manifest import Manifest
from docindex.testing.stored_texts import DIM, source_of, text_change, texts

MANIFEST = Manifest(config=IndexConfig(), embedder="e", fingerprint="f", dim=DIM)
WORDS = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"]
QUERIES = (*WORDS, "alpha kappa", "beta gamma delta", "common", "r2")


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[TwoStores]:
    made = create_stores(tmp_path / "index", MANIFEST, keep_seconds=0.0)
    yield made
    made.close()


def put(stores: TwoStores, number: int, doc_ids: list[str], gone: list[str] | None = None) -> int:
    """Commits documents of random words, and brings the indexes up to date."""
    rng = np.random.default_rng(number)
    changes = [text_change(doc_id, f"common r{number} {' '.join(rng.choice(WORDS, 5))}") for doc_id in doc_ids]
    with stores.writer() as writer:
        version = writer.commit(
            ChangeSet(documents=changes, sources=[source_of(change) for change in changes], delete_documents=gone or [])
        ).version
        writer.maintain(force=True)
    return version


def fill(stores: TwoStores) -> None:
    """Six rounds of additions, edits and deletions."""
    for number in range(6):
        new = [f"d{number}-{i}" for i in range(8)]
        edited = [f"d{number - 1}-{i}" for i in range(2)] if number else []
        put(stores, number, new + edited, [f"d{number - 1}-{i}" for i in range(3, 5)] if number else [])


def segments_of(stores: TwoStores) -> int:
    """How many segments the full-text index has."""
    tables = stores._parts.nodes
    table = tables.at(stores._parts.head().nodes_table)
    (index,) = [index for index in table.list_indices() if "search_text" in index.columns]
    return int(index.num_segments)


def found(stores: TwoStores, query: str) -> dict[str, float]:
    """The texts that a search by words finds, and their scores."""
    snapshot = stores.snapshot()
    hits = snapshot.lexical(query, 99)
    return dict(zip(texts(snapshot, hits), (round(hit.score, 4) for hit in hits), strict=True))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "SEGMENT_ROWS", 12)


def test_in_several_segments_the_same_is_found(
    tmp_path: Path, stores: TwoStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(stores)
    assert segments_of(stores) == 1
    monkeypatch.setattr(segments, "SEGMENT_ROWS", 12)
    other = create_stores(tmp_path / "other", MANIFEST, keep_seconds=0.0)
    fill(other)
    assert 3 <= segments_of(other) <= 5
    for query in QUERIES:
        assert found(other, query) == found(stores, query)
    assert all(len(found(other, word)) for word in WORDS)
    assert other.snapshot().problems() == []
    assert other.snapshot().statistics()["unindexed_rows"] == 0
    other.close()


@pytest.mark.usefixtures("small")
def test_an_index_in_segments_can_be_tagged_taken_back_purged_and_repaired(tmp_path: Path, stores: TwoStores) -> None:
    fill(stores)
    before = {query: found(stores, query) for query in QUERIES}
    with stores.writer() as writer:
        writer.tag("start")
    put(stores, 7, ["d0-0", "x"], ["d5-0"])
    assert found(stores, "r7")
    with stores.writer() as writer:
        writer.rollback("start")
        writer.maintain(force=True)
    assert {query: found(stores, query) for query in QUERIES} == before
    with stores.writer() as writer:
        writer.purge()
    assert {query: found(stores, query).keys() for query in QUERIES} == {
        query: hits.keys() for query, hits in before.items()
    }
    with stores.writer() as writer:
        assert writer.repair() == []
    assert stores.snapshot().problems() == []


@pytest.mark.usefixtures("small")
def test_an_upkeep_that_breaks_off_after_a_new_segment_costs_nothing(
    tmp_path: Path, stores: TwoStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(stores)
    put(stores, 6, [f"e{i}" for i in range(12)])
    put(stores, 7, ["f"])
    before = {query: found(stores, query).keys() for query in QUERIES}
    begun = segments_of(stores)

    def broken(table: WritableTable) -> None:
        segments.begin_segment_if_full(table.table, "search_text")
        raise StoreError("the disk is full")

    monkeypatch.setattr(segments, "SEGMENT_ROWS", 1)
    with monkeypatch.context() as patch:
        patch.setattr(WritableTable, "optimize", broken)
        with stores.writer() as writer:
            writer.commit(ChangeSet(documents=[text_change("g", "common word")]))
            with pytest.raises(StoreError, match="full"):
                writer.maintain(force=True)
    stores.close()
    again = open_stores(tmp_path / "index", keep_seconds=0.0)
    with again.writer() as writer:
        writer.maintain(force=True)
    assert again.snapshot().problems() == []
    assert segments_of(again) > begun
    found_now = {query: found(again, query).keys() for query in QUERIES}
    assert found_now == {**before, "common": before["common"] | {"common word"}}
    again.close()


@pytest.mark.usefixtures("small")
def test_without_pylance_there_is_one_segment(stores: TwoStores, monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "lance" else find_spec(name, *rest)
    )
    fill(stores)
    assert segments_of(stores) == 1
    assert found(stores, "r5")
