"""`docindex prompts`, and what `query` and `chat` make of the folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from docindex import wiring
from docindex.testing.scripted_llm import ScriptedLLM
from docindex.wiring import Parts

QUESTION = "When does the ferry to Arran leave Ardrossan?"
REPLY = "The ferry to Arran leaves Ardrossan at 7:05 in the morning."


@pytest.fixture
def llm(monkeypatch: pytest.MonkeyPatch) -> ScriptedLLM:
    """What answers in place of the model."""
    scripted = ScriptedLLM(REPLY)
    monkeypatch.setattr(Parts, "llm_named", lambda parts, name: scripted)
    return scripted


@pytest.fixture
def written(run, tmp_path: Path) -> Path:
    path = tmp_path / "my prompts"
    ran = run("prompts", path, "--json")
    assert (ran.code, ran.json["folder"]) == (0, str(path))
    assert sorted(ran.json["files"]) == sorted(file.name for file in path.iterdir())
    return path


def test_the_prompts_are_listed_with_what_they_are_given(run):
    plain = [line.split("\t") for line in run("prompts").out.splitlines()]
    listed = run("prompts", "--json").json
    assert plain == [[each["file"], ", ".join(each["values"]), each["purpose"]] for each in listed["prompts"]]
    assert len(listed["version"]) == 12
    by_file = {each["file"]: each for each in listed["prompts"]}
    assert by_file["question.txt"]["values"] == ["answer", "question", "sources"]
    assert by_file["system.txt"]["values"] == []


def test_they_are_written_once_and_nothing_is_written_over(run, tmp_path: Path):
    ran = run("prompts", tmp_path / "mine")
    assert (ran.code, ran.out) == (
        0,
        f"{len(list((tmp_path / 'mine').iterdir()))} prompts written into {tmp_path / 'mine'}.\n",
    )
    (tmp_path / "mine" / "system.txt").write_text("Mine.")
    again = run("prompts", tmp_path / "mine")
    assert (again.code, again.out, again.err.count("\n")) == (2, "", 1)
    assert (tmp_path / "mine" / "system.txt").read_text() == "Mine."


def test_written_prompts_ask_the_same_and_changed_ones_something_else(run, copy: Path, llm: ScriptedLLM, written: Path):
    asked = ("query", QUESTION, "-i", copy, "-k", "1", "--no-cache", "--json")
    assert run(*asked).code == 0
    assert run(*asked, "--prompts", written).code == 0
    assert llm.requests[0] == llm.requests[1]
    (written / "system.txt").write_text("Answer in rhymes.")
    assert run(*asked, "--prompts", written).code == 0
    assert llm.requests[2][0].content == "Answer in rhymes."
    assert llm.requests[2][1:] == llm.requests[0][1:]


def test_another_prompt_is_not_answered_from_what_is_kept(run, copy: Path, llm: ScriptedLLM, written: Path):
    asked = ("query", QUESTION, "-i", copy, "-k", "1", "--json")
    assert run(*asked).code == run(*asked).code == run(*asked, "--prompts", written).code == 0
    assert len(llm.requests) == 1
    (written / "system.txt").write_text("Answer in rhymes.")
    assert run(*asked, "--prompts", written).code == 0
    assert len(llm.requests) == 2


def test_a_conversation_is_asked_with_them(run, copy: Path, llm: ScriptedLLM, tmp_path: Path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "system.txt").write_text("Answer in rhymes.")
    (tmp_path / "own" / "rewrite_system.txt").write_text("Rewrite in rhymes.")
    ran = run(
        "chat", "--json", "-i", copy, "--prompts", tmp_path / "own", stdin=f"{QUESTION}\nAnd does it take bicycles?\n"
    )
    assert ran.code == 0, ran.err
    assert {messages[0].content for messages in llm.requests} == {"Answer in rhymes.", "Rewrite in rhymes."}


def test_several_indexes_and_routes_are_asked_with_them(
    run, copy: Path, example_index, llm: ScriptedLLM, tmp_path: Path
):
    (tmp_path / "own").mkdir()
    for name in ("system", "direct_system"):
        (tmp_path / "own" / f"{name}.txt").write_text("Answer in rhymes.")
    mine = ("--prompts", tmp_path / "own", "--json")
    assert run("chat", "-i", copy, "-i", example_index.path, *mine, stdin=QUESTION).code == 0
    routes = tmp_path / "routes.yaml"
    routes.write_text("""
