"""A bundle carries a whole index, and another one made of it goes on where that one was."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from docindex import Index, IngestOptions, LoadOptions, StoreError
from docindex.ingest.bundle_reading import read_about
from docindex.protocols import DocumentRecord
from docindex.schema import Progress
from docindex.stores.commit import open_stores

MEMBERS = ["bundle.json", "documents.jsonl", "vectors.f32", "sources.jsonl", "checksums.json"]
TIMES = ("added_at", "updated_at")
RECORDS = IngestOptions(load=LoadOptions(id_field="_id", title_field="title", text_field="text"))


class StoppedError(Exception):
    """What a test stops a merge with."""


def without_times(record: DocumentRecord) -> dict[str, Any]:
    return {name: value for name, value in dataclasses.asdict(record).items() if name not in TIMES}


def contents(path: Path) -> dict[str, Any]:
    """Everything that an index holds, except when it took it up."""
    stores = open_stores(path)
    try:
        snapshot = stores.snapshot()
        records = list(snapshot.documents())
        nodes = {record.doc_id: snapshot.nodes_of(record.doc_id) for record in records}
        node_ids = [found.node.node_id for held in nodes.values() for found in held]
        return {
            "records": [without_times(record) for record in records],
            "documents": [snapshot.load(record.doc_id) for record in records],
            "nodes": nodes,
            "tables": list(snapshot.tables()),
            "sources": sorted(snapshot.sources(), key=lambda source: source.location),
            "fields": snapshot.fields(),
            "vectors": snapshot.vectors(node_ids).tolist(),
            "embedded": (snapshot.embedded(), snapshot.count()),
            "problems": snapshot.problems(),
        }
    finally:
        stores.close()


# --- there and back -------------------------------------------------------------------------------------------------


def test_an_imported_index_is_the_one_that_was_exported(origin: Index, bundle: Path, tmp_path: Path):
    before = contents(origin.path)
    assert before["problems"] == []
    assert before["tables"]
    assert before["embedded"][0] < before["embedded"][1]
    with Index.from_bundle(bundle, tmp_path / "copy") as copy:
        assert copy.config == origin.config
        assert copy.status()["refusal"]["fitted_at_nodes"] == copy.status()["nodes"]
        assert contents(copy.path) == before
        assert {record.doc_id: record.state for record in copy.documents() if record.state == "text"} == {
            "late.txt": "text"
        }
        for query in ("turbines", "Hügel", "what is granite made of?"):
            assert [hit.node for hit in copy.search(query)] == [hit.node for hit in origin.search(query)]
        again = tmp_path / "again.bundle"
        copy.export(again)
        assert copy.embed().nodes.embedded == 1
        assert copy.check() == []
    assert read_about(again) == read_about(bundle)
    with zipfile.ZipFile(again) as one, zipfile.ZipFile(bundle) as other:
        assert one.read("vectors.f32") == other.read("vectors.f32")
        assert one.read("sources.jsonl") == other.read("sources.jsonl")


def test_an_imported_index_goes_on_from_the_same_files(bundle: Path, files: Path, tmp_path: Path):
    with Index.from_bundle(bundle, tmp_path / "copy") as copy:
        report = copy.ingest(files, options=RECORDS)
        assert (report.added, report.updated, report.deleted, report.unchanged) == (0, 0, 0, 5)
        assert [duplicate.source for duplicate in report.duplicates] == ["sub.md"]


def test_a_bundle_says_what_it_is(origin: Index, bundle: Path):
    about = read_about(bundle)
    status = origin.status()
    assert (about.documents, about.nodes) == (status["documents"], status["nodes"])
    assert (about.fingerprint, about.dim) == (status["embedder"]["fingerprint"], status["embedder"]["dim"])
    with zipfile.ZipFile(bundle) as archive:
        assert sorted(archive.namelist()) == sorted(MEMBERS)
        assert len(archive.read("vectors.f32")) == about.nodes * about.dim * 4


def test_an_older_version_is_exported_as_it_was(write, index: Index, tmp_path: Path):
    file = write(tmp_path / "a.txt", "The old words.\n")
    index.ingest(file)
    index.tag("old")
    write(file, "The new words.\n")
    index.ingest(file)
    with Index.open(index.path, at="old") as old:
        old.export(tmp_path / "old.bundle")
    with Index.from_bundle(tmp_path / "old.bundle", tmp_path / "copy") as copy:
        assert [hit.text for hit in copy.search("words")] == ["The old words."]


def test_an_empty_index_is_a_bundle_too(index: Index, tmp_path: Path):
    index.export(tmp_path / "empty.bundle")
    with Index.from_bundle(tmp_path / "empty.bundle", tmp_path / "copy") as copy:
        assert list(copy.documents()) == []
        assert copy.check() == []


def test_where_the_registry_is_stays_at_home(index: Index, tmp_path: Path):
    index.export(tmp_path / "a.bundle")
    with zipfile.ZipFile(tmp_path / "a.bundle") as archive:
        assert json.loads(archive.read("bundle.json"))["config"]["database"] is None


# --- writing --------------------------------------------------------------------------------------------------------


def test_an_export_overwrites_nothing(origin: Index, bundle: Path, tmp_path: Path):
    before = bundle.read_bytes()
    with pytest.raises(StoreError, match="exists already"):
        origin.export(bundle)
    assert bundle.read_bytes() == before
    with pytest.raises(StoreError, match="is no folder"):
        origin.export(tmp_path / "none" / "a.bundle")


def test_an_interrupted_export_leaves_nothing(origin: Index, tmp_path: Path):
    def stop(progress: Progress) -> None:
        if progress.nodes:
            raise StoppedError

    with pytest.raises(StoppedError):
        origin.export(tmp_path / "a.bundle", on_progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_progress_counts_passages(origin: Index, tmp_path: Path):
    seen: list[Progress] = []
    origin.export(tmp_path / "a.bundle", on_progress=seen.append)
    assert {progress.step for progress in seen} == {"export"}
    assert [progress.nodes for progress in seen] == sorted(progress.nodes for progress in seen)
    assert seen[-1].nodes == seen[-1].nodes_total == origin.status()["nodes"]
