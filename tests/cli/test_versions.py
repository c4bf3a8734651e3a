"""Tags, differences, the way back, and erasure."""

from __future__ import annotations

from pathlib import Path

import pytest

VERSION = {"version", "kind", "created_at", "documents", "nodes", "embedded", "tags"}


def test_a_tag_names_the_newest_version_and_the_list_shows_it(run, copy: Path):
    newest = run("status", "-i", copy, "--json").json["version"]
    (tagged,) = run("tag", "before", "-i", copy, "--json").json["versions"]
    assert set(tagged) == VERSION
    assert (tagged["version"], tagged["tags"], tagged["documents"]) == (newest, ["before"], 5)
    versions = run("tag", "-i", copy, "--json").json["versions"]
    assert [record["version"] for record in versions] == sorted((r["version"] for r in versions), reverse=True)
    assert versions[0] == tagged
    rows = [line.split("\t") for line in run("tag", "-i", copy).out.splitlines()]
    assert len(rows) == len(versions)
    assert rows[0][0] == str(newest)
    assert rows[0][3:] == ["5", str(tagged["nodes"]), str(tagged["embedded"]), "before"]


def test_a_name_moves_and_can_be_taken_back(run, copy: Path):
    run("tag", "here", "-i", copy)
    first = run("tag", "-i", copy, "--json").json["versions"][1]["version"]
    (moved,) = run("tag", "here", "--version", first, "-i", copy, "--json").json["versions"]
    assert moved["version"] == first
    assert run("tag", "here", "--delete", "-i", copy).out == "The tag here is deleted.\n"
    assert [r["tags"] for r in run("tag", "-i", copy, "--json").json["versions"] if r["tags"]] == []


@pytest.mark.parametrize(
    ("command", "code", "complaint"),
    [
        (("tag", "--delete"), 2, "NAME"),
        (("tag", "--version", "1"), 2, "NAME"),
        (("tag", "a", "--delete", "--version", "1"), 2, "no version"),
        (("tag", "a", "--delete"), 1, "'a'"),
        (("tag", "two words"), 1, "one word"),
        (("tag", "7"), 1, "no number"),
        (("tag", "a", "--version", "999"), 1, "999"),
        (("diff", "999"), 1, "not kept"),
        (("diff", "nowhere"), 1, "docindex tag"),
        (("rollback", "nowhere"), 1, "docindex tag"),
    ],
)
def test_what_can_not_be_is_said_in_one_line(run, copy: Path, command, code: int, complaint: str):
    ran = run(*command, "-i", copy, "--json")
    assert (ran.code, ran.out) == (code, "")
    assert complaint in ran.err
    assert ran.err.count("\n") == 1


@pytest.fixture
def changed(run, copy: Path, tmp_path: Path) -> Path:
    """The index with a tag `before`, and a document deleted, one changed and one added after it."""
    run("tag", "before", "-i", copy)
    docs = tmp_path / "more"
    docs.mkdir()
    (docs / "moth.txt").write_text("Moths fly to lamps at night.\n")
    (docs / "stone.jsonl").write_text('{"_id": "f1", "title": "Granite", "text": "Granite is an igneous rock."}\n')
    run("rm", "facts.jsonl", "-i", copy)
    fields = ("--id-field", "_id", "--title-field", "title", "--text-field", "text")
    ran = run("ingest", docs, "-i", copy, *fields)
    assert ran.code == 0, ran.out
    return copy


def test_diff_lists_what_was_added_changed_and_deleted(run, changed: Path):
    ran = run("diff", "before", "-i", changed)
    assert ran.out.splitlines() == ["+ moth.txt", "~ f1", "- f2"]
    found = run("diff", "before", "-i", changed, "--json").json
    assert set(found) == {"old", "new", "added", "updated", "deleted"}
    assert (found["added"], found["updated"], found["deleted"]) == (["moth.txt"], ["f1"], ["f2"])
    back = run("diff", str(found["new"]), "before", "-i", changed, "--json").json
    assert (back["added"], back["updated"], back["deleted"]) == (["f2"], ["f1"], ["moth.txt"])
    assert run("diff", str(found["new"]), "-i", changed).out == "No document differs.\n"


def test_every_reading_command_reads_at_a_version(run, changed: Path, tmp_path: Path):
    at = ("--at", "before", "-i", changed)
    assert "Chalk is" in run("show", "f2", *at).out
    assert run("show", "f2", "-i", changed).code == 1
    assert len(run("ls", *at, "--json").json["documents"]) == 5
    assert run("status", *at, "--json").json["documents"] == 5
    assert run("search", "white limestone", *at, "--json").json["hits"][0]["doc_id"] == "f2"
    assert "f2" not in {hit["doc_id"] for hit in run("search", "limestone", "-i", changed, "--json").json["hits"]}
    assert run("export", tmp_path / "old.bundle", *at, "--json").json["documents"] == 5
    number = run("status", *at, "--json").json["version"]
    assert len(run("ls", "--at", number, "-i", changed, "--json").json["documents"]) == 5


@pytest.mark.parametrize(
    "command", [("search", "x"), ("query", "x"), ("ls",), ("status",), ("show", "x"), ("export", "x.bundle")]
)
def test_a_version_that_is_not_there_is_one_line_and_exit_code_1(on, command):
    ran = on(*command, "--at", "nowhere", "--json")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("Error: No version of the index is tagged 'nowhere'")


def test_rollback_is_a_new_version_that_equals_the_old_one(run, changed: Path):
    newest = run("status", "-i", changed, "--json").json["version"]
    made = run("rollback", "before", "-i", changed, "--json").json
    assert made["version"] > newest
    assert run("diff", "before", "-i", changed).out == "No document differs.\n"
    assert run("search", "white limestone", "-i", changed, "--json").json["hits"][0]["doc_id"] == "f2"
    assert run("check", "-i", changed).code == 0
    again = run("rollback", str(newest), "-i", changed)
    assert again.out.startswith(f"The index is as it was at {newest}; this is version ")
    assert run("diff", "before", "-i", changed).out.splitlines() == ["+ moth.txt", "~ f1", "- f2"]


def test_after_a_purge_no_byte_of_the_folder_holds_what_was_deleted(run, copy: Path):
    secret = b"Bees dance to tell each other where flowers are."
    run("tag", "before", "-i", copy)
    run("rm", "bees.txt", "-i", copy)
    assert [path for path in copy.rglob("*") if path.is_file() and secret in path.read_bytes()]
    purged = run("purge", "-i", copy, "--json")
    assert purged.code == 0
    assert [record["tags"] for record in purged.json["versions"]] == [[]]
    assert [path for path in copy.rglob("*") if path.is_file() and secret in path.read_bytes()] == []
    assert run("ls", "--at", "before", "-i", copy).code == 1
    assert run("search", "ferry", "-i", copy, "-k", "1", "--json").json["hits"][0]["doc_id"] == "ferry.pdf"
    assert run("check", "-i", copy).code == 0
    assert run("purge", "-i", copy).out == "Only the newest version is left.\n"
