"""Names and places that are easily mistaken: what is taken for gone, for empty, or for somebody else's."""

import os
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from docindex import Index, IngestOptions
from docindex.ingest.discover import discover
from docindex.ingest.found import path_at
from docindex.protocols import SourceRecord
from docindex.schema import LoadOptions

SYNC = IngestOptions(wait="text", sync=True)
TEXT = IngestOptions(wait="text")


def ids(index: Index) -> set[str]:
    return {record.doc_id for record in index.documents()}


def sources(index: Index) -> list[SourceRecord]:
    return sorted(index._snapshot().sources(), key=lambda record: record.location)


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that nobody may enter, root neither."""
    folder = tmp_path / "docs" / "locked"
    folder.mkdir(parents=True)
    (tmp_path / "docs" / "open.txt").write_text("The lamp is green.")
    real = os.stat

    def stat(path: str | os.PathLike[str], *args: object, **options: object) -> os.stat_result:
        if str(path).startswith(f"{folder}/"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *args, **options)

    monkeypatch.setattr(os, "stat", stat)
    return folder


def test_a_folder_that_may_not_be_entered_stops_nothing(locked: Path) -> None:
    with ExitStack() as stack:
        found = discover([locked.parent], IngestOptions(), stack)
    assert [file.name for file in found.files] == ["open.txt"]


@pytest.mark.parametrize("name", ["locked/a.txt", "locked/*.txt", "n" * 300, "n" * 300 + "*", "nul\0"])
def test_a_source_that_can_not_be_looked_at_fails_alone(locked: Path, name: str) -> None:
    with ExitStack() as stack:
        found = discover([locked.parent / name, locked.parent / "open.txt"], IngestOptions(), stack)
    assert [file.name for file in found.files] == ["open.txt"]
    assert [problem.source for problem in found.failed] == [str(locked.parent / name)]


def test_what_may_not_be_looked_at_is_not_gone(locked: Path) -> None:
    assert path_at(str(locked / "a.txt")) == locked / "a.txt"
    assert path_at(str(locked.parent / "a.txt")) is None
    assert path_at(str(locked.parent / "open.txt" / "a.txt")) is None


def test_a_name_that_is_not_utf8_stays_whatever_is_synced(index: Index, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "plain.txt").write_text("The lamp is green.")
    Path(os.fsdecode(os.fsencode(docs) + b"/caf\xe9.txt")).write_text("Coffee is served at nine.")
    assert index.ingest(docs, options=SYNC).added == 2
    for _ in range(2):
        report = index.ingest(docs, options=SYNC)
        assert (report.unchanged, report.added, report.deleted) == (2, 0, 0)
    Path(os.fsdecode(os.fsencode(docs) + b"/caf\xe9.txt")).unlink()
    assert index.ingest(docs, options=SYNC).deleted == 1


def test_an_emptied_file_takes_its_text_along(index: Index, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    for name in ("a.txt", "b.txt"):
        (docs / name).write_text(f"The pump {name} runs.")
    index.ingest(docs, options=TEXT)
    (docs / "b.txt").write_text("")
    report = index.ingest(docs, options=TEXT)
    assert ([problem.reason for problem in report.skipped], report.deleted) == (["empty file"], 1)
    assert ids(index) == {"a.txt"}
    (docs / "a.txt").write_text("")
    index.ingest(docs, options=IngestOptions(wait="text", exclude=("a.*",)))
    assert ids(index) == {"a.txt"}, "what is excluded is left as it is"


def test_a_text_that_moved_out_of_an_emptied_file_stays(index: Index, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.txt").write_text("The pump runs.")
    index.ingest(docs, options=TEXT)
    (docs / "b.txt").write_text("The pump runs.")
    (docs / "a.txt").write_text("")
    index.ingest(docs, options=TEXT)
    assert ids(index) == {"b.txt"}
    assert [hit.source for hit in index.search("pump", mode="lexical")] == ["b.txt"]


def test_two_databases_with_the_same_ids_do_not_replace_each_other(index: Index, tmp_path: Path) -> None:
    for name in ("a", "b"):
        with sqlite3.connect(tmp_path / f"{name}.db") as connection:
            connection.execute("CREATE TABLE t (id INTEGER, x TEXT)")
            connection.executemany("INSERT INTO t VALUES (?, ?)", [(1, f"first of {name}"), (2, f"second of {name}")])
        connection.close()
    options = IngestOptions(wait="text", load=LoadOptions(id_field="id", query="SELECT id, x FROM t"))
    assert index.ingest(f"sqlite:///{tmp_path}/a.db", options=options).added == 2
    report = index.ingest(f"sqlite:///{tmp_path}/b.db", options=options)
    assert report.updated == 0
    assert len(report.failed) == 2
    assert "already used" in report.failed[0].reason
    assert "--id-field" in report.failed[0].reason
    assert index.search("first of a", mode="lexical")[0].text.endswith("first of a")


def test_a_copy_keeps_its_name_from_others(index: Index, tmp_path: Path) -> None:
    for folder, name, text in (("a", "x.md", "Same."), ("b", "README.md", "Same."), ("c", "README.md", "Other.")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(text)
    folders = [tmp_path / folder for folder in "abc"]
    index.ingest(*folders, options=TEXT)
    names = [record.name for record in sources(index)]
    assert len(set(names)) == len(names) == 3
    (tmp_path / "b" / "README.md").write_text("Edited.")
    report = index.ingest(*folders, options=TEXT)
    assert (report.added + report.updated, report.unchanged, report.deleted) == (1, 2, 0)
    assert len(ids(index)) == 3


def test_a_deleted_record_comes_back_with_the_next_ingest(index: Index, tmp_path: Path) -> None:
    file = tmp_path / "f.jsonl"
    file.write_text('{"id": "r1", "text": "The pump runs."}\n{"id": "r2", "text": "The lamp is green."}\n')
    options = IngestOptions(wait="text", load=LoadOptions(id_field="id", text_field="text"))
    index.ingest(file, options=options)
    assert index.delete("r1") == 1
    assert index.check() == []
    report = index.ingest(file, options=options)
    assert (report.added, report.unchanged, report.nodes.added) == (1, 1, 1)
    assert ids(index) == {"r1", "r2"}
    assert index.ingest(file, options=options).unchanged == 2


def test_repeated_columns_keep_all_their_values(index: Index, tmp_path: Path) -> None:
    file = tmp_path / "f.csv"
    file.write_text("id,text,tag,tag\n1,hello,red,\n2,there,,blue\n")
    index.ingest(file, options=IngestOptions(wait="text", load=LoadOptions(id_field="id", text_field="text")))
    first, second = index.document("1"), index.document("2")
    assert first is not None
    assert second is not None
    assert (first.metadata["tag"], second.metadata["tag (2)"]) == ("red", "blue")


def test_a_file_of_which_a_part_failed_goes_into_a_bundle_and_out(index: Index, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    with zipfile.ZipFile(docs / "mixed.zip", "w") as archive:
        archive.writestr("good.txt", "The lamp is green.")
        archive.writestr("bad.pdf", b"%PDF-1.4 broken")
    report = index.ingest(docs, options=TEXT)
    assert report.failed
    index.export(tmp_path / "bundle.zip")
    with Index.from_bundle(tmp_path / "bundle.zip", tmp_path / "again") as again:
        assert [record.problems for record in sources(again)] == [record.problems for record in sources(index)]
        assert again.check() == []
