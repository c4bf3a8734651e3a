from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docindex.answering.engines.sides import sides_of
from docindex.answering.engines.splitting import split_question


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        (
            "How long is the warranty and what does it not cover?",
            ["How long is the warranty?", "What does the warranty not cover?"],
        ),
        (
            "How long does the warranty last? Does it cover lightning?",
            ["How long does the warranty last?", "Does the warranty cover lightning?"],
        ),
        (
            "I bought it in May. How do I pair the unit? What does its green light mean?",
            ["How do I pair the unit?", "What does the unit’s green light mean?"],
        ),
        (
            "When and how is the rain gauge calibrated?",
            ["When is the rain gauge calibrated?", "How is the rain gauge calibrated?"],
        ),
        ("What do errors E2 and E5 mean?", ["What does error E2 mean?", "What does error E5 mean?"]),
        (
            "How much do the rain funnel and the wind cups cost?",
            ["How much does the rain funnel cost?", "How much do the wind cups cost?"],
        ),
        (
            "What are the prices of the funnel, the mast and the cups?",
            ["What is the price of the funnel?", "What is the price of the mast?", "What is the price of the cups?"],
        ),
        (
            "Which networks can I use, and on which port does the API listen?",
            ["Which networks can I use?", "On which port does the API listen?"],
        ),
        (
            "Which is heavier, the outdoor unit or the display unit?",
            ["How much does the outdoor unit weigh?", "How much does the display unit weigh?"],
        ),
        ("What is the difference between a restart and a reset?", ["What is a restart?", "What is a reset?"]),
        (
            "What is the difference between the fan and the pump, and how much do they weigh?",
            ["What is the fan?", "What is the pump?", "How much does the fan weigh?", "How much does the pump weigh?"],
        ),
        (
            "How long is the warranty? What is the difference between A1 and B2?",
            ["How long is the warranty?", "What is A1?", "What is B2?"],
        ),
        ("Who is Dr. Smith? What does he do?", ["Who is Dr. Smith?", "What does he do (Dr Smith)?"]),
        (
            "Who is the manager? When is she in and what is her number?",
            ["Who is the manager?", "When is the manager in?", "What is the manager’s number?"],
        ),
        (
            "What does error No. 5 mean? How is it cured?",
            ["What does error No. 5 mean?", "How is error No. 5 cured?"],
        ),
        (
            "What do E2 and E5 mean and how is E2 cured?",
            ["What does E2 mean?", "What does E5 mean?", "How is E2 cured?"],
        ),
    ],
)
def test_questions_that_hold_several_are_taken_apart(question: str, parts: list[str]):
    assert split_question(question) == parts


@pytest.mark.parametrize(
    "question",
    [
        "How long is the warranty?",
        "What happens when I hold MODE and DOWN?",
        "What does the Health and Safety Executive say?",
        "What is the number of sensors and languages?",
        "Sign out of the app and sign in again",
        "Is the station safe in rain and snow?",
        "",
    ],
)
def test_questions_that_are_one_stay_one(question: str):
    assert split_question(question) == []


@pytest.mark.parametrize(
    ("question", "names", "aspect"),
    [
        ("What is the difference between X1 and X2?", ("X1", "X2"), ""),
        ("Compare the prices of the rain funnel and the wind cups.", ("the rain funnel", "the wind cups"), "price"),
        ("Compare E1, E2 and E3 in terms of their cause", ("E1", "E2", "E3"), "cause"),
        ("restart versus factory reset", ("restart", "factory reset"), ""),
        ("How does a restart differ from a reset?", ("a restart", "a reset"), ""),
        ("How do cells and mains differ?", ("cells", "mains"), ""),
        ("What is X1 vs X2?", ("X1", "X2"), ""),
        ("What is better, the mains versus cells?", ("the mains", "cells"), ""),
        ("What is the difference between how X1 works and how X2 works?", ("how X1 works", "how X2 works"), ""),
        ("What is the difference in weight between the mast and the cups?", ("the mast", "the cups"), "weight"),
    ],
)
def test_what_is_compared_is_seen(question: str, names: tuple[str, ...], aspect: str):
    sides = sides_of(question)
    assert sides is not None
    assert (sides.names, sides.aspect) == (names, aspect)


@pytest.mark.parametrize(
    "question",
    [
        "How do I pair the unit and reset it?",
        "Is there any difference?",
        "Which number is after the order, one or two?",
        "What is the distance between the units?",
        "Compare everything",
        "What is the difference between the fan and the pump, and how much do they weigh?",
        "What is the difference between the fan and the pump? How much do they weigh?",
    ],
)
def test_nothing_is_compared(question: str):
    assert sides_of(question) is None


WORDS = "what how is the a unit reset and or ? , . between differ compare with it E1 5 é"


@given(st.lists(st.sampled_from(WORDS.split()), max_size=14))
def test_any_text_can_be_looked_at(words: list[str]):
    parts = split_question(" ".join(words))
    assert len(parts) != 1
    assert all(part.endswith("?") for part in parts)
