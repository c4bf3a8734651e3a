"""Engines ask for decisions with the prompts that they are given."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from docindex.answering.engines.agent import AgentEngine
from docindex.answering.engines.asking import messages
from docindex.answering.engines.choosing import CHOICES, ChoosingEngine
from docindex.answering.engines.exam import Exam
from docindex.answering.engines.multi_step import MultiStepEngine
from docindex.answering.engines.subquestions import SubQuestionEngine
from docindex.prompts.files import Prompts, shipped
from docindex.protocols import Message
from docindex.testing.scripted_llm import ScriptedLLM

TASKS = ("decide_engine", "decide_next", "decide_split", "decide_tool")


@pytest.fixture(scope="session")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Prompts:
    """What is to be decided and its examples with their own names before them."""
    folder = tmp_path_factory.mktemp("marked")
    for task in TASKS:
        for prompt in (shipped()[task], shipped()[f"{task}_examples"]):
            (folder / prompt.file_name).write_text(f"MARK-{prompt.name}\n{prompt.text}")
    return Prompts.of(folder)


def marks(requests: Sequence[Sequence[Message]]) -> set[str]:
    """The prompts that requests were made with."""
    return {mark for asked in requests for message in asked for mark in re.findall(r"MARK-(\w+)", message.content)}


def asked_with(task: str) -> set[str]:
    return {task, f"{task}_examples"}


def test_a_question_is_taken_apart(knowing, marked: Prompts):
    llm = ScriptedLLM("[]")
    SubQuestionEngine(knowing({}), llm=llm, prompts=marked).split(
        "Which networks and sockets suit the display unit of the station?"
    )
    assert marks(llm.requests) == asked_with("decide_split")


def test_a_next_question_is_written(knowing, marked: Prompts):
    llm = ScriptedLLM('{"question": "What does the USB-C plug cost?"}')
    engine = knowing({"part update": "For an update you need a flat stick or the USB-C plug."})
    MultiStepEngine(engine, llm=llm, prompts=marked).query("What is the cost of the update part?")
    assert marks(llm.requests) == asked_with("decide_next")


def test_an_engine_is_chosen(knowing, able, marked: Prompts):
    llm = able('{"engine": "summary"}')
    engine = ChoosingEngine(lambda name: knowing({}), has_tables=lambda: False, llm=llm, prompts=marked)
    assert engine.choose("Where is the lid?").value == "summary"
    assert marks(llm.requests) == asked_with("decide_engine")


def test_the_exam_is_sat(marked: Prompts):
    llm = ScriptedLLM('{"engine": "summary"}')
    assert not Exam(llm, CHOICES, marked).sit()[0]
    assert marks(llm.requests) == asked_with("decide_engine")


def test_a_tool_is_called(knowing, able, marked: Prompts):
    llm = able('{"tool": "summary", "input": "wind sensor"}')
    engine = AgentEngine(lambda name: knowing({}), has_tables=lambda: True, llm=llm, prompts=marked)
    engine.query("How much does the wind sensor cost?")
    assert marks(llm.requests) == asked_with("decide_tool")


def test_the_question_is_shown_as_the_prompt_says(tmp_path: Path):
    (tmp_path / "decide_user.txt").write_text("Now: {{ question }}")
    assert messages("decide_split", "Why?", prompts=Prompts.of(tmp_path))[-1] == Message("user", "Now: Why?")


@pytest.mark.parametrize("task", TASKS)
def test_a_file_without_examples_shows_none(task: str, tmp_path: Path):
    (tmp_path / f"{task}_examples.txt").write_text("{# None. #}\n")
    shown = messages(task, "Why?", choices=CHOICES, prompts=Prompts.of(tmp_path))
    assert [message.role for message in shown] == ["system", "user"]
    assert [message.role for message in messages(task, "Why?", choices=CHOICES)][:3] == ["system", "user", "assistant"]
