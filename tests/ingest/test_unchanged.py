"""An ingest that finds nothing to do opens nothing, and misses nothing."""

from __future__ import annotations

import dataclasses
import errno
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from docindex import Index, IngestOptions, IngestReport, LoadOptions, LockedError
from docindex.ingest import stamps
from docindex.ingest.stamps import SETTLED_NS

TEXT_ONLY = IngestOptions(wait="text")
HEAVY = {"lancedb", "pyarrow", "sqlalchemy", "numpy", "pydantic", "asyncio", "onnxruntime", "rich", "pathspec"}


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A folder of files that were left alone for a while, some of which can't be taken, and an index of it."""
    home = tmp_path_factory.mktemp("unchanged")
    docs = home / "docs"
    (docs / "sub").mkdir(parents=True)
    (docs / "bees.txt").write_text("Bees dance to tell each other where flowers are.\n")
    (docs / "twin.txt").write_text("Bees dance to tell each other where flowers are.\n")
    (docs / "sub" / "dam.md").write_text("# The dam\n\nThe turbine hall was opened in 1931.\n")
    (docs / "facts.jsonl").write_text('{"_id": "f1", "text": "Granite is hard."}\n{"_id": "f2", "text": "Chalk."}\n')
    (docs / "broken.pdf").write_bytes(b"%PDF-1.4 nothing of the kind")
    (docs / "tool.bin").write_bytes(b"\x7fELF\x00\x01\x02\x03" * 20)
    (docs / "empty.txt").touch()
    time.sleep(SETTLED_NS / 1e9 + 0.1)
    with Index.create(home / "index") as index:
        index.ingest(docs, options=TEXT_ONLY)
    return docs, home / "index"


@pytest.fixture
def both(ingested: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path]:
    """The folder, and the index once more."""
    return ingested[0], Path(shutil.copytree(ingested[1], tmp_path / "index"))


def ingest(path: Path, docs: Path, options: IngestOptions = TEXT_ONLY) -> tuple[IngestReport, bool]:
    """The report of an ingest with an index that has just been opened, and whether that opened the stores."""
    with Index.open(path) as index:
        report = index.ingest(docs, options=options)
        return report, index._parts._store is not None


def essence(report: IngestReport) -> IngestReport:
    return dataclasses.replace(report, seconds=0.0, stages=())


SOUND = dataclasses.replace(TEXT_ONLY, exclude=("broken.pdf",))


def test_the_report_is_that_of_an_ingest_that_opens_everything(both: tuple[Path, Path]):
    docs, path = both
    quick, opened = ingest(path, docs, SOUND)
    assert not opened
    assert quick.unchanged == 4
    assert {problem.source for problem in quick.skipped} == {"broken.pdf", "tool.bin", "empty.txt"}
    assert [duplicate.source for duplicate in quick.duplicates] == ["twin.txt"]
    assert quick.nodes.pending > 0
    with Index.open(path) as index:
        assert index.status()["documents"] == 4
        whole = index.ingest(docs, options=SOUND)
    assert essence(whole) == essence(quick)


def test_a_file_that_no_one_may_read_opens_nothing(both: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch):
    docs, path = both
    locked = docs / "locked.txt"
    locked.write_text("Nobody reads this.")
    access, hash_of = os.access, stamps._hash

    def refusing(file: Path, media_type: str) -> object:
        if file == locked:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return hash_of(file, media_type)

    # Permissions alone do not stop the tests where they run as root.
    monkeypatch.setattr(os, "access", lambda file, mode: Path(file) != locked and access(file, mode))
    monkeypatch.setattr(stamps, "_hash", refusing)
    try:
        quick, opened = ingest(path, docs, SOUND)
        assert not opened
        assert [(problem.source, problem.reason) for problem in quick.failed] == [
            ("locked.txt", "can't be read: Permission denied")
        ]
        monkeypatch.undo()
        report, opened = ingest(path, docs, SOUND)
        assert opened
        assert report.added == 1
    finally:
        locked.unlink()


def test_a_new_process_imports_next_to_nothing(both: tuple[Path, Path]):
    docs, path = both
    code = "import sys; from docindex.cli import main\ntry: main()\nfinally: print(*sys.modules, file=sys.stderr)"
    arguments = ["ingest", docs, "-i", path, "--wait", "text", "--exclude", "broken.pdf", "--json"]
    ran = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert '"unchanged": 4' in ran.stdout
    assert set(ran.stderr.split()) & HEAVY == set()


