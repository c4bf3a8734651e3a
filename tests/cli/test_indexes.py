"""Indexes on top of the passages from the command line: each kind made, followed, asked in a new process, dropped."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest
from defusedxml import ElementTree

from docindex import Index, StoreError
from docindex.retrieval.graph import Graph
from docindex.testing.scripted_llm import ScriptedLLM
from docindex.wiring import Parts

KINDS = ("graph", "sentences", "summaries", "tree")
PUMP = (
    "The Kaplan Turbine drives the water pump. The water pump needs oil every nine months. "
    "Anna Berg looks after the water pump in the machine hall. "
)
TEXTS = {
    "pump.txt": PUMP + "\n\n" + "The machine hall is aired by two fans. " * 30,
    "dam.txt": "The dam holds the lake. Anna Berg reads the level of the dam each morning.\n\n"
    + "The dam is old. " * 40,
    "letter.txt": "Dear Anna Berg, the fans of the machine hall are loud. Yours, Karl Lund.",
}
BEFORE = {
    "pump.txt": TEXTS["pump.txt"].replace("nine months", "six weeks"),
    "dam.txt": TEXTS["dam.txt"],
    "heron.txt": "The old heron lives at Lake Vänern.",
}
"""What the documents were before they were edited."""


@pytest.fixture(scope="module")
def made(run_with, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index with all four kinds, which were there when the documents were edited."""
    folder = tmp_path_factory.mktemp("indexes")
    docs = folder / "docs"
    docs.mkdir()
    for name, text in BEFORE.items():
        (docs / name).write_text(text)
    assert run_with("ingest", docs, "-i", folder / "index").code == 0
    for kind in KINDS:
        ran = run_with("indexes", "add", kind, "-i", folder / "index", "--json")
        assert ran.code == 0, ran.err
        assert ran.json["made"] >= 3
    (docs / "heron.txt").unlink()
    for name, text in TEXTS.items():
        (docs / name).write_text(text)
    edited = run_with("ingest", docs, "--sync", "-i", folder / "index", "--json")
    assert edited.code == 0, edited.err
    assert [edited.json[what] for what in ("added", "updated", "unchanged", "deleted")] == [1, 1, 1, 1]
    return folder / "index"


def test_indexes_are_listed(run, made: Path):
    listed = run("indexes", "list", "-i", made, "--json").json["indexes"]
    assert [one["kind"] for one in listed] == [*KINDS]
    assert all((one["documents"], one["waiting"]) == (3, 0) for one in listed)
    lines = run("indexes", "list", "-i", made).out.splitlines()
    assert [line.split("\t")[0] for line in lines] == [*KINDS]


@pytest.mark.parametrize(
    "way",
    [("--via", "graph"), ("--via", "summaries"), ("--via", "tree"), ("--via", "tree-walk"), ("--set", "grains=true")],
    ids="=".join,
)
def test_after_an_edit_a_new_process_finds_passages_through_each(made: Path, way: tuple[str, str]):
    command = [sys.executable, "-m", "docindex.cli", "search", "how often does the water pump need oil", *way]
    ran = subprocess.run([*command, "-i", str(made), "-k", "2", "--json"], capture_output=True, text=True, check=True)
    hits = json.loads(ran.stdout)["hits"]
    assert hits[0]["source"] == "pump.txt"
    assert "oil every nine months" in hits[0]["text"]
    assert not [hit for hit in hits if "six weeks" in hit["text"]]


def test_the_graph_follows_an_edit(run, made: Path):
    entities = [one["entity"] for one in run("graph", "entities", "-i", made, "--json").json["entities"]]
    assert "karl lund" in entities
    assert "lake vänern" not in entities
    assert run("check", "-i", made).code == 0


def test_what_is_left_to_do_is_done_by_refresh(run, tmp_path: Path):
    index = tmp_path / "index"
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "one.txt").write_text("The old heron lives at Lake Vänern.")
    run("ingest", docs, "-i", index)
    assert run("indexes", "refresh", "-i", index).out.startswith("There is no index")
    run("indexes", "add", "summaries", "-i", index)
    (docs / "two.txt").write_text("A second text.")
    run("ingest", docs, "-i", index, "--wait", "text")
    assert run("indexes", "list", "-i", index, "--json").json["indexes"][0]["waiting"] == 1
    assert run("indexes", "refresh", "-i", index, "--json").json["made"] == {"summaries": 1}


