from __future__ import annotations

import pytest

from docindex.answering.engines.choosing import CHOICES, GRAPH, ChoosingEngine, engine_by_rule
from docindex.answering.engines.decisions import By
from docindex.testing.scripted_llm import ScriptedLLM

NAMES = [choice.name for choice in (*CHOICES, GRAPH)]


@pytest.mark.parametrize(
    ("question", "engine"),
    [
        ("Summarise the user manual in three sentences", "summary"),
        ("What is the privacy policy about?", "summary"),
        ("Give me an overview of the changelog", "summary"),
        ("What is the difference between a restart and a factory reset?", "compare"),
        ("Compare the FAQ with the manual", "compare"),
        ("Which is heavier, the outdoor unit or the display unit?", "subquestions"),
        ("How long is the warranty and what does it not cover?", "subquestions"),
        ("How much does the part cost that I need for an update?", "multi-step"),
        ("On how many days did it rain?", "tables"),
        ("Which part is the cheapest?", "tables"),
        ("How is Ada Holm related to Borel Works?", "graph"),
        ("What is the connection between the pump and the valve?", "graph"),
        ("How do I reset the device?", None),
        ("At most how long can it be?", None),
    ],
)
def test_the_form_of_a_question_tells_the_engine(question: str, engine: str | None):
    assert engine_by_rule(question, NAMES, has_tables=lambda: True) == engine


def test_tables_are_not_asked_where_there_are_none():
    assert engine_by_rule("On how many days did it rain?", NAMES, has_tables=lambda: False) is None


@pytest.fixture
def engines(knowing):
    return {
        "retriever": knowing({"rain": "It rains.", "reset": "Hold MODE."}),
        "tables": knowing({"days rain": "On 3 days."}),
        "summary": knowing({}),
    }


def choosing(engines, **options) -> ChoosingEngine:
    return ChoosingEngine(engines.__getitem__, has_tables=lambda: True, **options)


def test_the_engine_that_answers_is_named(engines):
    response = choosing(engines).query("On how many days did it rain?")
    assert response.route == "tables" if not response.no_answer else response.route == "retriever"
    response = choosing(engines).query("How many days of rain?")
    assert (response.answer, response.route) == ("On 3 days. [1]", "tables")


def test_the_passages_answer_where_the_engine_has_nothing(engines):
    stream = choosing(engines).stream("Give me a summary of the rain")
    assert "".join(stream) == "It rains. [1]"
    assert stream.response.route == "retriever"
    assert stream.response.tokens.completion == 4
    assert len(engines["summary"].asked) == 1


def test_a_refusal_of_the_passages_is_a_refusal(engines):
    response = choosing(engines).query("Who is the president of Peru?")
    assert response.no_answer
    assert response.route == "retriever"


def test_routes_and_the_model_choose_where_the_form_does_not_tell(engines, able):
    question = "Reset of the rain days, please"
    assert choosing(engines, route=lambda text: "tables").query(question).route == "tables"
    assert choosing(engines, route=lambda text: "unknown").choose(question).value == "retriever"
    llm = able('{"engine": "tables"}')
    engine = choosing(engines, llm=llm)
    first, second = engine.choose(question), engine.choose(question)
    assert (first.value, first.by) == (second.value, second.by) == ("tables", By.MODEL)
    assert first.tokens.prompt > second.tokens.prompt  # the exam is sat once
    assert "- tables: counts" in llm.requests[0][0].content


@pytest.mark.parametrize("written", ['{"engine": "shell"}', '"tables"', "tables"])
def test_a_choice_of_the_model_that_there_is_not_is_not_taken(engines, able, written: str):
    decided = choosing(engines, llm=able(written)).choose("Hello there")
    assert decided.value == "retriever"
    assert decided.by in (By.UNFIT, By.UNREADABLE)


def test_a_model_that_can_not_tell_engines_apart_does_not_choose(engines):
    decided = choosing(engines, llm=ScriptedLLM('{"engine": "tables"}')).choose("Hello there")
    assert (decided.value, decided.by) == ("retriever", By.RULE)
