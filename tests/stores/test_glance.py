"""A first look at an index says what opening it would say, or nothing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from docindex.config import IndexConfig
from docindex.errors import StoreError
from docindex.protocols import ChangeSet, FileStamp, SourceRecord
from docindex.schema import IndexDefinition, Problem
from docindex.stores.commit import create_stores, open_stores
from docindex.stores.glance import glance, is_sound
from docindex.stores.manifest import Manifest, read_manifest
from docindex.testing.stored_texts import DIM, text_change

MANIFEST = Manifest(config=IndexConfig(), embedder="model", fingerprint="abc", dim=DIM)
STAMPS = [FileStamp(f"/docs/{name}.txt", f"1 {name}", name * 64, "text/plain") for name in "abc"]


def source(name: str, **more: object) -> SourceRecord:
    record = SourceRecord(
        location=f"/docs/{name}.txt",
        name=f"{name}.txt",
        root="/docs",
        content_hash=name,
        bytes=7,
        modified_at=datetime(2024, 5, 1, tzinfo=UTC),
    )
    for field, value in more.items():
        object.__setattr__(record, field, value)
    return record


SOURCES = [
    source("a"),
    source("b", documents=0, same_as="/docs/a.txt", modified_at=None),
    source(
        "c", documents=0, failure="crashes", problems=(Problem("c/1", "is torn"),), validator='"v1"', limits="pages=7"
    ),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An index of some files, which have stamps."""
    path = tmp_path / "a b%20c#d?e" / "index"
    with closing(create_stores(path, MANIFEST)) as stores, stores.writer() as writer:
        writer.commit(ChangeSet(documents=[text_change("a", "Some text.")], sources=[source("gone"), *SOURCES]))
        writer.commit(ChangeSet(delete_sources=["/docs/gone.txt"]))
        writer.stamp(STAMPS)
    return path


def test_a_glance_is_what_the_stores_say(path: Path):
    seen = glance(path, read_manifest(path))
    assert seen is not None
    with closing(open_stores(path)) as stores:
        snapshot = stores.snapshot()
        assert list(seen.sources) == list(snapshot.sources()) == SOURCES
        assert set(seen.stamps) == set(snapshot.stamps()) == set(STAMPS)
        assert (seen.nodes, seen.embedded) == (snapshot.count(), snapshot.embedded())


def run(statement: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with closing(sqlite3.connect(path / "registry.db")) as registry:
            registry.execute(statement)
            registry.commit()

    return change


def cut_short(path: Path) -> None:
    file = path / "registry.db"
    file.write_bytes(file.read_bytes()[:-4096])


def of_format_1(path: Path) -> None:
    file = path / "docindex.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"format_version": 1}))


DAMAGE: dict[str, Callable[[Path], None]] = {
    "a newer docindex migrated it": run("INSERT INTO migrations VALUES (999, 'm999', 0)"),
    "an older docindex made it": run("DELETE FROM migrations WHERE number = 3"),
    "it has an older format": of_format_1,
    "it belongs to another index": run("UPDATE properties SET value = 'other' WHERE name = 'index_id'"),
    "it is truncated": cut_short,
    "it is gone": lambda path: (path / "registry.db").unlink(),
    "it is no database": lambda path: (path / "registry.db").write_text("nothing of the kind"),
}


@pytest.mark.parametrize("why", DAMAGE)
def test_what_is_not_as_it_should_be_is_left_to_the_stores(path: Path, why: str):
    assert is_sound(path, read_manifest(path))
    DAMAGE[why](path)
    manifest = read_manifest(path)
    assert not is_sound(path, manifest)
    assert glance(path, manifest) is None
    assert not (path / "registry.db").exists() or (path / "registry.db").stat().st_size, "none is made"


def test_what_an_ingest_has_to_look_into_is_left_to_the_stores(path: Path):
    run("INSERT INTO journal SELECT 9, 1, 0, 1, 'host', 1")(path)
    assert is_sound(path, read_manifest(path))
    assert glance(path, read_manifest(path)) is None
    run("DELETE FROM journal")(path)
    assert glance(path, read_manifest(path)) is not None
    with closing(open_stores(path)) as stores, stores.writer() as writer:
        writer.commit(ChangeSet(define_indexes=[IndexDefinition(kind="summaries", options={})]))
    assert glance(path, read_manifest(path)) is None


def test_a_registry_elsewhere_is_left_to_the_stores(tmp_path: Path):
    config = IndexConfig(database=f"sqlite:///{tmp_path / 'elsewhere.db'}")
    manifest = Manifest(config=config, embedder="model", fingerprint="abc", dim=DIM)
    create_stores(tmp_path / "index", manifest).close()
    assert not is_sound(tmp_path / "index", read_manifest(tmp_path / "index"))


# --- stamps ---------------------------------------------------------------------------------------------------------


def test_a_stamp_takes_the_place_of_the_one_before_and_makes_no_version(path: Path):
    newer = FileStamp("/docs/a.txt", "2", "d" * 64, "text/markdown")
    with closing(open_stores(path)) as stores, stores.writer() as writer:
        version = stores.snapshot().version
        writer.stamp([newer])
        writer.stamp([])
        assert stores.snapshot().version == version
        assert set(stores.snapshot().stamps()) == {newer, *STAMPS[1:]}


def test_stamps_go_with_their_files(path: Path):
    with closing(open_stores(path)) as stores, stores.writer() as writer:
        writer.commit(ChangeSet(delete_sources=["/docs/b.txt"]))
        assert {stamp.location for stamp in stores.snapshot().stamps()} == {"/docs/a.txt", "/docs/c.txt"}


def test_a_purge_leaves_no_stamp_of_what_the_index_does_not_hold(path: Path):
    with closing(open_stores(path)) as stores, stores.writer() as writer:
        writer.stamp([FileStamp("/docs/never-taken.txt", "1", "e" * 64, "text/plain")])
        writer.purge()
        assert set(stores.snapshot().stamps()) == set(STAMPS)
    assert b"never-taken" not in (path / "registry.db").read_bytes()


def test_many_stamps_are_kept(path: Path):
    many = [FileStamp(f"/many/{number}", "1", "f" * 64, "text/plain") for number in range(1203)]
    with closing(open_stores(path)) as stores, stores.writer() as writer:
        writer.stamp(many)
        writer.stamp(many)
        assert len(stores.snapshot().stamps()) == len(many) + len(STAMPS)


def test_an_index_that_is_damaged_still_says_so_when_it_is_opened(path: Path):
    cut_short(path)
    with pytest.raises(StoreError, match="truncated"):
        open_stores(path)
