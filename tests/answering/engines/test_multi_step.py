from __future__ import annotations

import pytest

from docindex.answering.engines.bridges import bridge_of, learned
from docindex.answering.engines.multi_step import MultiStepEngine
from docindex.answering.policy import NO_ANSWER
from docindex.testing.scripted_llm import ScriptedLLM

PRICE = "How much does the part cost that I need for an update?"
PLAIN = "What is the cost of the update part?"
ANSWERS = {
    "cost flat stick": "A flat stick costs 4 euros.",
    "cost usb-c plug": "The USB-C plug costs 6 euros.",
    "part update": "For an update you need a flat stick or the USB-C plug.",
}


@pytest.mark.parametrize(
    ("question", "first", "then"),
    [
        (PRICE, "Which part is it that I need for an update?", "How much does the {} cost?"),
        (
            "How much does the part that I need for an update cost?",
            "Which part is it that I need for an update?",
            "How much does the {} cost?",
        ),
        (
            "What is the price of the adapter used for updates?",
            "Which adapter is used for updates?",
            "What is the price of the {}?",
        ),
        (
            "Where is the data centre of the company that makes the app?",
            "Which company is it that makes the app?",
            "Where is the data centre of the {}?",
        ),
        (
            "In which year was the feature introduced that other programs can read the station with?",
            "Which feature is it that other programs can read the station with?",
            "In which year was the {} introduced?",
        ),
    ],
)
def test_questions_in_two_hops_are_seen(question: str, first: str, then: str):
    bridge = bridge_of(question)
    assert bridge is not None
    assert (bridge.first, bridge.then) == (first, then)


@pytest.mark.parametrize("question", ["How long is the warranty?", "What is that?", "Say that the unit is dark", ""])
def test_questions_in_one_hop_are_seen(question: str):
    assert bridge_of(question) is None


def test_names_are_learned_from_quotes(cited):
    response = cited("?", "For an update you need a flat stick and the USB-C plug of Tirrim.")
    assert learned("What do I need for an update?", response) == ["flat stick", "USB-C plug", "Tirrim"]


def test_a_second_hop_finds_what_the_first_names(knowing):
    engine = knowing({**ANSWERS, "cost flat stick": "The flat one is out of stock."})
    response = MultiStepEngine(engine).query(PRICE)
    assert response.answer == (
        "For an update you need a flat stick or the USB-C plug. [1] The USB-C plug costs 6 euros. [2]"
    )
    assert [step.text for step in response.steps] == [
        PRICE,
        "Which part is it that I need for an update?",
        "How much does the flat stick cost?",
        "How much does the USB-C plug cost?",
    ]
    assert response.tokens.completion == 8


def test_the_budget_of_steps_holds(knowing):
    engine = knowing({**ANSWERS, "cost flat stick": "The flat one is out of stock."})
    response = MultiStepEngine(engine, steps=3).query(PRICE)
    assert len(response.steps) == 3
    assert response.answer == "For an update you need a flat stick or the USB-C plug. [1]"


def test_an_answer_that_is_complete_is_not_asked_again(knowing):
    engine = knowing({"warranty": "The warranty lasts 3 years."})
    response = MultiStepEngine(engine).query("How long does the warranty last?")
    assert response.answer == "The warranty lasts 3 years. [1]"
    assert engine.asked == ["How long does the warranty last?"]


def test_nothing_found_is_no_answer(knowing):
    response = MultiStepEngine(knowing({})).query(PRICE)
    assert response.no_answer
    assert response.answer == NO_ANSWER
    assert response.citations == ()


def test_the_model_may_write_the_next_question(knowing):
    llm = ScriptedLLM('{"question": "What does the USB-C plug cost?"}')
    engine = knowing(ANSWERS)
    response = MultiStepEngine(engine, llm=llm).query(PLAIN)
    assert engine.asked[-1] == "What does the USB-C plug cost?"
    assert response.answer.endswith("The USB-C plug costs 6 euros. [2]")


@pytest.mark.parametrize(
    "written",
    [
        '{"question": "Who is the president of Peru?"}',
        '{"question": "How much is it?"}',
        '{"question": 3}',
        "[]",
        "plug",
    ],
)
def test_a_question_of_the_model_that_leads_nowhere_is_not_asked(knowing, written: str):
    engine = knowing(ANSWERS)
    MultiStepEngine(engine, llm=ScriptedLLM(written)).query(PLAIN)
    assert not {"Who is the president of Peru?", "How much is it?"} & set(engine.asked)


def test_braces_in_a_question_are_text(knowing):
    question = "How much does the part cost that I need for an update of {x} and {0}?"
    response = MultiStepEngine(knowing(ANSWERS)).query(question)
    assert response.answer.endswith("A flat stick costs 4 euros. [2]")
