"""Planted near-duplicates are found, and nothing else."""

from __future__ import annotations

import random
import time
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.indices.near_duplicates import near_duplicates
from docindex.indices.shingles import numbers_of, shingles_of, words_of
from docindex.schema import Node

VOCABULARY = [f"{first}{second}" for first in "bdfgklmnprst" for second in ("a", "eno", "iru", "om", "ut", "ilda")]


def _node(number: int, text: str, context: str = "") -> Node:
    return Node(f"n{number}", "d", number, 0, len(text), text, context)


def _text(rng: random.Random, words: int = 150) -> list[str]:
    return [rng.choice(VOCABULARY) for _ in range(words)]


def _exact(nodes: list[Node], threshold: float) -> set[tuple[str, str]]:
    """All pairs by comparing each with each."""
    read = [(node.node_id, words_of(node)) for node in nodes]
    shingled = [(node_id, shingles_of(words), numbers_of(words)) for node_id, words in read]
    return {
        (one[0], other[0])
        for one, other in combinations(shingled, 2)
        if one[2] == other[2] and len(one[1] & other[1]) / len(one[1] | other[1]) >= threshold
    }


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.9, 1.0])
def test_planted_pairs_are_found_and_every_pair_is_one(threshold):
    rng = random.Random(7)
    nodes: list[Node] = []
    for _ in range(150):
        words = _text(rng)
        nodes.append(_node(len(nodes), " ".join(words)))
        for at in rng.sample(range(150), rng.randint(0, 12)):
            words[at] = rng.choice(VOCABULARY)
        nodes.append(_node(len(nodes), " ".join(words)))
    found = {(one, other): alike for one, other, alike in near_duplicates(nodes, threshold)}
    expected = _exact(nodes, threshold)
    assert found.keys() <= expected
    assert len(found) >= 0.98 * len(expected) > 0
    assert min(found.values()) >= threshold


def test_equal_texts_are_paired_with_the_first_of_them():
    rng = random.Random(1)
    words = _text(rng)
    changed = [*words[:-1], "changed"]
    texts = [words, [word.upper() for word in words], changed, words]
    nodes = [_node(number, ",  ".join(text)) for number, text in enumerate(texts)]
    assert [pair[:2] for pair in near_duplicates(nodes)] == [("n0", "n1"), ("n0", "n3"), ("n0", "n2")]


def test_passages_that_differ_in_a_number_are_none():
    words = _text(random.Random(2))
    nodes = [_node(number, " ".join([*words, f"costs {price} francs"])) for number, price in enumerate((10, 12, 10))]
    assert [pair[:2] for pair in near_duplicates(nodes)] == [("n0", "n2")]


def test_short_passages_mean_what_they_stand_under():
    nodes = [
        _node(0, "It is on by default.", "Manual\nFan"),
        _node(1, "It is on by default.", "Manual\nLamp"),
        _node(2, "It is ON by default!", "Manual\nFan"),
    ]
    assert list(near_duplicates(nodes)) == [("n0", "n2", 1.0)]


def test_it_is_the_same_each_time():
    rng = random.Random(3)
    nodes = [_node(number, " ".join(_text(rng, 40)[: rng.randint(0, 40)])) for number in range(60)]
    assert list(near_duplicates(nodes, 0.5)) == list(near_duplicates(nodes, 0.5))


def test_many_passages_that_are_all_alike_take_little_time():
    rng = random.Random(4)
    words = _text(rng)
    nodes = []
    for number in range(400):
        changed = list(words)
        changed[rng.randrange(150)] = rng.choice(VOCABULARY)
        nodes.append(_node(number, " ".join(changed)))
    started = time.process_time()
    assert sum(1 for _ in near_duplicates(nodes)) > 10_000
    assert time.process_time() - started < 20


@pytest.mark.parametrize(("nodes", "threshold"), [(iter([]), 0.9), ([], 0.4), ([], 1.1)])
def test_what_can_not_be_asked(nodes, threshold):
    with pytest.raises(ValueError, match=r"read twice|threshold"):
        near_duplicates(nodes, threshold)


@pytest.mark.parametrize("texts", [[], [""], ["", ""], ["one"], ["one two", "one two three"]])
def test_few_words(texts):
    nodes = [_node(number, text) for number, text in enumerate(texts)]
    assert [pair[:2] for pair in near_duplicates(nodes)] == ([("n0", "n1")] if texts == ["", ""] else [])


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(st.sampled_from("ab1 .\n"), max_size=20), max_size=8), st.sampled_from([0.5, 0.8, 1.0]))
def test_every_pair_is_one(texts, threshold):
    nodes = [_node(number, text) for number, text in enumerate(texts)]
    assert {pair[:2] for pair in near_duplicates(nodes, threshold)} <= _exact(nodes, threshold)
