from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docindex.answering.sentences import sentences_of
from docindex.protocols import Token

TEXT = "Press the button [1]. It blinks red. [2] Then (source 3) it stops! Wait 2.5 seconds.\nDone"


def stream(text: str, sizes: list[int]) -> list[tuple[str, frozenset[int]]]:
    tokens, at = [], 0
    for size in [*sizes, len(text)]:
        tokens.append(Token(text[at : at + size]))
        at += size
    return [(sentence.text, sentence.cited) for sentence in sentences_of(tokens)]


@given(st.lists(st.integers(1, 9), max_size=40))
def test_sentences_and_their_markers_are_the_same_however_the_text_arrives(sizes: list[int]):
    assert stream(TEXT, sizes) == [
        ("Press the button.", {1}),
        ("It blinks red.", {2}),
        ("Then it stops!", {3}),
        ("Wait 2.5 seconds.", set()),
        ("Done", set()),
    ]


def test_the_line_breaks_of_a_list_are_kept():
    sentences = list(sentences_of([Token("It takes two steps.\n- Press the button.\n- Wait.")]))
    assert [(sentence.gap, sentence.text) for sentence in sentences] == [
        (" ", "It takes two steps."),
        ("\n", "- Press the button."),
        ("\n", "- Wait."),
    ]


def test_a_sentence_is_given_out_when_the_next_one_begins():
    taken: list[str] = []

    def tokens():
        for text in ("One is", " red. ", "Two", " is blue. ", "Three"):
            taken.append(text)
            yield Token(text)

    first = next(iter(sentences_of(tokens())))
    assert first.text == "One is red."
    assert taken == ["One is", " red. ", "Two"]


@pytest.mark.parametrize("label", ["Answer: ", "The answer is: ", "A: "])
def test_labels_in_front_of_an_answer_go(label: str):
    assert stream(label + "It is red.", []) == [("It is red.", frozenset())]


@pytest.mark.parametrize("text", ["", "   ", "\n", "[1]"])
def test_nothing_gives_nothing(text: str):
    assert stream(text, []) == []
