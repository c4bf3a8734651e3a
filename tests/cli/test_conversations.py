"""`docindex chat --conversation` and `docindex conversations`: a talk goes on in later processes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

FIRST = "When was the turbine hall opened?"
SECOND = "How many turbines does it hold?"


@pytest.fixture
def index(ingested, tmp_path: Path) -> Path:
    """An index of its own for a test."""
    return Path(shutil.copytree(ingested[0], tmp_path / "index"))


def talk(run, index: Path, *questions: str) -> list[dict]:
    options = ("--json", "--max-tokens", "24", "-c", "hall", "-i", index)
    ran = run("chat", *options, stdin="".join(f"{question}\n" for question in questions))
    assert ran.code == 0, ran.err
    return ran.lines


def test_a_conversation_goes_on_where_it_stopped(run_with, index: Path):
    talk(run_with, index, FIRST)
    (answer,) = talk(run_with, index, SECOND)
    assert answer["question"] == SECOND
    shown = run_with("conversations", "show", "hall", "-i", index, "--json").json
    assert [turn["question"] for turn in shown["turns"]] == [FIRST, SECOND]
    assert "hall" in shown["turns"][1]["standalone"]  # which only the first question says
    assert shown["turns"][1]["answer"] == answer["answer"]
    assert shown["turns"][1]["citations"] == answer["citations"]
    (listed,) = run_with("conversations", "list", "-i", index, "--json").json["conversations"]
    assert (listed["name"], listed["turns"], listed["question"]) == ("hall", 2, FIRST)
    assert run_with("conversations", "list", "-i", index).out.split("\t")[:2] == ["hall", "2"]
    plain = run_with("conversations", "show", "hall", "-i", index).out
    assert FIRST in plain
    assert answer["answer"] in plain


def test_without_a_name_nothing_is_kept(run_with, index: Path):
    ran = run_with("chat", "--json", "--max-tokens", "24", "-i", index, stdin=f"{FIRST}\n")
    assert ran.code == 0
    assert run_with("conversations", "list", "-i", index).out.startswith("No conversation is kept")
    assert not (index / "chats.db").exists()


def test_a_deleted_conversation_is_gone(run_with, index: Path):
    talk(run_with, index, FIRST)
    assert run_with("conversations", "rm", "hall", "-i", index).out == "Deleted 1 turn.\n"
    for command in ("show", "rm"):
        ran = run_with("conversations", command, "hall", "-i", index)
        assert ran.code == 1
        assert "docindex conversations list" in ran.err


def test_a_purge_erases_conversations_and_completions(run_with, index: Path):
    talk(run_with, index, FIRST)
    assert run_with("purge", "--yes", "-i", index).code == 0
    assert run_with("conversations", "list", "-i", index, "--json").json == {"conversations": []}
    assert not any(FIRST.encode() in file.read_bytes() for file in index.rglob("*") if file.is_file())


@pytest.mark.parametrize("memory", ["summary", "relevant"])
def test_other_memories_serve_too(run_with, index: Path, memory: str):
    questions = f"{FIRST}\nDo bicycles travel free?\nWhat is granite made of?\nWhat is chalk?\n{SECOND}\n"
    options = ("--json", "--max-tokens", "16", "--memory", memory, "-c", "hall", "-i", index)
    ran = run_with("chat", *options, stdin=questions)
    assert ran.code == 0, ran.err
    assert len(ran.lines) == 5


@pytest.mark.parametrize("name", ["", "x" * 101])
def test_a_name_that_is_none_is_refused(run_with, index: Path, name: str):
    ran = run_with("chat", "-c", name, "-i", index, "--max-tokens", "8", stdin=f"{FIRST}\n")
    assert ran.code == 2
    assert "1 to 100" in ran.err
