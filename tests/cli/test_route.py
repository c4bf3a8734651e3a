from __future__ import annotations

import json
from pathlib import Path

import pytest

ROUTES = """\
version: 1
fallback: search
routes:
  - name: search
    retrieve: {k: 4}
    utterances: ["When does the ferry leave?", "What is granite made of?", "How tall is the dam?"]
  - name: hello
    answer: Good day.
    stock: courtesy
  - name: rude
    refuse: No.
    stock: abuse
"""


@pytest.fixture
def routes(tmp_path: Path) -> Path:
    path = tmp_path / "routes.yaml"
    path.write_text(ROUTES)
    return path


def test_json_tells_the_route_and_what_to_do(on, routes: Path):
    ran = on("route", "good morning to you", "--routes", routes, "--json")
    assert ran.code == 0, ran.err
    assert set(ran.json) == {"utterance", "route", "score", "margin", "runner_up", "fell_back", "action"}
    assert ran.json["route"] == "hello"
    assert ran.json["action"] == {"do": "answer", "text": "Good day."}


def test_people_see_the_same(on, routes: Path):
    ran = on("route", "When does the next ferry leave?", "--routes", routes)
    assert ran.code == 0, ran.err
    first, second = ran.out.splitlines()
    assert first.startswith("search  ")
    assert second.strip() == "retrieve: k 4"


def test_without_an_index_the_default_embedder_serves(run, routes: Path, tmp_path: Path):
    ran = run("route", "you idiot", "--routes", routes, "--json", variables={"DOCINDEX_INDEX": str(tmp_path / "none")})
    assert ran.code == 0, ran.err
    assert ran.json["route"] == "rude"


def test_an_index_that_is_named_must_be_there(run, routes: Path, tmp_path: Path):
    ran = run("route", "you idiot", "--routes", routes, "--index", tmp_path / "none")
    assert ran.code == 1
    assert "There is no index" in ran.err


def test_check_counts_and_lists_what_goes_astray(on, routes: Path, tmp_path: Path):
    labelled = tmp_path / "labelled.jsonl"
    rows = [("hello there", "hello"), ("thank you so much", "hello"), ("thanks, bye", "rude"), ("you idiot", "rude")]
    labelled.write_text("".join(json.dumps({"text": text, "route": route}) + "\n" for text, route in rows))
    ran = on("route", "--check", labelled, "--routes", routes, "--json")
    assert ran.code == 0, ran.err
    assert (ran.json["utterances"], ran.json["correct"], ran.json["accuracy"]) == (4, 3, 0.75)
    assert ran.json["confusions"] == [{"route": "rude", "taken_for": "hello", "count": 1}]
    assert [row["text"] for row in ran.json["astray"]] == ["thanks, bye"]
    shown = on("route", "--check", labelled, "--routes", routes).out
    assert "75.0%  3 of 4" in shown
    assert "rude taken for hello" in shown


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["hello"], "--routes FILE"),
        (["--routes", "ROUTES"], "Give one utterance"),
        (["hello", "--check", "LABELLED", "--routes", "ROUTES"], "Give one utterance"),
        (["--check", "missing.jsonl", "--routes", "ROUTES"], "can't be read"),
        (["--check", "LABELLED", "--routes", "ROUTES"], "route 'greeting'"),
        ([" ", "--routes", "ROUTES"], "say something"),
    ],
)
def test_mistakes_are_one_line_and_code_2(on, routes: Path, tmp_path: Path, arguments: list[str], says: str):
    labelled = tmp_path / "labelled.jsonl"
    labelled.write_text('{"text": "hello", "route": "greeting"}\n')
    places = {"ROUTES": routes, "LABELLED": labelled}
    ran = on("route", *[places.get(argument, argument) for argument in arguments])
    assert ran.code == 2
    assert says in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    "line", ["{", "[1]", '{"text": "a"}', '{"text": 1, "route": "hello"}', '{"text":" ","route":"hello"}']
)
def test_a_bad_line_is_named(on, routes: Path, tmp_path: Path, line: str):
    labelled = tmp_path / "labelled.jsonl"
    labelled.write_text(f'{{"text": "hi", "route": "hello"}}\n{line}\n')
    ran = on("route", "--check", labelled, "--routes", routes)
    assert ran.code == 2
    assert "Line 2 of" in ran.err
