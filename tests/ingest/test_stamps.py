"""What is known of files without reading them: never of one that can change again and look the same."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from docindex.ingest.found import FoundFile
from docindex.ingest.stamps import SETTLED_NS, FileHashes
from docindex.loaders.media_types import SQLITE
from docindex.protocols import FileStamp

TEXT = b"The pump runs at 40 rpm."
OTHER = b"The pump runs at 41 rpm."
SETTLED = SETTLED_NS / 1e9 + 0.1


def found(path: Path) -> FoundFile:
    return FoundFile(path, str(path), path.name, str(path), path.stat().st_size, None, status=path.stat())


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Files that have been left alone for long enough, by name."""
    folder = tmp_path_factory.mktemp("settled")
    for name in ("edited", "replaced", "touched", "plain"):
        (folder / name).write_bytes(TEXT)
    time.sleep(SETTLED)
    return lambda name: folder / name


def stamp_of(path: Path) -> FileStamp:
    hashes = FileHashes()
    assert hashes.known(found(path)) is None
    assert hashes.read(found(path), "text/plain") == hashlib.sha256(TEXT).hexdigest()
    (stamp,) = hashes.take_new()
    assert hashes.take_new() == []
    return stamp


def test_a_file_that_was_left_alone_is_known_from_then_on(settled: Callable[[str], Path]):
    stamp = stamp_of(settled("plain"))
    assert FileHashes([stamp]).known(found(settled("plain"))) == stamp
    assert (stamp.bytes_hash, stamp.media_type) == (hashlib.sha256(TEXT).hexdigest(), "text/plain")
    assert FileHashes([stamp], checksum=True).known(found(settled("plain"))) is None


def test_an_edit_that_keeps_size_and_time_is_seen(settled: Callable[[str], Path]):
    path = settled("edited")
    stamp = stamp_of(path)
    before = path.stat()
    path.write_bytes(OTHER)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (before.st_size, before.st_mtime_ns, before.st_ino)
    assert FileHashes([stamp]).known(found(path)) is None


def test_a_file_in_the_place_of_another_is_seen(settled: Callable[[str], Path]):
    path = settled("replaced")
    stamp = stamp_of(path)
    before = path.stat()
    other = path.with_name("other")
    other.write_bytes(OTHER)
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)
    assert FileHashes([stamp]).known(found(path)) is None


def test_a_new_time_alone_makes_a_file_unknown(settled: Callable[[str], Path]):
    path = settled("touched")
    stamp = stamp_of(path)
    path.touch()
    assert FileHashes([stamp]).known(found(path)) is None


def test_a_file_that_has_just_been_written_is_known_once_it_was_left_alone(tmp_path: Path):
    left, changed, gone = (tmp_path / name for name in ("left", "changed", "gone"))
    hashes = FileHashes()
    for path in (left, changed, gone):
        path.write_bytes(TEXT)
        hashes.read(found(path), "text/plain")
    assert hashes.take_new() == [], "within the steps of its clock it can change again and look the same"
    changed.write_bytes(OTHER)
    gone.unlink()
    time.sleep(SETTLED)
    assert [stamp.location for stamp in hashes.take_new()] == [str(left)]
    assert hashes.take_new() == []


def test_a_time_to_come_is_never_trusted(settled: Callable[[str], Path], tmp_path: Path):
    path = tmp_path / "late"
    path.write_bytes(TEXT)
    to_come = time.time_ns() + 3600 * 10**9
    os.utime(path, ns=(to_come, to_come))
    hashes = FileHashes()
    hashes.read(found(path), "text/plain")
    assert hashes.take_new() == []


def test_what_is_no_local_file_gets_no_stamp(settled: Callable[[str], Path]):
    path = settled("plain")
    page = FoundFile(path, "https://example.org/", "https://example.org/", "https://example.org/", len(TEXT), None)
    hashes = FileHashes([FileStamp("https://example.org/", "", "0", "text/plain")])
    assert hashes.known(page) is None
    hashes.read(page, "text/plain")
    assert hashes.take_new() == []


def test_a_change_that_is_in_a_databases_log_is_seen(tmp_path: Path):
    path = tmp_path / "app.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("CREATE TABLE t (x)")
        time.sleep(SETTLED)
        hashes = FileHashes()
        before = hashes.read(found(path), SQLITE)
        (stamp,) = hashes.take_new()
        assert FileHashes([stamp]).known(found(path)) == stamp
        was = path.stat().st_mtime_ns
        connection.execute("INSERT INTO t VALUES ('fresh')")
        connection.commit()
        assert path.stat().st_mtime_ns == was
        assert FileHashes([stamp]).known(found(path)) is None
        assert hashes.read(found(path), SQLITE) != before
    assert not path.with_name("app.db-wal").exists()
    assert hashes.read(found(path), SQLITE) == hashlib.sha256(path.read_bytes()).hexdigest()