def test_a_file_that_could_not_be_read_is_tried_again(both: tuple[Path, Path]):
    docs, path = both
    report, opened = ingest(path, docs)
    assert opened
    assert [problem.source for problem in report.failed] == ["broken.pdf"]


def test_nodes_that_wait_for_their_vectors_are_work_unless_text_is_enough(both: tuple[Path, Path]):
    docs, path = both
    report, opened = ingest(path, docs, dataclasses.replace(SOUND, wait="vectors"))
    assert opened
    assert report.nodes.embedded > 0
    assert not ingest(path, docs, dataclasses.replace(SOUND, wait="vectors"))[1]


CHANGES: dict[str, Callable[[Path], object]] = {
    "a new file": lambda docs: (docs / "new.txt").write_text("Something new."),
    "a file that is gone": lambda docs: (docs / "bees.txt").unlink(),
    "another text of the same length": lambda docs: rewrite(docs / "sub" / "dam.md"),
    "a file under another name": lambda docs: (docs / "sub" / "dam.md").rename(docs / "sub" / "weir.md"),
}


def rewrite(path: Path) -> None:
    before = path.stat()
    path.write_text(path.read_text().replace("1931", "1932"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.fixture(scope="module")
def stamped(ingested: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """For each change a folder that holds documents, and an index that knows them by their stamps."""
    folders = {change: tmp_path_factory.mktemp("change") for change in CHANGES}
    for folder in folders.values():
        shutil.copytree(ingested[0], folder / "docs")
    time.sleep(SETTLED_NS / 1e9 + 0.1)
    for folder in folders.values():
        with Index.create(folder / "index") as index:
            index.ingest(folder / "docs", options=SOUND)
        assert not ingest(folder / "index", folder / "docs", SOUND)[1]
    return folders


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_is_found(stamped: dict[str, Path], tmp_path: Path, change: str):
    docs, path = stamped[change] / "docs", stamped[change] / "index"
    options = dataclasses.replace(SOUND, sync=True)
    CHANGES[change](docs)
    assert ingest(path, docs, options)[1]
    with Index.open(path) as index, Index.create(tmp_path / "afresh") as afresh:
        afresh.ingest(docs, options=options)
        held = {record.doc_id: record.content_hash for record in index.documents()}
        assert held == {record.doc_id: record.content_hash for record in afresh.documents()}


def test_other_options_read_the_same_bytes_anew(both: tuple[Path, Path]):
    docs, path = both
    options = dataclasses.replace(SOUND, load=LoadOptions(id_field="_id", text_field="text"))
    report, opened = ingest(path, docs, options)
    assert opened
    assert report.added + report.updated == 2
    assert not ingest(path, docs, options)[1]


def test_checksum_reads_every_file(both: tuple[Path, Path]):
    docs, path = both
    with sqlite3.connect(path / "registry.db") as registry:
        registry.execute("UPDATE stamps SET bytes_hash = 'wrong'")
    report, opened = ingest(path, docs, dataclasses.replace(SOUND, checksum=True))
    assert opened
    assert (report.added, report.updated, report.unchanged) == (0, 0, 4)
    assert not ingest(path, docs, SOUND)[1], "and its stamps take the place of the old ones"


def test_an_index_without_stamps_hashes_once(both: tuple[Path, Path]):
    docs, path = both
    with sqlite3.connect(path / "registry.db") as registry:
        version = registry.execute("SELECT max(version) FROM commits").fetchone()
        registry.execute("DELETE FROM stamps")
    registry.close()
    report, opened = ingest(path, docs, SOUND)
    assert (opened, report.unchanged) == (True, 4)
    assert not ingest(path, docs, SOUND)[1]
    with sqlite3.connect(path / "registry.db") as registry:
        assert registry.execute("SELECT max(version) FROM commits").fetchone() == version
    registry.close()


def test_the_lease_is_taken(both: tuple[Path, Path]):
    docs, path = both
    with Index.open(path) as index, index._parts.store.writer(), pytest.raises(LockedError):
        ingest(path, docs, SOUND)


def test_what_an_interrupted_writer_left_is_seen_to(both: tuple[Path, Path]):
    docs, path = both
    with sqlite3.connect(path / "registry.db") as registry:
        registry.execute("INSERT INTO journal SELECT version + 1, nodes_version, 0, 1, 'host', vectors_version "
                         "FROM commits ORDER BY version DESC LIMIT 1")  # fmt: skip
    registry.close()
    report, opened = ingest(path, docs, SOUND)
    assert (opened, report.unchanged) == (True, 4)
