from __future__ import annotations

import pytest

from docindex.answering.leaning import leans

BEFORE = "Where was the Alpha pump built?"

ALONE = [
    "Why is the sky blue?",
    "So what is the capital of France?",
    "And what is the capital of France?",
    "Is there life on Mars?",
    "Are there any birds that can't fly?",
    "What is gold?",
    "What is photosynthesis?",
    "Who is Einstein?",
    "Who was Napoleon?",
    "Why do planets move in the same direction?",
    "Why does the moon change its shape?",
    "Why is the sky blue when it rains?",
    "Is it true that gold floats on mercury?",
    "What time is it in Tokyo?",
    "So the sky is blue, right?",
    "Do cats love their owners?",
    "What is the weather this week?",
    "Which firm that sells bread is the oldest?",
    "How long is the warranty?",
    "Which Wi-Fi band does the display unit use?",
    "But why do cats purr?",
    "How does photosynthesis work?",
    "Is one of the planets made of gas?",
    "Who won the cup this year?",
    "So how do I bake bread?",
    "Tell me about cats.",
    "Please explain photosynthesis",
]

FOLLOW_UPS = [
    "Why?",
    "And why?",
    "Why not?",
    "Why not in Bergen?",
    "And how much does it weigh?",
    "Is there a warranty for it?",
    "Is there a warranty?",
    "Does the warranty cover it?",
    "What does it not cover?",
    "And water damage?",
    "What about batteries?",
    "Are those free of charge?",
    "Does that warranty cover water?",
    "What does that mean?",
    "And in winter?",
    "How heavy?",
    "What happens then?",
    "Which one is heavier?",
    "What else is covered?",
    "What is covered?",
    "What is included?",
    "Who built that?",
    "How do I get there?",
    "What can I do there?",
    "And does the pump need oil?",
    "Why is the pump blue?",
    "What is the price?",
    "Is the same covered for batteries?",
    "Why do I pay extra?",
    "What if they break?",
    "How do they differ?",
    "Is he the owner?",
    "What is this?",
    "What is this device for?",
    "And the fan?",
    "So the pump is heavy?",
    "Which countries?",
    "What happens after that?",
    "Does one cost extra?",
    "Can I use the same for the fan?",
    "Tell me more.",
    "Explain why.",
    "Tell me about the warranty.",
    "Can you explain that?",
    "Is more included?",
]


@pytest.mark.parametrize("question", ALONE)
def test_a_question_with_a_subject_of_its_own_stands_alone(question: str):
    assert not leans(question, BEFORE)


@pytest.mark.parametrize("question", FOLLOW_UPS)
def test_what_points_back_or_names_no_subject_leans(question: str):
    assert leans(question, BEFORE)


def test_a_question_that_goes_on_leans_where_it_names_what_was_asked_about():
    assert leans("And does the pump need oil?", BEFORE)
    assert not leans("And does the fan need oil?", BEFORE)
