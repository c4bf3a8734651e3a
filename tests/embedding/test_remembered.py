from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docindex.embedding.remembered import RememberedVectors
from docindex.protocols import Vectors


class Counting:
    """Embeds a text as its length and its first letter, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        return np.array([[len(text), ord(text[0]) if text else 0] for text in texts], np.float32).reshape(-1, 2)


@given(st.lists(st.lists(st.sampled_from(["", "a", "b", "cc", "dd", "eee"]))), st.integers(1, 7))
def test_the_vectors_are_those_of_the_embedder(calls: list[list[str]], most: int):
    vectors = RememberedVectors(Counting(), most)
    for texts in calls:
        assert np.array_equal(vectors(texts), Counting()(texts))


def test_what_was_embedded_is_not_embedded_again():
    embed = Counting()
    vectors = RememberedVectors(embed)
    vectors(["a", "b", "a"])
    vectors(["b", "c"])
    assert embed.asked == ["a", "b", "c"]


def test_what_was_asked_for_last_is_remembered():
    embed = Counting()
    vectors = RememberedVectors(embed, most=2)
    for text in ("a", "b", "a", "c", "a", "b"):
        vectors([text])
    assert embed.asked == ["a", "b", "c", "b"]


def test_what_is_given_can_be_changed_without_harm():
    vectors = RememberedVectors(Counting())
    vectors(["a"])[:] = 0
    assert vectors(["a"])[0, 1] == ord("a")


def test_a_failure_is_not_remembered():
    embed = Counting()

    def at_first_broken(texts: Sequence[str]) -> Vectors:
        if not embed.asked:
            embed.asked.append("broken")
            raise OSError("broken")
        return embed(texts)

    vectors = RememberedVectors(at_first_broken)
    with pytest.raises(OSError, match="broken"):
        vectors(["a"])
    assert vectors(["a"])[0, 0] == 1


def test_threads_get_what_they_asked_for():
    vectors = RememberedVectors(Counting(), most=3)
    wrong: list[str] = []

    def ask(start: int) -> None:
        for at in range(start, start + 300):
            text = "x" * (at % 9 + 1)
            if vectors([text, "y"])[0, 0] != len(text):
                wrong.append(text)

    threads = [threading.Thread(target=ask, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
