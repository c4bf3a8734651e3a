from __future__ import annotations

import pytest

from docindex.answering.questions import analyse_question
from docindex.answering.terms import analyse
from docindex.answering.topics import asks_of_a_thing, topic


@pytest.mark.parametrize(
    ("question", "about"),
    [
        ("Where was the Alpha pump built?", "Alpha pump"),
        ("Where was the used car built?", "used car"),
        ("Is the pump covered by the warranty?", "pump warranty"),
        ("How much does the Alpha pump weigh?", "Alpha pump"),
        ("What does the warranty of the Alpha pump cover?", "warranty Alpha pump"),
        ("What can the R7 display?", "R7"),
        ("How long does the battery last?", "battery"),
        ("When does the museum open?", "museum"),
        ("Who invented the steam engine?", "steam engine"),
        ("And how much does it weigh? (Alpha pump)", "Alpha pump"),
    ],
)
def test_what_is_asked_of_a_thing_is_not_what_the_question_is_about(question: str, about: str):
    assert analyse_question(topic(question)).words == analyse(about).words


@pytest.mark.parametrize(
    "question",
    [
        "How long is the warranty of the Nimbus R7?",
        "How often does the pump need oil?",
        "How do I reset the device?",
        "Who is the head of Acme?",
        "What was built?",  # nothing else is left
        "warranty",
        "Wo wurde die Pumpe gebaut?",
        "",
    ],
)
def test_a_question_whose_form_shows_no_verb_is_kept_whole(question: str):
    assert topic(question) == question


def test_only_a_question_with_words_of_its_own_asks_something_else_of_the_same_thing():
    assert asks_of_a_thing("And how much does it weigh?")
    assert asks_of_a_thing("How heavy is it?")
    assert not asks_of_a_thing("Why was it?")
    assert not asks_of_a_thing("And the warranty?")
    assert not asks_of_a_thing("And when?")
