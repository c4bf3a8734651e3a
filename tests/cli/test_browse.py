from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

LISTED = {"doc_id", "source", "media_type", "bytes", "pages", "nodes", "state", "added_at"}


def test_ls_lists_the_documents_as_json(on):
    ran = on("ls", "--json")
    assert set(ran.json) == {"documents"}
    documents = {document["doc_id"]: document for document in ran.json["documents"]}
    assert list(documents) == ["bees.txt", "f1", "f2", "ferry.pdf", "notes/dam.md"]
    assert all(set(document) == LISTED for document in documents.values())
    ferry = documents["ferry.pdf"]
    assert (ferry["media_type"], ferry["pages"], ferry["state"]) == ("application/pdf", 3, "ready")


def test_ls_in_a_pipe_is_separated_by_tabs(on):
    rows = [line.split("\t") for line in on("ls").out.splitlines()]
    assert [row[0] for row in rows] == ["bees.txt", "f1", "f2", "ferry.pdf", "notes/dam.md"]
    assert {len(row) for row in rows} == {8}
    assert [row[1] for row in rows if row[0] == "f1"] == ["facts.jsonl"]


def test_status_counts_what_ls_lists(on):
    facts = on("status", "--json").json
    documents = on("ls", "--json").json["documents"]
    assert facts["documents"] == len(documents)
    assert facts["nodes"] == sum(document["nodes"] for document in documents)
    assert {"path", "config", "embedder", "llm", "version", "bytes"} <= set(facts)
    plain = on("status").out
    assert f"documents: {len(documents)}\n" in plain
    assert "  name: all-minilm-l6-v2\n" in plain


def test_show_prints_the_text_as_it_is_stored(on, folder: Path):
    assert on("show", "bees.txt").out == (folder / "bees.txt").read_text()
    shown = on("show", "notes/dam.md", "--json").json
    assert set(shown) == {"doc_id", "source", "title", "media_type", "metadata", "pages", "headings", "text"}
    assert [heading["text"] for heading in shown["headings"]] == ["The dam", "Visits"]


def test_show_prints_one_page(on):
    ran = on("show", "ferry.pdf", "--page", "3")
    assert ran.out.strip() == "Bicycles travel free of charge on the ferry."
    page = on("show", "ferry.pdf", "--page", "3", "--json").json
    assert set(page) == {"doc_id", "source", "page", "page_label", "start", "end", "text"}
    whole = on("show", "ferry.pdf", "--json").json["text"]
    assert whole[page["start"] : page["end"]] == page["text"]


def test_show_prints_the_passages(on):
    ran = on("show", "notes/dam.md", "--nodes", "--json")
    text = on("show", "notes/dam.md", "--json").json["text"]
    assert set(ran.json) == {"doc_id", "nodes"}
    for node in ran.json["nodes"]:
        assert set(node) == {
            *("node_id", "order", "level", "parent_id", "page", "page_label"),
            *("start", "end", "headings", "context", "text"),
        }
        assert text[node["start"] : node["end"]] == node["text"]
    assert "Kaplan turbines" in on("show", "notes/dam.md", "--nodes").out


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (("show", "bee.txt"), 1, "bees.txt"),
        (("show", "quite another"), 1, "docindex ls"),
        (("show", "ferry.pdf", "--page", "9"), 2, "it has 3 pages"),
        (("show", "bees.txt", "--page", "1"), 2, "it has no pages"),
        (("show", "bees.txt", "--page", "1", "--nodes"), 2, "--nodes"),
    ],
)
def test_what_can_not_be_shown_is_said_in_one_line(on, arguments, code: int, complaint: str):
    ran = on(*arguments, "--json")
    assert (ran.code, ran.out) == (code, "")
    assert ran.err.startswith("Error: ")
    assert ran.err.count("\n") == 1
    assert complaint in ran.err


def test_rm_deletes_by_id_and_by_source(run, copy: Path):
    assert run("rm", "bees.txt", "-i", copy, "--json").json == {"deleted": 1}
    assert run("rm", "facts.jsonl", "-i", copy).out == "2 documents deleted.\n"
    left = run("ls", "-i", copy, "--json").json["documents"]
    assert [document["doc_id"] for document in left] == ["ferry.pdf", "notes/dam.md"]
    assert run("search", "bees", "-i", copy, "--json").json["hits"][0]["doc_id"] != "bees.txt"
    assert run("check", "-i", copy).code == 0


def test_rm_of_an_unknown_name_deletes_nothing(run, copy: Path):
    ran = run("rm", "bees.txt", "none", "-i", copy)
    assert (ran.code, ran.out) == (1, "")
    assert "'none'" in ran.err
    assert len(run("ls", "-i", copy, "--json").json["documents"]) == 5


def test_check_finds_what_the_stores_disagree_on(on, run, copy: Path):
    sound = on("check", "--json")
    assert (sound.code, sound.json) == (0, {"problems": []})
    assert on("check").out == "No problems.\n"
    with closing(sqlite3.connect(copy / "registry.db")) as registry, registry:
        registry.execute("DELETE FROM documents WHERE doc_id = 'bees.txt'")
    found = run("check", "-i", copy, "--json")
    assert found.code == 1
    assert set(found.json) == {"problems"}
    assert any("'bees.txt'" in problem for problem in found.json["problems"])
    assert "'bees.txt'" in run("check", "-i", copy).out
    assert run("doctor", "-i", copy, "--json").json["problems"] == found.json["problems"]


def test_check_repair_mends_and_says_what_it_did(on, run, copy: Path):
    assert run("check", "--repair", "-i", copy, "--json").json == {"problems": [], "repaired": []}
    with closing(sqlite3.connect(copy / "registry.db")) as registry, registry:
        registry.execute("DELETE FROM documents WHERE doc_id = 'bees.txt'")
    mended = run("check", "--repair", "-i", copy, "--json")
    assert (mended.code, set(mended.json)) == (0, {"problems", "repaired"})
    assert mended.json["problems"] == []
    assert mended.json["repaired"]
    assert run("check", "-i", copy).out == "No problems.\n"
    assert run("search", "bees", "-i", copy, "--mode", "lexical").out == "No passage was found.\n"
    with closing(sqlite3.connect(copy / "registry.db")) as registry, registry:
        registry.execute("UPDATE documents SET nodes = 7 WHERE doc_id = 'ferry.pdf'")
    told = run("check", "--repair", "-i", copy)
    assert told.code == 0
    *did, last = told.out.splitlines()
    assert last == "No problems."
    assert any("ferry.pdf" in sentence for sentence in did)