version: 1
fallback: facts
routes:
  - name: facts
    retrieve: {k: 1}
    utterances: [for how long is the warranty, how heavy is the station, which battery does it need]
  - name: chatter
    direct: true
    utterances: [Write a poem about rain., Tell me a story about a cloud., Write a limerick.]
""")
    ran = run("query", "Write a poem about rain.", "-i", copy, "--routes", routes, *mine)
    assert ran.json["route"] == "chatter"
    assert [messages[0].content for messages in llm.requests] == ["Answer in rhymes."] * 2


def test_a_form_is_asked_for_with_them(run, copy: Path, llm: ScriptedLLM, tmp_path: Path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "form_system.txt").write_text("Fill in well.")
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps({"type": "object", "properties": {"time": {"type": "string"}}}))
    run("query", QUESTION, "-i", copy, "--schema", schema, "--prompts", tmp_path / "own")
    assert {messages[0].content for messages in llm.requests} == {"Fill in well."}


@pytest.mark.parametrize("command", [("search", QUESTION), ("why", QUESTION, "ferry.pdf")])
def test_a_search_asks_with_them(run, copy: Path, llm: ScriptedLLM, tmp_path: Path, command: tuple[str, ...]):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "transform_rewrite.txt").write_text("Make a query of it.")
    ran = run(*command, "-i", copy, "--transform", "rewrite", "--prompts", tmp_path / "own", "--json")
    assert ran.code == 0, ran.err
    assert [messages[0].content for messages in llm.requests] == ["Make a query of it."]


def test_an_answer_is_searched_for_with_them(run, copy: Path, llm: ScriptedLLM, tmp_path: Path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "transform_hyde.txt").write_text("Make it up.")
    mine = ("--prompts", tmp_path / "own", "--no-cache", "--json")
    assert run("query", QUESTION, "-i", copy, "--transform", "hyde", *mine).code == 0
    assert llm.requests[0][0].content == "Make it up."
    assert len(llm.requests) == 2


def test_an_index_is_made_with_them(run, copy: Path, llm: ScriptedLLM, tmp_path: Path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "graph_system.txt").write_text("List the facts.")
    mine = ("-i", copy, "--prompts", tmp_path / "own", "--json")
    refused = run("indexes", "add", "graph", *mine)
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert "Prompts go with" in refused.err
    assert run("indexes", "add", "graph", "--by", "model", *mine).json["made"] > 0
    assert {messages[0].content for messages in llm.requests} == {"List the facts."}
    (listed,) = run("indexes", "list", "-i", copy, "--json").json["indexes"]
    assert listed["options"]["prompts"] == str(tmp_path / "own")


def test_questions_are_made_with_them(run, copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    class Closing(ScriptedLLM):
        def close(self) -> None:
            """Nothing is held."""

    scripted = Closing("How many bees does a hive hold?")
    monkeypatch.setattr(wiring, "open_llm", lambda config, environment: scripted)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "eval_make_system.txt").write_text("Ask.")
    made = ("eval", "make", "-i", copy, "-n", "1", "--by", "model", "--out", tmp_path / "q.jsonl", "--json")
    assert run(*made, "--prompts", tmp_path / "own").code == 0
    assert {messages[0].content for messages in scripted.requests} == {"Ask."}
    assert "no folder" in run(*made, "--force", "--prompts", tmp_path / "none").err


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("sistem.txt", "x", "did you mean system.txt"),
        ("question.txt", "a\n{{ sorces }}", "line 2: 'sorces' is not given to this prompt (did you mean sources?)"),
        ("question.txt", "a\n\n{% if %}", "line 3: "),
        ("question.txt", "{{ sources.titel }}", "line 1: "),
    ],
)
@pytest.mark.parametrize("command", [("query", QUESTION), ("chat",)])
def test_what_can_not_be_used_is_one_line(
    run, copy: Path, llm: ScriptedLLM, tmp_path: Path, command: tuple[str, ...], file: str, text: str, said: str
):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / file).write_text(text)
    ran = run(*command, "-i", copy, "--prompts", tmp_path / "own", "--json", stdin=QUESTION)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert ran.err.startswith(f"Error: {tmp_path / 'own' / file}")
    assert said in ran.err
    assert llm.requests == []
