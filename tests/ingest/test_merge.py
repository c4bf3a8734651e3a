"""A bundle merges into an index without losing what either side has."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from docindex import Index, IngestOptions, LoadOptions, NoModelError
from docindex.indices.definitions import KINDS, definition_of
from docindex.retrieval.options import RetrievalOptions
from docindex.schema import Problem, Progress
from docindex.stores.commit import open_stores
from docindex.wiring import Parts

RECORDS = IngestOptions(load=LoadOptions(id_field="_id", title_field="title", text_field="text"))


class StoppedError(Exception):
    """What a test stops a merge with."""


def ids(index: Index) -> list[str]:
    return [record.doc_id for record in index.documents()]


def text_of(index: Index, doc_id: str) -> str:
    document = index.document(doc_id)
    assert document is not None
    return document.text.strip()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Index]:
    with Index.create(tmp_path / "other") as index:
        yield index


def carried(index: Index, path: Path) -> Path:
    path.unlink(missing_ok=True)
    index.export(path)
    return path


def test_what_is_missing_is_added_and_a_second_merge_does_nothing(
    index: Index, docs: Path, origin: Index, bundle: Path, files: Path
):
    index.ingest(docs)
    report = index.merge(bundle)
    assert (report.added, report.updated, report.unchanged, report.skipped, report.failed) == (6, 0, 0, (), ())
    assert report.nodes.embedded == 0
    assert report.nodes.pending == 1
    assert set(ids(index)) == {*ids(origin), "apple.txt", "sea.md", "sub/engine.txt"}
    assert index.check() == []
    assert index.search("turbines", k=1)[0].doc_id == "dam.md"
    assert index.status()["refusal"]["fitted_at_nodes"] == index.status()["nodes"]
    version = index.status()["version"]
    again = index.merge(bundle)
    assert (again.added, again.updated, again.unchanged) == (0, 0, 6)
    assert index.status()["version"] == version
    assert index.ingest(files, options=RECORDS).unchanged == 5
    assert index.ingest(docs).unchanged == 3


def test_indexes_on_top_of_the_passages_follow(index: Index, other: Index, docs: Path, write, tmp_path: Path):
    index.ingest(docs)
    for kind in KINDS:
        index.add_index(definition_of(kind))
    other.ingest(write(tmp_path / "more" / "weir.txt", "The weir lets salmon pass in spring.\n"))
    report = index.merge(carried(other, tmp_path / "other.bundle"))
    assert (report.added, report.behind) == (1, ())
    assert [(state.kind, state.documents, state.waiting) for state in index.indexes()] == [
        (kind, 4, 0) for kind in KINDS
    ]
    assert index.search("salmon in spring", k=1, options=RetrievalOptions(via="summaries"))[0].doc_id == "weir.txt"
    assert index.check() == []


def test_a_merge_needs_no_embedder(
    index: Index, bundle: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    index.close()

    def missing(parts: Parts) -> NoReturn:
        raise NoModelError("There is no such model.")

    monkeypatch.setattr(Parts, "embedder", missing)
    with Index.open(index.path) as again:
        assert again.merge(bundle).added == 6
        assert again.status()["refusal"] is None
    assert caplog.messages == ["The index is not calibrated: There is no such model."]


def test_the_newer_document_stays_whichever_side_has_it(write, index: Index, other: Index, tmp_path: Path):
    one, two = tmp_path / "docs" / "one.txt", tmp_path / "docs" / "two.txt"
    write(one, "One is old here.\n", day=1)
    write(two, "Two is new here.\n", day=5)
    index.ingest(tmp_path / "docs")
    write(one, "One is new there.\n", day=4)
    write(two, "Two is old there.\n", day=2)
    other.ingest(tmp_path / "docs")
    report = index.merge(carried(other, tmp_path / "other.bundle"))
    assert (report.added, report.updated, report.unchanged) == (0, 1, 0)
    assert report.skipped == (Problem("two.txt", "the index has a newer one"),)
    assert report.failed == ()
    assert text_of(index, "one.txt") == "One is new there."
    assert text_of(index, "two.txt") == "Two is new here."
    assert index.search("old", mode="lexical") == []
    assert index.check() == []
    # The index knows that the first file was read in its newer state, and the second one not in that of the disk.
    report = index.ingest(tmp_path / "docs")
    assert (report.unchanged, report.updated) == (1, 1)


def test_where_files_tell_nothing_the_time_of_the_ingest_does(write, index: Index, other: Index, tmp_path: Path):
    file = write(tmp_path / "docs" / "same.txt", "First words.\n", day=1)
    index.ingest(tmp_path / "docs")
    write(file, "Second words.\n", day=1)
    other.ingest(tmp_path / "docs")
    assert index.merge(carried(other, tmp_path / "b.bundle")).updated == 1
    assert text_of(index, "same.txt") == "Second words."


def test_an_id_of_another_file_stays_with_it_and_is_reported(write, index: Index, other: Index, tmp_path: Path):
    write(tmp_path / "here" / "readme.txt", "Words of this machine.\n", day=1)
    write(tmp_path / "there" / "readme.txt", "Words of that machine.\n", day=9)
    write(tmp_path / "there" / "more.txt", "More words of that machine.\n")
    index.ingest(tmp_path / "here")
    other.ingest(tmp_path / "there")
    report = index.merge(carried(other, tmp_path / "b.bundle"))
    assert (report.added, report.updated) == (1, 0)
    (problem,) = report.failed
    assert problem.source == "readme.txt"
    assert str(tmp_path / "here" / "readme.txt") in problem.reason
    assert text_of(index, "readme.txt") == "Words of this machine."
    assert index.check() == []
    assert index.ingest(tmp_path / "here").unchanged == 1
    assert index.ingest(tmp_path / "there" / "more.txt").unchanged == 1


def test_records_are_merged_one_by_one_and_a_mixed_file_is_read_again(
    write, index: Index, other: Index, tmp_path: Path
):
    def write_rows(texts: dict[str, str], day: int) -> Path:
        lines = [json.dumps({"_id": name, "title": name, "text": text}) for name, text in texts.items()]
        return write(tmp_path / "rows.jsonl", "\n".join(lines), day=day)

    index.ingest(write_rows({"a": "A stays.", "b": "B is old here.", "c": "C is only here."}, 1), options=RECORDS)
    file = write_rows({"a": "A stays.", "b": "B is new there.", "d": "D is new."}, 3)
    other.ingest(file, options=RECORDS)
    report = index.merge(carried(other, tmp_path / "b.bundle"))
    assert (report.added, report.updated, report.unchanged) == (1, 1, 1)
    assert [text_of(index, doc_id) for doc_id in ids(index)] == [
        *("A stays.", "B is new there.", "C is only here.", "D is new.")
    ]
    assert index.check() == []
    report = index.ingest(file, options=RECORDS)
    assert (report.unchanged, report.deleted) == (3, 1), "the file has no C any more"


def test_a_link_comes_only_with_the_file_that_it_stands_for(write, index: Index, other: Index, tmp_path: Path):
    write(tmp_path / "docs" / "a.txt", "The same words twice.\n", day=1)
    shutil.copy(tmp_path / "docs" / "a.txt", tmp_path / "docs" / "b.txt")
    assert len(other.ingest(tmp_path / "docs").duplicates) == 1
    bundle = carried(other, tmp_path / "b.bundle")
    write(tmp_path / "docs" / "a.txt", "Other words, and newer ones.\n", day=8)
    index.ingest(tmp_path / "docs" / "a.txt")
    assert [problem.source for problem in index.merge(bundle).skipped] == ["a.txt"]
    assert [location.name for location in open_stores(index.path).snapshot().sources()] == ["a.txt"]
    report = index.ingest(tmp_path / "docs")
    assert (report.added, report.unchanged) == (1, 1)
    assert text_of(index, "b.txt") == "The same words twice."


@pytest.mark.parametrize("stop_at", ["journal", "nodes-written", "registry-written", "committed"])
def test_an_interrupted_merge_loses_nothing_and_goes_on(
    index: Index, docs: Path, bundle: Path, files: Path, stop_at: str
):
    index.ingest(docs)
    before = ids(index)
    steps = 0

    def stop(progress: Progress) -> None:
        nonlocal steps
        steps += progress.step == stop_at
        if steps == 1:
            raise StoppedError

    with pytest.raises(StoppedError):
        index.merge(bundle, on_progress=stop)
    assert set(before) <= set(ids(index))
    assert index.check() == []
    report = index.merge(bundle)
    assert report.added + report.unchanged == 6
    assert index.check() == []
    again = index.ingest(files, options=RECORDS)
    assert (again.unchanged, again.nodes.added) == (5, 0)


def test_what_waits_for_vectors_waits_after_a_merge_too(index: Index, bundle: Path):
    index.merge(bundle)
    stores = open_stores(index.path)
    waiting = [node.doc_id for node in stores.snapshot().unembedded(10)]
    (node,) = stores.snapshot().nodes_of("late.txt")
    assert not np.any(stores.snapshot().vectors([node.node.node_id]))
    stores.close()
    assert waiting == ["late.txt"]
    assert index.embed().nodes.embedded == 1
    assert index.search("birds in a field", k=1, mode="dense")[0].doc_id == "late.txt"
