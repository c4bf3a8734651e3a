"""A bundle carries a whole index, says when it is damaged, and merges without losing what either side has."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

from docindex import EmbedderMismatchError, FormatError, Index, IngestOptions, LoadOptions, NoModelError, StoreError
from docindex.ingest.bundle_reading import BundleReader, read_about
from docindex.protocols import DocumentRecord
from docindex.schema import Problem, Progress
from docindex.stores.commit import open_stores
from docindex.wiring import Parts

MEMBERS = ["bundle.json", "documents.jsonl", "vectors.f32", "sources.jsonl", "checksums.json"]
MOST_FLIPS = 400
"""Of each member."""
TIMES = ("added_at", "updated_at")
RECORDS = IngestOptions(load=LoadOptions(id_field="_id", title_field="title", text_field="text"))


class StoppedError(Exception):
    """What a test stops a merge with."""


def write(path: Path, text: str, *, day: int = 1) -> Path:
    """A file that was changed at noon of a day."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    moment = (datetime(2025, 1, 1, 12, tzinfo=UTC) + timedelta(days=day)).timestamp()
    os.utime(path, (moment, moment))
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, example_documents: Path) -> Path:
    """Headings, tables, pages, records with metadata, a name that is not ASCII, and a file that is there twice."""
    folder = tmp_path_factory.mktemp("bundle") / "docs"
    write(
        folder / "dam.md",
        "---\nauthor: Ida\nyear: 1931\n---\n# The dam\n\nIt holds three turbines.\n\n## Sizes\n\n"
        "| part | metres |\n|---|---|\n| crest | 220.5 |\n| base | 48 |\n",
    )
    write(folder / "größe \N{SNOWMAN}.txt", "Grüße aus dem Schnee.\N{GRINNING FACE} Der Hügel ist 300 Meter hoch.\n")
    write(
        folder / "facts.jsonl",
        '{"_id": "f1", "title": "Granite", "text": "Granite is made of quartz.", "tags": ["rock", "hard"], "age": 3}\n'
        '{"_id": "f2", "title": "Chalk", "text": "Chalk is soft.", "seen": "2024-05-01T10:00:00+02:00"}\n',
    )
    shutil.copy(example_documents / "user-manual.pdf", folder / "manual.pdf")
    shutil.copy(folder / "dam.md", folder / "sub.md")
    return folder


