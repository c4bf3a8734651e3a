"""An index in one file, by the command line."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def bundle(run_with, built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cli-bundle") / "all.bundle"
    ran = run_with("export", path, "--index", built, "--json")
    assert (ran.code, ran.err) == (0, "")
    assert set(ran.json) == {"file", "bytes", "documents", "nodes"}
    assert (ran.json["file"], ran.json["bytes"], ran.json["documents"]) == (str(path), path.stat().st_size, 5)
    return path


def test_an_imported_index_answers_as_the_exported_one(on, run, bundle: Path, tmp_path: Path):
    made = run("import", bundle, "-i", tmp_path / "made", "--json")
    assert made.code == 0
    assert made.json == {"index": str(tmp_path / "made"), "documents": 5, "nodes": on("status", "--json").json["nodes"]}
    there = run("ls", "-i", tmp_path / "made", "--json").json["documents"]
    here = on("ls", "--json").json["documents"]
    assert [document | {"added_at": ""} for document in there] == [document | {"added_at": ""} for document in here]
    assert run("show", "ferry.pdf", "-i", tmp_path / "made", "--json").json == on("show", "ferry.pdf", "--json").json
    hit = run("search", "when does the ferry leave?", "-i", tmp_path / "made", "--json").json["hits"][0]
    assert hit["source"] == "ferry.pdf"


def test_people_read_what_went_where(on, run, bundle: Path, tmp_path: Path):
    file = tmp_path / "again.bundle"
    nodes = on("status", "--json").json["nodes"]
    said = on("export", file).out
    assert said.startswith(f"Wrote 5 documents with {nodes} passages to {file} (")
    made = run("import", file, "-i", tmp_path / "made")
    assert made.out == f"The index {tmp_path / 'made'} now holds 5 documents with {nodes} passages.\n"


def test_merge_reports_as_an_ingest_does(run, bundle: Path, docs: Path, tmp_path: Path):
    index = tmp_path / "index"
    assert run("ingest", docs, "-i", index).code == 0
    merged = run("merge", bundle, "-i", index, "--json")
    assert merged.code == 0
    assert (merged.json["added"], merged.json["unchanged"], merged.json["failed"]) == (5, 0, [])
    assert merged.json["nodes"]["embedded"] == 0
    assert len(run("ls", "-i", index, "--json").json["documents"]) == 8
    again = run("merge", bundle, "-i", index)
    assert again.code == 0
    assert again.out.startswith("Documents: 0 added, 0 updated, 5 unchanged\n")


def test_an_id_that_is_in_use_is_named_and_the_exit_code_says_in_part(run, bundle: Path, tmp_path: Path):
    index, docs = tmp_path / "index", tmp_path / "docs"
    docs.mkdir()
    (docs / "bees.txt").write_text("Other bees, of another file.\n")
    run("ingest", docs, "-i", index)
    merged = run("merge", bundle, "-i", index)
    assert merged.code == 3
    assert f"Failed: bees.txt: the id is used for {docs / 'bees.txt'}" in merged.out
    assert run("show", "bees.txt", "-i", index).out == "Other bees, of another file.\n"


def test_what_can_not_be_carried_is_said_in_one_line(on, run, bundle: Path, tmp_path: Path):
    broken = tmp_path / "broken.bundle"
    data = bytearray(bundle.read_bytes())
    data[len(data) // 2] ^= 1
    broken.write_bytes(data)
    (tmp_path / "notes.txt").write_text("no bundle")
    before = bundle.read_bytes()
    for ran, complaint in (
        (on("export", bundle), "exists already"),
        (on("export", tmp_path / "none" / "a.bundle"), "is no folder"),
        (run("import", broken, "-i", tmp_path / "made"), "is damaged"),
        (run("import", tmp_path / "notes.txt", "-i", tmp_path / "made"), "is no bundle"),
        (run("import", tmp_path / "nothing", "-i", tmp_path / "made"), "No such file"),
        (on("import", bundle), "There is an index at"),
        (on("merge", broken), "is damaged"),
        (run("merge", bundle, "-i", tmp_path / "made"), "docindex ingest"),
    ):
        assert (ran.code, ran.out) == (1, "")
        assert complaint in ran.err
        assert ran.err.count("\n") == 1
    assert not (tmp_path / "made").exists()
    assert bundle.read_bytes() == before