def test_without_its_model_no_index_is_lost_and_documents_come_in(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "one.txt").write_text("The old heron lives at Lake Vänern.")
    index = tmp_path / "index"
    run("ingest", docs, "-i", index)
    run("indexes", "add", "summaries", "-i", index)
    by_model = ("indexes", "add", "summaries", "--by", "model", "-i", index)
    model = tmp_path / "gone.gguf"
    gone = {"DOCINDEX_LLM": str(model)}
    failed = run(*by_model, variables=gone)
    assert failed.code == 1
    assert "gone.gguf" in failed.err
    (state,) = run("indexes", "list", "-i", index, "--json").json["indexes"]
    assert (state["options"]["by"], state["records"], state["waiting"]) == ("rules", 1, 0)

    llm = ScriptedLLM("It is about a heron.")
    with monkeypatch.context() as patched:
        patched.setattr(Parts, "llm_named", lambda parts, name: llm)
        model.touch()
        assert run(*by_model, variables=gone).code == 0
    model.unlink()
    (docs / "two.txt").write_text("Karl Lund feeds the heron.")
    told = run("ingest", docs, "-i", index, "--json", variables=gone)
    assert (told.code, told.json["added"]) == (3, 1)
    (behind,) = told.json["behind"]
    assert (behind["kind"], behind["waiting"]) == ("summaries", 1)
    shown = run("ingest", docs, "-i", index, variables=gone)
    assert shown.code == 3
    assert f"Behind: the index summaries lacks 1 document: {behind['reason']}" in shown.out
    assert run("embed", "-i", index, variables=gone).code == 3


def test_a_tree_in_order_is_made_and_walked(run, tmp_path: Path):
    topics = ("heron", "pump")
    facts = " ".join(
        f"The {topics[number % 2]} of hall {number} was seen to {number + 3} times." for number in range(40)
    )
    (tmp_path / "book.txt").write_text(facts)
    index = tmp_path / "index"
    run("ingest", tmp_path / "book.txt", "-i", index, "--chunk-tokens", "16")
    added = run("indexes", "add", "tree", "--fanout", "3", "--grouping", "order", "-i", index, "--json")
    assert added.json["made"] > 13
    with Index.open(index) as opened:
        passages = [stored.node.node_id for stored in opened.nodes("book.txt")]
        records = list(opened._snapshot().derived("tree"))
    leaves = [record.data["members"] for record in records if record.data["height"] == 1]
    assert all(passages[(at := passages.index(members[0])) : at + len(members)] == members for members in leaves)
    found = run("search", "how often was the pump of hall 21 seen to", "--via", "tree-walk", "-i", index, "--json")
    assert "hall 21" in found.json["hits"][0]["text"]


def test_an_index_is_dropped(run, tmp_path: Path):
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "one.txt").write_text("One text.")
    index = tmp_path / "index"
    run("ingest", docs, "-i", index)
    run("indexes", "add", "tree", "-i", index)
    assert run("indexes", "drop", "tree", "-i", index).code == 0
    assert run("indexes", "list", "-i", index, "--json").json == {"indexes": []}
    again = run("indexes", "drop", "tree", "-i", index)
    assert again.code == 1
    assert "no index 'tree'" in again.err


def test_the_graph_tells_neighbours_and_ways(run, made: Path, tmp_path: Path):
    beside = run("graph", "neighbours", "Anna Berg", "-i", made, "--json").json["neighbours"]
    assert {"water pump", "machine hall"} <= {one["key"] for one in beside}
    steps = run("graph", "path", "kaplan turbine", "karl lund", "-i", made, "--json").json["steps"]
    assert steps[0]["start"] == "kaplan turbine"
    assert steps[-1]["end"] == "karl lund"
    assert "Karl Lund" in steps[-1]["text"]
    assert run("graph", "path", "dam", "nobody", "-i", made).out.startswith("No way")
    file = tmp_path / "graph.graphml"
    told = run("graph", "export", file, "-i", made, "--json").json
    nodes = ElementTree.parse(file).getroot().iter("{http://graphml.graphdrawing.org/xmlns}node")
    assert told["entities"] == len(list(nodes)) > 3
    file.write_text("notes of somebody's")
    again = run("graph", "export", file, "-i", made)
    assert (again.code, file.read_text()) == (2, "notes of somebody's")
    assert "--force" in again.err
    assert run("graph", "export", file, "-i", made, "--force").code == 0
    assert ElementTree.parse(file).getroot()


def test_what_a_graph_was_exported_to_stays_where_there_is_none(run, built: Path, tmp_path: Path):
    file = tmp_path / "graph.graphml"
    file.write_text("an earlier graph")
    ran = run("graph", "export", file, "-i", built, "--force")
    assert ran.code == 1
    assert "docindex indexes add graph" in ran.err
    assert file.read_text() == "an earlier graph"
    assert list(tmp_path.iterdir()) == [file]


