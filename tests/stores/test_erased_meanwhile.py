"""Who reads while another process purges gets an answer of the newest version, or is told why there is none."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from docindex import Index, IngestOptions, StoreError
from docindex.config import IndexConfig
from docindex.protocols import ChangeSet, Snapshot
from docindex.retrieval.collapse import CollapsingRetriever
from docindex.retrieval.options import RetrievalOptions
from docindex.schema import Hit, Progress, Query
from docindex.stores import check
from docindex.stores.commit import TwoStores, create_stores, open_stores
from docindex.stores.files import bytes_under
from docindex.stores.manifest import Manifest
from docindex.stores.survey import Survey, survey
from docindex.testing.stored_texts import DIM, text_change, text_vector

MANIFEST = Manifest(config=IndexConfig(), embedder="e", fingerprint="f", dim=DIM)
TEXT = IngestOptions(wait="text")
READS: dict[str, Callable[[Snapshot, list[str]], object]] = {
    "lexical": lambda snapshot, ids: snapshot.lexical("lamp", 3),
    "dense": lambda snapshot, ids: snapshot.dense(text_vector("lamp"), 3),
    "both": lambda snapshot, ids: snapshot.search_both("lamp", text_vector("lamp"), 3),
    "cosines": lambda snapshot, ids: snapshot.best_cosines(text_vector("lamp")[None]),
    "nodes": lambda snapshot, ids: snapshot.nodes(ids),
    "vectors": lambda snapshot, ids: snapshot.vectors(ids),
    "document": lambda snapshot, ids: snapshot.nodes_of("d0"),
    "documents": lambda snapshot, ids: snapshot.nodes_of_all(["d0", "d1"]),
    "hashes": lambda snapshot, ids: snapshot.vectors_by_hash(["h"]),
    "problems": lambda snapshot, ids: snapshot.problems(),
}


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[TwoStores]:
    made = create_stores(tmp_path / "index", MANIFEST)
    with made.writer() as writer:
        writer.commit(ChangeSet(documents=[text_change(f"d{i}", f"Lamp {i} is green.", "More.") for i in range(5)]))
    yield made
    made.close()


@pytest.fixture
def reader(stores: TwoStores, tmp_path: Path) -> Iterator[TwoStores]:
    """As another process would."""
    opened = open_stores(tmp_path / "index")
    yield opened
    opened.close()


@pytest.mark.parametrize("is_open", [True, False], ids=["open", "not-open"])
@pytest.mark.parametrize("read", READS)
def test_a_version_that_was_erased_says_so(stores: TwoStores, reader: TwoStores, read: str, is_open: bool) -> None:
    snapshot = reader.snapshot()
    ids = [stored.node.node_id for stored in stores.snapshot().nodes_of("d0")]
    if is_open:
        assert (snapshot.count(), snapshot.embedded()) == (10, 10)
        snapshot.statistics()
    with stores.writer() as writer:
        writer.purge()
    with pytest.raises(StoreError, match=f"Version {snapshot.version} was erased while it was read"):
        READS[read](snapshot, ids)
    READS[read](reader.snapshot(), ids)


def test_what_is_damaged_and_not_erased_is_said_to_be_damaged(
    stores: TwoStores, reader: TwoStores, tmp_path: Path
) -> None:
    snapshot = reader.snapshot()
    snapshot.count()
    for folder in (tmp_path / "index").glob("nodes*.lance"):
        shutil.rmtree(folder / "data")
    with pytest.raises(StoreError, match="docindex check"):
        snapshot.nodes_of("d0")
    assert reader.snapshot().problems()


def test_a_folder_that_goes_while_it_is_measured_has_no_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a/1/x", "a/2/y", "a/3/z"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("text")
    stat = Path.stat

    def then_gone(path: Path, *, follow_symlinks: bool = True) -> object:
        if path.name in "xyz":
            shutil.rmtree(tmp_path / "a", ignore_errors=True)
        return stat(path, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", then_gone)
    assert bytes_under([tmp_path / "a", tmp_path / "none"]) == 0


# --- an index ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def purge(index: Index, docs: Path) -> Iterator[Callable[[], None]]:
    """Edits a document and erases what it said, as another process would: once."""
    index.ingest(docs, options=TEXT)
    with Index.open(index.path) as other:
        done: list[bool] = []

        def once() -> None:
            if not done:
                done.append(True)
                (docs / "sea.md").write_text("The sea is as salt as ever.\n")
                other.ingest(docs, options=TEXT)
                other.purge()

        yield once


def test_a_search_begins_anew(index: Index, purge: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    collapsed = CollapsingRetriever.retrieve

    def then_purged(self: CollapsingRetriever, query: Query) -> list[Hit]:
        hits = collapsed(self, query)
        purge()
        return hits

    monkeypatch.setattr(CollapsingRetriever, "retrieve", then_purged)
    hits = index.search("how salt is the sea", mode="lexical", options=RetrievalOptions(window=1))
    assert hits[0].text == "The sea is as salt as ever."


def test_a_check_looks_again_and_reports_no_damage(
    index: Index, purge: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def then_purged(*arguments: object) -> Survey:
        purge()
        return survey(*arguments)

    monkeypatch.setattr(check, "survey", then_purged)
    assert index.check() == []


def test_a_bundle_is_of_one_version(index: Index, purge: Callable[[], None], tmp_path: Path) -> None:
    def purging(progress: Progress) -> None:
        purge()

    index.export(tmp_path / "all.bundle", on_progress=purging)
    with Index.from_bundle(tmp_path / "all.bundle", tmp_path / "again") as again:
        assert again.check() == []
        assert [node.node.text for node in again.nodes("sea.md")] == ["The sea is as salt as ever."]


def test_pairs_that_were_not_all_read_are_none(index: Index, purge: Callable[[], None]) -> None:
    pairs = index.near_duplicates()
    purge()
    with pytest.raises(StoreError, match="erased while it was read"):
        list(pairs)
    assert list(index.near_duplicates()) == []


def test_an_older_version_is_not_kept_any_more(index: Index, docs: Path, purge: Callable[[], None]) -> None:
    index.tag("t")
    with Index.open(index.path, at="t") as older:
        assert older.search("moon", mode="lexical")
        purge()
        reads: list[Callable[[], object]] = [
            lambda: older.search("moon", mode="lexical"),
            lambda: list(older.documents()),
            lambda: older.document("sea.md"),
            older.status,
            older.check,
        ]
        for read in reads:
            with pytest.raises(StoreError, match="is not kept: leave the version out"):
                read()
