from __future__ import annotations

import pytest

from docindex.answering.engines.wishes import wishes_of


@pytest.mark.parametrize(
    ("request_", "sentences", "bullets"),
    [
        ("Summarise the manual", 5, False),
        ("Summarise the manual in three sentences", 3, False),
        ("Summarise the manual in a single sentence", 1, False),
        ("Give me 7 bullet points about the manual", 7, True),
        ("Summarise the manual in brief", 3, False),
        ("Summarise the manual in detail", 10, False),
        ("The key points of the manual", 5, True),
        ("Summarise the manual in 99 sentences", 99, False),
        ("Summarise the manual in 100 sentences", 100, False),
        ("Summarise the manual in 1,000 sentences", 100, False),
        ("Summarise the manual in a hundred short sentences", 100, False),
        ("Summarise the manual in eleven sentences", 11, False),
        ("Summarise the manual in sixteen sentences", 16, False),
        ("Summarise the manual in Twenty-five sentences", 25, False),
        ("Summarise the manual in 0 sentences", 1, False),
    ],
)
def test_the_form_is_heeded(request_: str, sentences: int, bullets: bool):
    wishes = wishes_of(request_, 5)
    assert (wishes.sentences, wishes.bullets) == (sentences, bullets)


def test_what_the_caller_gives_is_not_cut_short():
    assert wishes_of("Summarise the manual", 100).sentences == 100


@pytest.mark.parametrize(
    ("request_", "asks"),
    [
        ("What are the pages of the manual about?", True),
        ("Can you summarise the manual?", False),
        ("What are the key points on frost?", False),
        ("Summarise the manual", False),
    ],
)
def test_a_question_is_no_request_for_a_summary(request_: str, asks: bool):
    wishes = wishes_of(request_, 5)
    assert wishes.asks is asks
    assert not (asks and wishes.about != request_)


def test_what_is_left_is_the_subject():
    assert wishes_of("Please summarise in 3 sentences what is said about frost alarms", 5).about == (
        "in what is said frost alarms"
    )