def test_a_graph_takes_the_place_of_an_earlier_one(run, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file, link = tmp_path / "graph.graphml", tmp_path / "link"
    file.write_text("an earlier graph")
    link.symlink_to(file)

    def fail(self: Graph, out: IO[bytes]) -> tuple[int, int]:
        out.write(b"half")
        raise StoreError("The disk is gone.")

    with monkeypatch.context() as patched:
        patched.setattr(Graph, "write_graphml", fail)
        assert run("graph", "export", link, "-i", made, "--force").code == 1
    assert file.read_text() == "an earlier graph"
    assert run("graph", "export", link, "-i", made, "--force").code == 0
    assert link.is_symlink()
    assert file.read_text().startswith("<?xml")
    assert run("graph", "export", "/dev/null", "-i", made).code == 0
    assert not Path("/dev/null").is_file()
    assert sorted(tmp_path.iterdir()) == [file, link]
    missing = run("graph", "export", tmp_path / "nodir" / "x.graphml", "-i", made)
    assert missing.code == 2
    assert "nodir is no folder" in missing.err


def test_without_a_graph_the_cure_is_named(run, tmp_path: Path):
    (tmp_path / "one.txt").write_text("One text.")
    run("ingest", tmp_path / "one.txt", "-i", tmp_path / "index")
    ran = run("graph", "entities", "-i", tmp_path / "index")
    assert ran.code == 1
    assert "docindex indexes add graph" in ran.err


@pytest.mark.parametrize(
    ("via", "kind"), [("graph", "graph"), ("summaries", "summaries"), ("tree", "tree"), ("tree-walk", "tree")]
)
def test_a_way_that_the_index_lacks_is_refused_with_the_cure(on, via: str, kind: str):
    ran = on("search", "turbines", "--via", via)
    assert ran.code == 1
    assert ran.err == f"Error: The index has no {kind}: `docindex indexes add {kind}` makes it.\n"


@pytest.mark.parametrize("option", [("--expand", "merge"), ("--expand", "parent"), ("--via", "parents")])
def test_larger_nodes_that_the_index_lacks_are_refused_with_the_cure(on, option: tuple[str, str]):
    ran = on("search", "turbines", *option)
    assert ran.code == 2
    assert "no larger nodes" in ran.err
    assert "--levels 512,2048" in ran.err


def test_terms_are_listed_with_their_passages(run, made: Path):
    found = run("terms", "turb", "-i", made, "--json").json["terms"]
    assert found == [{"term": "turbine", "passages": 1}]
    assert run("terms", "nosuchword", "-i", made).out == "No passage has such a word.\n"


def test_larger_nodes_are_made_followed_and_asked_for(run, tmp_path: Path):
    docs = tmp_path / "docs"
    docs.mkdir()
    facts = " ".join(f"The pump of hall {number} was checked {number + 3} times." for number in range(40))
    (docs / "manual.txt").write_text(facts)
    index = tmp_path / "index"
    made = run("ingest", docs, "-i", index, "--chunk-tokens", "48", "--levels", "120,400")
    assert made.code == 0, made.err
    (docs / "manual.txt").write_text(facts.replace("hall 7 was checked 10 times", "hall 7 has a new belt"))
    edited = run("ingest", docs, "-i", index, "--json").json
    assert edited["updated"] == 1
    assert edited["nodes"]["embedded"] <= 3
    arguments = ["search", "which hall has a new belt", "-k", "1", "--expand", "parent", "-i", str(index), "--json"]
    ran = subprocess.run([sys.executable, "-m", "docindex.cli", *arguments], capture_output=True, text=True, check=True)
    (hit,) = json.loads(ran.stdout)["hits"]
    assert "new belt" in hit["text"]
    assert hit["merged"]
    passage = run("search", "which hall has a new belt", "-k", "1", "-i", index, "--json").json["hits"][0]
    assert len(passage["text"]) < len(hit["text"])
    assert run("check", "-i", index).code == 0


@pytest.mark.parametrize(("levels", "said"), [("a,b", "such as 512,2048"), ("400,120", "levels are (400, 120)")])
def test_levels_that_make_no_sense_are_refused(run, tmp_path: Path, levels: str, said: str):
    (tmp_path / "one.txt").write_text("One text.")
    ran = run("ingest", tmp_path / "one.txt", "-i", tmp_path / "index", "--levels", levels)
    assert ran.code == 2
    assert said in ran.err


def test_an_index_keeps_its_levels(run, tmp_path: Path):
    (tmp_path / "one.txt").write_text("One text.")
    run("ingest", tmp_path / "one.txt", "-i", tmp_path / "index")
    ran = run("ingest", tmp_path / "one.txt", "-i", tmp_path / "index", "--levels", "512")
    assert ran.code == 2
    assert "--levels none and keeps it" in ran.err
