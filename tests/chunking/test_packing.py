from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.chunking.packing import PENALTY, pack, thin
from docindex.chunking.sentences import Strength

ATOMS = st.lists(st.tuples(st.integers(0, 14), st.sampled_from(list(Strength))), min_size=1, max_size=8)


def price(weights: list[int], strengths: list[Strength], budget: int, cuts: list[int]) -> float:
    total = 0.0
    for first, end in pairwise([0, *cuts, len(weights)]):
        size = sum(weights[first:end])
        if end - first > 1 and (size > budget or Strength.SECTION in strengths[first + 1 : end]):
            return float("inf")
        total += 1 + max(0.0, 1 - size / budget) ** 2
    return total + sum(PENALTY[strengths[cut]] for cut in cuts)


@settings(deadline=None, max_examples=150)
@given(ATOMS, st.integers(5, 30))
def test_no_other_cut_costs_less(atoms: list[tuple[int, Strength]], budget: int) -> None:
    weights, strengths = (list(column) for column in zip(*atoms, strict=True))
    nodes = pack(weights, strengths, budget=budget, overlap=0)
    assert [first for first, _ in nodes] == [0, *(end for _, end in nodes[:-1])]
    inner = range(1, len(weights))
    best = min(
        price(weights, strengths, budget, list(cuts))
        for number in range(len(weights))
        for cuts in combinations(inner, number)
    )
    chosen = price(weights, strengths, budget, [first for first, _ in nodes[1:]])
    assert chosen == pytest.approx(best)


@settings(deadline=None, max_examples=150)
@given(ATOMS, st.integers(5, 30), st.integers(0, 12))
def test_overlaps_are_whole_sentences_within_a_section(
    atoms: list[tuple[int, Strength]], budget: int, overlap: int
) -> None:
    weights, strengths = (list(column) for column in zip(*atoms, strict=True))
    nodes = pack(weights, strengths, budget=budget, overlap=overlap)
    assert nodes[0][0] == 0
    assert nodes[-1][1] == len(weights)
    for (before, own), (start, end) in pairwise(nodes):
        assert before < start <= own < end
        assert sum(weights[start:own]) <= overlap
        if start < own:
            assert strengths[start] >= Strength.LINE
            assert Strength.SECTION not in strengths[start + 1 : own + 1]
    for start, end in nodes:
        assert sum(weights[start:end]) <= budget or end - start == 1


def test_the_rest_is_evened_out() -> None:
    weights = [10] * 11
    nodes = pack(weights, [Strength.SENTENCE] * 11, budget=100, overlap=0)
    assert sorted(end - first for first, end in nodes) == [5, 6]


def test_a_paragraph_beats_a_sentence_nearby() -> None:
    strengths = [Strength.SENTENCE] * 12
    strengths[5] = Strength.PARAGRAPH
    assert pack([10] * 12, strengths, budget=100, overlap=0) == [(0, 5), (5, 12)]


@settings(deadline=None, max_examples=150)
@given(ATOMS, st.integers(1, 10), st.integers(14, 30))
def test_thinning_keeps_sections_and_grows_no_atom_above_the_most(
    atoms: list[tuple[int, Strength]], least: int, most: int
) -> None:
    weights, strengths = (list(column) for column in zip(*atoms, strict=True))
    kept = thin(weights, strengths, least=least, most=most)
    assert kept[0] == 0
    assert kept == sorted(set(kept))
    assert {place for place in range(1, len(weights)) if strengths[place] == Strength.SECTION} <= set(kept)
    for first, end in pairwise([*kept, len(weights)]):
        assert sum(weights[first:end]) <= most


def test_thinning_keeps_the_strongest_border() -> None:
    strengths = [Strength.SECTION, Strength.SENTENCE, Strength.SENTENCE, Strength.PARAGRAPH, Strength.SENTENCE]
    assert thin([10, 10, 2, 10, 10], strengths, least=5, most=100) == [0, 1, 3, 4]
