from __future__ import annotations

import threading

import pytest

from docindex.answering.engines.decisions import By
from docindex.answering.engines.subquestions import NO_ANSWER_TO_PART, SubQuestionEngine, read_parts
from docindex.answering.policy import NO_ANSWER
from docindex.errors import QueryError, RequestCancelledError
from docindex.schema import Step, TokenCounts
from docindex.testing.scripted_llm import ScriptedLLM

ANSWERS = {"how long warranty": "It lasts 3 years.", "warranty cover": "It does not cover lightning."}
BOTH = "How long is the warranty and what does it not cover?"


def test_each_part_is_answered_under_its_question(knowing):
    response = SubQuestionEngine(knowing(ANSWERS)).query(BOTH)
    assert response.answer == (
        "How long is the warranty?\nIt lasts 3 years. [1]\n\n"
        "What does the warranty not cover?\nIt does not cover lightning. [2]"
    )
    assert [citation.quote for citation in response.citations] == list(ANSWERS.values())
    assert response.tokens == TokenCounts(20, 10, 4)
    assert response.steps[0] == Step("question", "How long is the warranty?", "It lasts 3 years. [1]")
    assert response.timings_ms.keys() >= {"first_token", "total"}


def test_parts_come_as_they_are_answered(knowing):
    engine = knowing(ANSWERS)
    pieces = iter(SubQuestionEngine(engine).stream(BOTH))
    assert next(pieces) == "How long is the warranty?\nIt lasts 3 years. [1]"
    assert len(engine.asked) == 1


def test_a_part_without_an_answer_is_named(knowing):
    first_only = SubQuestionEngine(knowing({"how long warranty": "It lasts 3 years."})).query(BOTH)
    assert first_only.answer.endswith(f"What does the warranty not cover?\n{NO_ANSWER_TO_PART}")
    assert not first_only.no_answer
    second_only = SubQuestionEngine(knowing({"warranty cover": "Not lightning."})).query(BOTH)
    assert second_only.answer.startswith(f"How long is the warranty?\n{NO_ANSWER_TO_PART}\n\n")
    assert not second_only.no_answer


def test_no_part_with_an_answer_is_no_answer(knowing):
    stream = SubQuestionEngine(knowing({})).stream(BOTH)
    assert list(stream) == [NO_ANSWER]
    assert stream.response.no_answer
    assert [step.text for step in stream.response.steps] == [
        "How long is the warranty?",
        "What does the warranty not cover?",
    ]


@pytest.mark.parametrize(
    ("count", "told"), [(5, ""), (6, "\n\nNot asked: 1 more question."), (8, "\n\nNot asked: 3 more questions.")]
)
def test_parts_that_are_not_asked_are_told(knowing, count: int, told: str):
    question = " ".join(f"What does error E{at} mean?" for at in range(count))
    response = SubQuestionEngine(knowing({"error": "It rains."})).query(question)
    assert len(response.steps) == 5
    assert response.answer.partition("E4 mean?\n")[2] == f"As above: [1]{told}"
    refused = SubQuestionEngine(knowing({})).query(question)
    assert (refused.answer, refused.no_answer) == (f"{NO_ANSWER}{told}", True)


def test_the_same_answer_is_not_given_twice(knowing):
    response = SubQuestionEngine(knowing({"warranty": "3 years, without lightning."})).query(BOTH)
    assert response.answer.endswith("What does the warranty not cover?\nAs above: [1]")
    assert len(response.citations) == 1


def test_a_single_question_is_passed_on(knowing):
    engine = knowing({"warranty": "3 years."})
    response = SubQuestionEngine(engine).query("How long is the warranty?")
    assert response.answer == "3 years. [1]"
    assert response.steps == ()


LONG = "Which networks and sockets suit the display unit of the station?"


def test_the_model_takes_apart_what_the_rules_do_not(knowing):
    llm = ScriptedLLM(
        '["Which networks suit the display unit of the station?",'
        ' "Which sockets suit the display unit of the station?"]'
    )
    decided = SubQuestionEngine(knowing({}), llm=llm).split(LONG)
    assert decided.by is By.MODEL
    assert decided.value == [
        "Which networks suit the display unit of the station?",
        "Which sockets suit the display unit of the station?",
    ]


@pytest.mark.parametrize(
    "written",
    [
        '["Which networks suit the display unit of the station?"]',
        '["Which networks suit the display unit?", "Which sockets suit the radio in Oslo?"]',
        '["Which networks are there?", "Which networks suit?"]',
        '["x"]',
        "{}",
        "no JSON",
    ],
)
def test_what_the_model_makes_up_is_not_asked(knowing, written: str):
    assert SubQuestionEngine(knowing({}), llm=ScriptedLLM(written)).split(LONG).value == [LONG]


def test_the_model_is_not_asked_about_short_questions(knowing):
    llm = ScriptedLLM("[]")
    SubQuestionEngine(knowing({}), llm=llm).split("How long is the warranty?")
    assert llm.requests == []


def test_parts_keep_to_the_question():
    assert read_parts(["Is it salt?", "Is it salt?"], "Is it salt and wet?") is None
    assert read_parts(["Is it salt", "Is it wet."], "Is it salt and wet?") == ["Is it salt?", "Is it wet?"]


def test_empty_questions_and_cancelled_ones_are_errors(knowing):
    engine = SubQuestionEngine(knowing(ANSWERS))
    with pytest.raises(QueryError):
        engine.query("  ")
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(RequestCancelledError):
        engine.query(BOTH, cancel=cancel)
