"""The default model answers; few tests, since each loads it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from docindex import Index, QueryError
from docindex.config import DEFAULT_EMBEDDER, AnswerOptions, Environment
from docindex.wiring import model_store

RESPONSE = {
    "question",
    "answer",
    "no_answer",
    "citations",
    "hits",
    "dropped",
    "tokens",
    "timings_ms",
    "model",
}
CITATION = {
    "marker",
    "node_id",
    "doc_id",
    "source",
    "page",
    "page_label",
    "start",
    "end",
    "quote",
    "verified",
    "support",
}
QUESTION = "When does the ferry to Arran leave Ardrossan?"
BRIEFLY = ("-k", "1", "--max-tokens", "24")  # a short prompt and a short answer: seconds count here


def test_an_answer_as_json_is_cited_from_the_stored_text(on):
    ran = on("query", QUESTION, *BRIEFLY, "--json")
    assert ran.code == 0, ran.err
    answer = ran.json
    assert set(answer) == RESPONSE
    assert set(answer["tokens"]) == {"prompt", "prompt_cached", "completion"}
    assert {"retrieve", "first_token", "total"} <= set(answer["timings_ms"])
    assert answer["question"] == QUESTION
    assert answer["no_answer"] is False
    assert "7:05" in answer["answer"]
    assert answer["citations"]
    texts = {name: on("show", name, "--json").json["text"] for name in ("ferry.pdf", "bees.txt")}
    for citation in answer["citations"]:
        assert set(citation) - {"similarity"} == CITATION
        if citation["verified"] and citation["doc_id"] in texts:
            assert texts[citation["doc_id"]][citation["start"] : citation["end"]] == citation["quote"]
    assert len(answer["hits"]) == 1


def test_people_read_the_answer_its_sources_and_its_cost(on):
    streamed = on("query", QUESTION, *BRIEFLY)
    assert streamed.code == 0, streamed.err
    answer, *_, cost = streamed.out.splitlines()
    assert "7:05" in answer
    assert "[1] ferry.pdf, page 1" in streamed.out
    assert "tokens read" in cost
    assert "smollm2" in cost


def test_what_the_documents_do_not_hold_exits_4(on):
    question = ("query", "Who won the chess championship of Bolivia?", "--filter", "source = 'bees.txt'")
    ran = on(*question, "--json")
    assert ran.code == 4, ran.out
    assert ran.json["no_answer"] is True
    assert ran.json["citations"] == []
    plain = on(*question, "--no-stream")
    assert plain.code == 4
    assert plain.out.startswith(f"{ran.json['answer']}\n")


def test_a_chat_in_a_pipe_answers_line_by_line(on):
    ran = on("chat", "--json", "--max-tokens", "24", stdin=f"{QUESTION}\n\nDo bicycles travel free?\n")
    assert ran.code == 0, ran.err
    assert [line["question"] for line in ran.lines] == [QUESTION, "Do bicycles travel free?"]
    assert all(set(line) == RESPONSE for line in ran.lines)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("query", "?", "--llm", "no-such-model"), 1),
        (("query", "?", "--engine", "other"), 2),
        (("query", "?", "--max-tokens", "0"), 2),
        (("query", "?", "--filter", "nothing = 1"), 2),
        (("query",), 2),
    ],
)
def test_what_can_not_be_asked_is_said_without_an_answer(on, arguments, code: int):
    ran = on(*arguments)
    assert (ran.code, ran.out) == (code, "")
    assert ran.err
    with pytest.raises(json.JSONDecodeError):
        json.loads(ran.err)


def test_the_options_of_an_answer_reach_the_engine(on, monkeypatch: pytest.MonkeyPatch):
    asked = {}

    def engine(index: Index, name: str, **options) -> None:
        asked.update(options, name=name)
        raise QueryError("That is enough.")

    monkeypatch.setattr(Index, "engine", engine)
    how = ("--engine", "agent", "--synthesis", "extract", "--strict", "--steps", "2", "--sentences", "3", "--no-cache")
    about = ("--document", "bees.txt", "--document", "ferry.pdf", "--database", "sqlite:///shop.db")
    assert on("query", QUESTION, *how, *about).code == 2
    assert asked["name"] == "agent"
    assert asked["answers"] == AnswerOptions(
        synthesis="extract",
        strict=True,
        steps=2,
        sentences=3,
        documents=("bees.txt", "ferry.pdf"),
        database="sqlite:///shop.db",
        cache=False,
    )


def test_the_model_judges_its_answer_where_it_is_asked_to(on):
    wanted = ("query", QUESTION, *BRIEFLY, "--entailment")
    answer = on(*wanted, "--json").json
    likely = [citation["entailment"] for citation in answer["citations"] if "entailment" in citation]
    assert likely
    assert all(0 < one < 1 for one in likely)
    assert {step["kind"] for step in answer["steps"]} == {"entailment"}
    shown = on(*wanted).out
    assert f"entailment {likely[0]:.2f}" in shown
    assert "judging" in shown.splitlines()[-1]
    strict = on(*wanted, "--strict", "--least-entailment", "1", "--json").json
    assert all("entailment" not in citation for citation in strict["citations"])
    assert strict["steps"][0]["text"] == answer["steps"][0]["text"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--least-entailment", "0.5"), "set entailment"),
        (("--entailment", "--synthesis", "extract"), "quotes as it stands"),
        (("--entailment", "--engine", "summary"), "writes no sentences"),
    ],
)
def test_a_judgement_of_nothing_is_refused(on, arguments: tuple[str, ...], reason: str):
    ran = on("query", QUESTION, *arguments)
    assert ran.code != 0
    assert reason in " ".join(ran.err.split())


def test_answers_without_a_model_are_as_the_options_say(on, tmp_path):
    extracted = on("query", QUESTION, "--synthesis", "extract", "-k", "1", "--json").json
    assert (extracted["model"], extracted["answer"].count("7:05")) == ("extract", 1)
    summary = on("query", "?", "--engine", "summary", "--document", "bees.txt", "--sentences", "1", "--json").json
    (citation,) = summary["citations"]
    assert citation["source"] == "bees.txt"
    connection = sqlite3.connect(tmp_path / "shop.db")
    connection.executescript(
        "CREATE TABLE orders (id INTEGER, amount REAL); INSERT INTO orders VALUES (1, 2.5), (2, 4)"
    )
    connection.close()
    database = ("--database", f"sqlite:///{tmp_path}/shop.db")
    totals = on("query", "What is the total amount of the orders?", "--engine", "tables", *database, "--json").json
    assert "is 6.5," in totals["answer"]
    refused = on("query", "What is the total amount of the orders?", *database)
    assert (refused.code, "choose tables, auto" in refused.err) == (2, True)


def test_a_rate_of_false_refusals_that_is_no_share_is_refused(on):
    ran = on("query", QUESTION, *BRIEFLY, "--false-refusals", "1.5")
    assert ran.code == 2
    assert "between 0 and 1" in ran.err


def test_a_high_rate_of_false_refusals_refuses_what_is_answered_otherwise(run, example_index):
    asked = ("query", "How long does the warranty last?", "-i", example_index.path, *BRIEFLY)
    assert run(*asked).code == 0
    assert run(*asked, "--false-refusals", "0.97").code == 4


@pytest.fixture
def without_llm(tmp_path: Path) -> dict[str, str]:
    """Variables by which only the embedding model is there, and no other may be fetched."""
    embedder = model_store(Environment.read()).path(DEFAULT_EMBEDDER)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / embedder.name).symlink_to(embedder)
    return {"DOCINDEX_MODELS": str(tmp_path / "models"), "DOCINDEX_OFFLINE": "1"}


@pytest.mark.parametrize(
    "how",
    [
        ("--synthesis", "extract"),
        ("--synthesis", "context-only", "--rerank", "late"),
        ("--engine", "summary", "--document", "ferry.pdf"),
    ],
    ids=lambda how: how[1],
)
def test_what_needs_no_model_fetches_none(run, built, without_llm, how):
    ran = run("query", QUESTION, "-i", built, *how, variables=without_llm)
    assert ran.code == 0, ran.err
    assert "7:05" in ran.out


@pytest.mark.parametrize(
    "how",
    [
        ("query",),
        ("query", "--synthesis", "extract", "--transform", "hyde"),
        ("query", "--synthesis", "extract", "--engine", "compare"),
        ("search", "--set", "llm_rerank=3"),
    ],
    ids=" ".join,
)
def test_what_needs_the_model_says_how_to_get_it(run, built, without_llm, how):
    command, *options = how
    ran = run(command, QUESTION, "-i", built, *options, variables=without_llm)
    assert ran.code == 1, ran.out
    assert "docindex models pull" in ran.err


def test_a_question_behind_routes(run, example_index, tmp_path):
    routes = tmp_path / "routes.yaml"
    routes.write_text("""
version: 1
fallback: facts
routes:
  - name: facts
    retrieve: {k: 1}
    utterances: [for how long is the warranty, how heavy is the station, which battery does it need]
  - name: courtesy
    answer: You are welcome.
    stock: courtesy
  - name: offtopic
    refuse: I only know the station.
    stock: [tasks, questions]
""")
    asked = ("--routes", routes, "-i", example_index.path)
    thanks = run("query", "thank you very much", *asked)
    assert thanks.code == 0, thanks.err
    assert thanks.out.startswith("You are welcome.\n")
    assert "route courtesy" in thanks.out
    assert "tokens read" not in thanks.out
    refused = run("query", "write me a poem about love", *asked, "--json")
    assert refused.code == 4
    assert (refused.json["route"], refused.json["answer"]) == ("offtopic", "I only know the station.")
    answered = run("query", "How long does the warranty last?", *asked, *BRIEFLY, "--json")
    assert (answered.code, answered.json["route"]) == (0, "facts")
    assert run("query", "thanks", *asked, "--filter", "page < 3").code == 2
    assert run("query", "thanks", *asked, "-i", example_index.path.parent).code in (1, 2)