@pytest.fixture(scope="module")
def origin(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """An index of which one document waits for its vectors."""
    with Index.create(tmp_path_factory.mktemp("origin") / "index") as index:
        report = index.ingest(files, options=RECORDS)
        assert report.failed == ()
        assert len(report.duplicates) == 1
        late = write(files.parent / "late.txt", "Lapwings nest in the wet meadow behind the church.\n")
        index.ingest(late, options=IngestOptions(wait="text"))
        yield index


@pytest.fixture(scope="module")
def bundle(origin: Index, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundles") / "all.bundle"
    origin.export(path)
    return path


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


def ids(index: Index) -> list[str]:
    return [record.doc_id for record in index.documents()]


def text_of(index: Index, doc_id: str) -> str:
    document = index.document(doc_id)
    assert document is not None
    return document.text.strip()


def edited(bundle: Path, member: str, edit: Callable[[bytes], bytes], path: Path) -> Path:
    """A bundle with another member, and the checksums that were."""
    with zipfile.ZipFile(bundle) as archive, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as copy:
        for name in archive.namelist():
            data = archive.read(name)
            copy.writestr(name, edit(data) if name == member else data)
    return path


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


def test_an_older_version_is_exported_as_it_was(index: Index, tmp_path: Path):
    file = write(tmp_path / "a.txt", "The old words.\n")
    index.ingest(file)
    index.tag("old")
    write(file, "The new words.\n")
    index.ingest(file)
    with Index.open(index.path, at="old") as old:
        old.export(tmp_path / "old.bundle")
    with Index.from_bundle(tmp_path / "old.bundle", tmp_path / "copy") as copy:
        assert text_of(copy, "a.txt") == "The old words."


def test_an_empty_index_is_a_bundle_too(index: Index, tmp_path: Path):
    index.export(tmp_path / "empty.bundle")
    with Index.from_bundle(tmp_path / "empty.bundle", tmp_path / "copy") as copy:
        assert ids(copy) == []
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


# --- damage ---------------------------------------------------------------------------------------------------------


def data_of(bundle: Path, member: str) -> range:
    """Where the bytes of a member are in the file."""
    with zipfile.ZipFile(bundle) as archive:
        info = archive.getinfo(member)
    header = bundle.read_bytes()[info.header_offset :]
    start = info.header_offset + 30 + int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    return range(start, start + info.compress_size)


def contents_of(bundle: Path) -> list[bytes]:
    with zipfile.ZipFile(bundle) as archive:
        return [archive.read(name) for name in MEMBERS]


@pytest.mark.parametrize("member", MEMBERS)
def test_a_flipped_bit_in_any_byte_of_a_member_is_found_and_named(bundle: Path, tmp_path: Path, member: str):
    sound, path = bundle.read_bytes(), tmp_path / "broken.bundle"
    said = []
    for at in data_of(bundle, member):
        broken = bytearray(sound)
        broken[at] ^= 1 << at % 8
        path.write_bytes(broken)
        try:
            BundleReader(path).__exit__()
        except StoreError as error:
            said.append(str(error))
        else:  # such as the padding at the end of compressed data
            assert contents_of(path) == contents_of(bundle)
        if len(said) == MOST_FLIPS:
            break
    assert len(said) > 100
    assert [message for message in said if not message.startswith(f"{path} is damaged: {member} ")] == []


def test_a_damaged_bundle_is_not_begun_with(bundle: Path, index: Index, tmp_path: Path):
    broken = bytearray(bundle.read_bytes())
    broken[data_of(bundle, "sources.jsonl")[50]] ^= 1
    (tmp_path / "broken.bundle").write_bytes(broken)
    with pytest.raises(StoreError, match="sources"):
        Index.from_bundle(tmp_path / "broken.bundle", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    with pytest.raises(StoreError, match="sources"):
        index.merge(tmp_path / "broken.bundle")
    assert ids(index) == []


def test_a_flipped_byte_outside_of_the_members_is_found_or_changes_nothing(bundle: Path, tmp_path: Path):
    sound = bundle.read_bytes()
    inside = {at for member in MEMBERS for at in data_of(bundle, member)}
    about = read_about(bundle)
    for at in set(range(len(sound))) - inside:
        broken = bytearray(sound)
        broken[at] ^= 0x01
        (tmp_path / "broken.bundle").write_bytes(broken)
        try:
            found = read_about(tmp_path / "broken.bundle")
        except StoreError as error:
            said = str(error)
        else:
            assert found == about
            continue
        assert "broken.bundle" in said


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_part_of_a_bundle_is_none(bundle: Path, tmp_path: Path, share: float):
    data = bundle.read_bytes()
    (tmp_path / "part.bundle").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(StoreError, match=r"part\.bundle is no bundle, or only a part"):
        Index.from_bundle(tmp_path / "part.bundle", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_what_is_no_bundle_is_said_to_be_none(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("not a bundle")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("a.txt", "a")
    for name, complaint in (("notes.txt", "no bundle"), ("other.zip", r"bundle\.json"), ("none", "No such file")):
        with pytest.raises(StoreError, match=complaint):
            Index.from_bundle(tmp_path / name, tmp_path / "copy")


@pytest.mark.parametrize("member", ["documents.jsonl", "vectors.f32", "sources.jsonl", "bundle.json"])
def test_an_exchanged_member_does_not_fit_its_checksum(bundle: Path, tmp_path: Path, member: str):
    broken = edited(bundle, member, lambda data: data + b"\n", tmp_path / "broken.bundle")
    with pytest.raises(StoreError, match="can't be read"):
        Index.from_bundle(broken, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_newer_format_is_refused_by_its_number(bundle: Path, tmp_path: Path):
    newer = edited(
        bundle, "bundle.json", lambda data: data.replace(b'"format": 1', b'"format": 99'), tmp_path / "newer.bundle"
    )
    with pytest.raises(FormatError) as caught:
        Index.from_bundle(newer, tmp_path / "copy")
    assert str(caught.value).startswith(f"The bundle {newer} has format 99, and this docindex reads up to 1: ")
    assert (caught.value.found, caught.value.supported) == (99, 1)
    assert not (tmp_path / "copy").exists()


def test_another_embedder_is_refused_before_anything_is_made(bundle: Path, index: Index, tmp_path: Path):
    def other_model(data: bytes) -> bytes:
        return data.replace(read_about(bundle).fingerprint.encode(), b"0" * 32)

    path = tmp_path / "other.bundle"
    edited(bundle, "bundle.json", other_model, path)
    with zipfile.ZipFile(path) as archive:
        about = archive.read("bundle.json")
    checksum = hashlib.sha256(about).hexdigest()
    resigned = edited(
        path,
        "checksums.json",
        lambda data: json.dumps(json.loads(data) | {"bundle.json": checksum}).encode(),
        tmp_path / "resigned.bundle",
    )
    with pytest.raises(EmbedderMismatchError):
        index.merge(resigned)
    assert ids(index) == []
    with pytest.raises(EmbedderMismatchError):
        Index.from_bundle(resigned, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_folder_that_holds_an_index_is_left_alone(bundle: Path, index: Index, docs: Path):
    index.ingest(docs)
    with pytest.raises(StoreError, match="already"):
        Index.from_bundle(bundle, index.path)
    assert len(ids(index)) == 3


# --- merging --------------------------------------------------------------------------------------------------------


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


def test_the_newer_document_stays_whichever_side_has_it(index: Index, other: Index, tmp_path: Path):
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


def test_where_files_tell_nothing_the_time_of_the_ingest_does(index: Index, other: Index, tmp_path: Path):
    file = write(tmp_path / "docs" / "same.txt", "First words.\n", day=1)
    index.ingest(tmp_path / "docs")
    write(file, "Second words.\n", day=1)
    other.ingest(tmp_path / "docs")
    assert index.merge(carried(other, tmp_path / "b.bundle")).updated == 1
    assert text_of(index, "same.txt") == "Second words."


def test_an_id_of_another_file_stays_with_it_and_is_reported(index: Index, other: Index, tmp_path: Path):
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


def test_records_are_merged_one_by_one_and_a_mixed_file_is_read_again(index: Index, other: Index, tmp_path: Path):
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


def test_a_link_comes_only_with_the_file_that_it_stands_for(index: Index, other: Index, tmp_path: Path):
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
