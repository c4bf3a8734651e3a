"""`docindex traces` and `docindex why --trace`: searches and answers are asked about in later processes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from docindex import Index, LLMConfig

DEVICE = "The Borealis pump of the north hall needs eleven litres of green oil every nine months."


@pytest.fixture(scope="module")
def original(run_with, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("traces") / "docs"
    folder.mkdir()
    (folder / "pump.txt").write_text(DEVICE)
    for number in range(6):
        pipes = f"Pipe {number} carries water to the pump of hall {number}, and its valve is turned by hand. "
        (folder / f"pipe{number}.txt").write_text(pipes + f"It was laid {number + 3} winters ago by Anna Berg.")
    twin = (
        "The lamp of the lighthouse turns once in ten seconds and is seen from forty miles away in clear weather. Its "
        "keeper climbs the winding stair at dusk, trims the wick, polishes every pane of glass and writes down the "
        "wind, the tide and the ships that pass. "
    )
    (folder / "lamp.txt").write_text(f"{twin}It is red.")
    (folder / "lamp-old.txt").write_text(f"{twin}It is blue.")
    index = folder.parent / "index"
    assert run_with("ingest", folder, "-i", index).code == 0
    return index


@pytest.fixture
def made(original: Path, tmp_path: Path) -> Path:
    """An index of its own for a test."""
    return Path(shutil.copytree(original, tmp_path / "index"))


def listed(run, index: Path) -> list[dict]:
    ran = run("traces", "list", "-i", index, "--json")
    assert ran.code == 0, ran.err
    return ran.json["traces"]


def told(run, index: Path, *arguments: str) -> dict:
    ran = run("why", "--trace", *arguments, "-i", index, "--json")
    assert ran.code == 0, ran.err
    return ran.json


def test_off_is_the_default_and_writes_nothing(run, made: Path):
    run("search", "oil", "-i", made)
    assert run("traces", "list", "-i", made).out.startswith("Searches are not traced")
    assert not [file for file in made.iterdir() if file.name.startswith("traces")]
    ran = run("why", "--trace", "last", "pump.txt", "-i", made)
    assert ran.code == 1
    assert "docindex traces on" in ran.err


def test_searches_are_told_of_in_a_new_process(run, made: Path):
    assert run("traces", "on", "--keep", "50", "-i", made, "--json").json == {"on": True, "keep": 50, "kept": 0}
    command = [sys.executable, "-m", "docindex.cli", "search", "green oil", "-k", "2", "-i", str(made), "--json"]
    hits = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)["hits"]
    (trace,) = listed(run, made)
    assert (trace["kind"], trace["query"], trace["no_answer"]) == ("search", "green oil", None)
    shown = run("traces", "show", str(trace["trace_id"]), "-i", made, "--json").json
    assert [stage["name"] for stage in shown["stages"]] == ["hybrid", "collapse"]
    kept = [{key: hit[key] for key in ("rank", "score", "node_id", "doc_id")} for hit in hits]
    last = shown["stages"][-1]["hits"]
    assert [{key: hit[key] for key in ("rank", "score", "node_id", "doc_id")} for hit in last] == kept
    assert [{"dense": hit["dense"], "lexical": hit["lexical"]} for hit in last] == [hit["scores"] for hit in hits]
    assert "north hall" not in json.dumps(shown)  # no text of a passage
    command = [sys.executable, "-m", "docindex.cli", "why", "--trace", "last", "pump.txt", "-i", str(made)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert lines[0] == "It was hit 1 of 2."
    assert [line.split("\t")[0] for line in lines[1:]] == ["hybrid", "collapse", "1"]


def test_why_tells_what_became_of_each_document(run, made: Path):
    run("traces", "on", "-i", made)
    run("search", "lamp of the lighthouse", "-k", "1", "-i", made)
    hit = run("traces", "show", "-i", made, "--json").json["stages"][-1]["hits"][0]["doc_id"]
    (left_out,) = {"lamp.txt", "lamp-old.txt"} - {hit}
    assert told(run, made, "last", left_out)["reason"] == f"It says nearly the same as {hit}, which was hit 1."
    run("search", "pump", "-k", "1", "-i", made)
    behind = [one for number in range(6) if not (one := told(run, made, "last", f"pipe{number}.txt"))["used"]]
    assert len(behind) >= 5
    assert any("behind the 1 that were asked for" in one["reason"] for one in behind)
    run("search", "pump", "-k", "1", "--filter", "source = 'pump.txt'", "-i", made)
    assert (
        "No passage of it met the condition source = 'pump.txt' and" in told(run, made, "last", "pipe1.txt")["reason"]
    )
    run("search", "nosuchword", "--mode", "lexical", "-i", made)
    assert told(run, made, "last", "pump.txt")["reason"] == "No passage was found at all."
    ran = run("why", "--trace", "last", "nowhere.txt", "-i", made)
    assert (ran.code, "nowhere.txt" in ran.err) == (1, True)


def test_a_later_document_and_a_deleted_one_are_told_of(run, made: Path, tmp_path: Path):
    run("traces", "on", "-i", made)
    run("search", "green oil", "-k", "2", "-i", made)
    (tmp_path / "new.txt").write_text("Green oil is sold in the harbour.")
    run("ingest", tmp_path / "new.txt", "-i", made)
    run("rm", "pump.txt", "-i", made, "--yes")
    assert told(run, made, "last", "new.txt")["reason"] == "It was not in the index then."
    assert told(run, made, "last", "pump.txt")["reason"] == "It was hit 1 of 2."


def test_an_answer_is_told_of_with_its_citations(run, made: Path):
    run("traces", "on", "-i", made)
    asked = run("query", "How many litres of oil does the Borealis pump need?", "-i", made, "--json").json
    assert asked["citations"][0]["doc_id"] == "pump.txt"
    (trace,) = listed(run, made)
    assert (trace["kind"], trace["no_answer"]) == ("query", False)
    shown = run("traces", "show", "-i", made, "--json").json
    assert shown["answer"]["text"] == asked["answer"]
    assert [one["node_id"] for one in shown["answer"]["passages"]] == [hit["node_id"] for hit in asked["hits"]]
    found = told(run, made, str(trace["trace_id"]), "pump.txt")
    assert found["used"] is True
    assert found["reason"].startswith("The answer cites it: [1]")
    assert found["passages"][0]["fate"] == "cited"
    other = next(one["doc_id"] for one in asked["hits"] if one["doc_id"] != "pump.txt")
    assert told(run, made, "last", other)["reason"].endswith(
        "the prompt held 4, and no sentence of the answer cites it."
    )
    lines = run("traces", "show", "-i", made).out.splitlines()
    assert lines[0].endswith("a query: How many litres of oil does the Borealis pump need?")
    assert lines[-1] == f"Answer: {asked['answer']}"
    run("query", "Who won the chess olympiad in Buenos Aires?", "-i", made)
    assert listed(run, made)[0]["no_answer"] is True
    refused = run("traces", "show", "-i", made, "--json").json["answer"]["passages"][0]["doc_id"]
    assert told(run, made, "last", refused)["reason"].endswith("none of them was taken for an answer.")


def test_what_a_small_context_has_no_room_for_is_told(run, made: Path):
    run("traces", "on", "-i", made)
    with Index.open(made, llm=LLMConfig(context_tokens=384)) as index:
        response = index.engine(k=6).query("How many litres of oil does the Borealis pump of the north hall need?")
        assert response.dropped
        assert response.hits
        trace = index.traces.get()
    assert trace.answer is not None
    parts = {passage.node_id: passage.part for passage in trace.answer.passages}
    assert {parts[hit.node_id] for hit in response.dropped} == {"dropped"}
    assert {parts[hit.node_id] for hit in response.hits} == {"whole"}
    dropped = response.dropped[0]
    found = told(run, made, "last", dropped.doc_id)
    assert found["used"] is False
    assert found["reason"] == f"It was found, with the rank {dropped.rank}, and the prompt had no room for it."
    assert "\tno room\t" in run("traces", "show", "-i", made).out


def test_a_passage_of_which_the_prompt_held_the_beginning_is_told(run, tmp_path: Path):
    sentences = "".join(f"The Borealis pump of hall {number} needs {number + 2} litres. " for number in range(13))
    (tmp_path / "long.txt").write_text(sentences)
    run("ingest", tmp_path / "long.txt", "-i", tmp_path / "index")
    run("traces", "on", "-i", tmp_path / "index")
    with Index.open(tmp_path / "index", llm=LLMConfig(context_tokens=320)) as index:
        response = index.engine(k=1).query("How often is the pump of hall 15 painted?")
        assert len(response.hits[0].text) < len(index.nodes("long.txt")[0].node.text)
        answer = index.traces.get().answer
    assert answer is not None
    assert answer.passages[0].part == "cut"
    assert not answer.citations
    assert (
        "in the prompt, with its first sentences, as hit 1"
        in told(run, tmp_path / "index", "last", "long.txt")["reason"]
    )


def test_explanations_chats_and_streams_are_kept_and_why_is_not(run, made: Path):
    run("traces", "on", "-i", made)
    run("search", "oil", "--explain", "-i", made)
    run("why", "oil", "pump.txt", "-i", made)
    run("chat", "-i", made, stdin=b"How much oil does the Borealis pump need?\n")
    assert [(one["kind"], one["query"]) for one in listed(run, made)] == [
        ("query", "How much oil does the Borealis pump need?"),
        ("search", "oil"),
    ]
    with Index.open(made) as index:
        assert len(list(index.search_many(["oil", "valve"]))) == 2
        stream = index.engine().stream("How much oil does the Borealis pump need?")
        next(iter(stream))
        assert [one.query for one in index.traces.newest(2)] == ["valve", "oil"]
        assert stream.response.answer
        assert index.traces.get().kind == "query"


def test_traces_are_switched_off_and_pruned(run, made: Path):
    run("traces", "on", "-i", made)
    for query in ("one", "two", "three"):
        run("search", query, "-i", made)
    off = run("traces", "off", "-i", made)
    assert off.out == "Searches and answers are not traced; 3 traces kept until `docindex traces prune`.\n"
    run("search", "four", "-i", made)
    assert [one["query"] for one in listed(run, made)] == ["three", "two", "one"]
    assert run("traces", "list", "--limit", "1", "-i", made, "--json").json["kept"] == 3
    assert run("traces", "prune", "--older-than", "1", "-i", made, "--json").json == {"pruned": 0, "kept": 3}
    assert run("traces", "prune", "--keep", "1", "-i", made, "--json").json == {"pruned": 2, "kept": 1}
    assert run("traces", "prune", "--older-than", "0", "-i", made).out == "Deleted 1 trace; 0 left.\n"
    ran = run("traces", "prune", "-i", made)
    assert (ran.code, "--older-than" in ran.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("only",), "Give a QUERY and a DOC"),
        ((), "Give a QUERY and a DOC"),
        (("--trace", "last"), "--trace ID and a DOC"),
        (("--trace", "last", "oil", "pump.txt"), "--trace ID and a DOC"),
        (("--trace", "first", "pump.txt"), "no id of a trace"),
    ],
)
def test_why_says_what_it_wants(run, built: Path, arguments: tuple[str, ...], said: str):
    ran = run("why", *arguments, "-i", built)
    assert ran.code == 2
    assert said in ran.err


def test_an_index_with_traces_is_as_any_other(run, original: Path, made: Path, tmp_path: Path):
    run("traces", "on", "-i", made)
    run("search", "quetzalcoatlus", "-i", made)
    assert run("check", "-i", made).code == 0
    assert run("ingest", original.parent / "docs", "-i", made, "--json").json["unchanged"] == 9
    assert run("export", tmp_path / "it.bundle", "-i", made).code == 0
    assert run("import", tmp_path / "it.bundle", "-i", tmp_path / "other").code == 0
    assert not (tmp_path / "other" / "traces.db").exists()
    at = datetime.fromisoformat(listed(run, made)[0]["at"])
    assert datetime.now(UTC) - at < timedelta(minutes=5)


def test_a_purge_leaves_no_byte_of_answers_and_queries(run, made: Path):
    run("traces", "on", "-i", made)
    run("query", "How many litres of oil does the Borealis pump need?", "-i", made)
    run("search", "eleven quetzalcoatluses", "-i", made)
    run("rm", "pump.txt", "-i", made, "--yes")
    marks = [b"Borealis", b"eleven", b"quetzalcoatluses"]

    def found() -> list[bytes]:
        data = [file.read_bytes() for file in made.rglob("*") if file.is_file()]
        return [mark for mark in marks if any(mark in one for one in data)]

    with Index.open(made) as other:  # a process that has the file open all along
        other.search("eleven quetzalcoatluses")
        assert found() == marks
        assert run("purge", "-i", made, "--yes").code == 0
        assert found() == []
        assert run("traces", "list", "-i", made, "--json").json["on"] is True
        other.search("valve")
        assert [one["query"] for one in listed(run, made)] == ["valve"]
    assert run("check", "-i", made).code == 0
