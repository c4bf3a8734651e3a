"""Which atoms go into which node: the cheapest cut of a sequence, by dynamic programming."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from docindex.chunking.sentences import Strength

PENALTY = {
    Strength.TOKEN: 2.4,
    Strength.WORD: 1.5,
    Strength.CLAUSE: 1.0,
    Strength.LINE: 0.8,
    Strength.SENTENCE: 0.4,
    Strength.ITEM: 0.2,
    Strength.PARAGRAPH: 0.0,
    Strength.SECTION: 0.0,
}
"""What a cut costs, in nodes."""


def pack(weights: Sequence[int], strengths: Sequence[Strength], *, budget: int, overlap: int) -> list[tuple[int, int]]:
    """The (first, end) atoms of each node, in order; neighbours may share atoms at their border.

    A node costs 1, plus the square of the share of the budget that it leaves empty, plus the penalty of the cut at its
    end; the sum is the least possible. So there are few nodes, of similar size, that end where the text pauses. The
    start of a section begins a node in any case.

    Args:
        weights: One an atom, in tokens. An atom above the budget gets a node of its own.
        strengths: What the border before each atom is worth.
        budget: The most that a node weighs.
        overlap: The most that a node repeats of the one before it, in whole sentences or lines and never across a
            section.
    """
    count = len(weights)
    totals = [0, *accumulate(weights)]
    repeats = _repeats(totals, strengths, overlap)
    cost = [0.0] * (count + 1)
    back = [0] * (count + 1)
    for end in range(1, count + 1):
        best = float("inf")
        for first in range(end - 1, -1, -1):
            size = totals[end] - totals[repeats[first]]
            if first < end - 1 and (size > budget or strengths[first + 1] == Strength.SECTION):
                break
            empty = max(0.0, 1.0 - size / budget)
            price = cost[first] + 1.0 + empty * empty
            if price < best:
                best, back[end] = price, first
        cost[end] = best + (PENALTY[strengths[end]] if end < count else 0.0)

    nodes: list[tuple[int, int]] = []
    end = count
    while end > 0:
        first = back[end]
        start = repeats[first]
        if first > 0:
            start = max(start, back[first] + 1)  # never the whole of the node before
        while start < first and (totals[end] - totals[start] > budget or strengths[start] < Strength.LINE):
            start += 1
        nodes.append((start, end))
        end = first
    return nodes[::-1]


def thin(weights: Sequence[int], strengths: Sequence[Strength], *, least: int, most: int) -> list[int]:
    """The indices of the atoms that still begin one when those lighter than `least` join a neighbour.

    Of borders that are close together the strongest stays; no atom grows above `most`, or across a section. It bounds
    the work of `pack` on text of very short sentences.
    """
    totals = [0, *accumulate(weights)]
    kept = [0]
    for index in range(1, len(weights)):
        last = kept[-1]
        stronger = strengths[index] > strengths[last] and last > 0 and strengths[last] < Strength.SECTION
        if totals[index] - totals[last] >= least or strengths[index] == Strength.SECTION:
            kept.append(index)
        elif stronger and totals[index] - totals[kept[-2]] <= most:
            kept[-1] = index
        elif stronger or totals[index + 1] - totals[last] > most:
            kept.append(index)
    return kept


def _repeats(totals: Sequence[int], strengths: Sequence[Strength], overlap: int) -> list[int]:
    """For a node that begins at each atom, the first of the atoms before it that it repeats."""
    repeats = []
    for index in range(len(strengths)):
        start = candidate = index
        while (
            overlap > 0
            and candidate > 0
            and strengths[candidate] < Strength.SECTION
            and totals[index] - totals[candidate - 1] <= overlap
        ):
            candidate -= 1
            if strengths[candidate] >= Strength.LINE:
                start = candidate
        repeats.append(start)
    return repeats
