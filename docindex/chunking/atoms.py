"""Atoms: the pieces of text that a node takes or leaves whole, and what each of them weighs in tokens."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from docindex.chunking.sentences import Strength

CHARACTERS_PER_TOKEN = 24
"""A token counts double when it and the space after it are twice as long as this, and so on: a node's length in code
points stays bounded where a tokenizer makes one token, or none, of a long stretch."""

_CLAUSE = re.compile(r"[.!?…,;:)\]}”»–—]\s++|[，、；：]\s*+")
_SPACE = re.compile(r"\s++")
_LONGEST_GRAPHEME = 32
_ZERO_WIDTH_JOINER = "\u200d"

Place = tuple[int, Strength]
"""An offset, and what a cut there is worth."""


@dataclass(frozen=True, slots=True)
class Atoms:
    """Consecutive pieces of text, as columns."""

    starts: tuple[int, ...]
    weights: tuple[int, ...]
    strengths: tuple[Strength, ...]
    """What the border before each is worth."""


class TextMeasure:
    """Weighs stretches of one text, which is tokenised once."""

    def __init__(self, text: str, token_offsets: Callable[[str], NDArray[np.int32]]) -> None:
        offsets = token_offsets(text).astype(np.int64)
        first = int(offsets[0, 0]) if len(offsets) else len(text)
        self.text = text
        self._token_offsets = token_offsets
        # What precedes the first token counts as one of weight 0, or more if it is long.
        self.starts = np.concatenate(([0], offsets[:, 0]))
        self.ends = np.concatenate(([first], offsets[:, 1]))
        lengths = np.diff(np.append(self.starts, len(text)))
        costs = np.maximum(lengths // CHARACTERS_PER_TOKEN, 1)
        costs[0] = first // CHARACTERS_PER_TOKEN
        self._totals = np.concatenate(([0], np.cumsum(costs)))

    def weight(self, start: int, end: int) -> int:
        """The tokens that reach into start..end."""
        return self.weights([start], end)[0]

    def weights(self, starts: Sequence[int], end: int) -> list[int]:
        """The weight of each piece of a stretch that is cut at `starts` and ends at `end`."""
        borders = np.append(np.asarray(starts, dtype=np.int64), end)
        after = self._totals[np.searchsorted(self.starts, borders[1:], side="left")]
        before = self._totals[np.searchsorted(self.ends, borders[:-1], side="right")]
        found: list[int] = np.maximum(after - before, 0).tolist()
        return found

    def count(self, start: int, end: int) -> int:
        """The tokens of start..end as a text of its own: needed where the ends are inside a word."""
        return len(self._token_offsets(self.text[start:end]))

    def weight_of_fragment(self, start: int, end: int) -> int:
        """The weight of a part of a word: as a part, or as a text of its own, whichever is more."""
        inside = np.searchsorted(self.starts, end, side="left") - np.searchsorted(self.ends, start, side="right")
        return max(int(inside), self.count(start, end), (end - start) // CHARACTERS_PER_TOKEN)

    def token_borders(self, start: int, end: int) -> list[int]:
        """The offsets inside start..end at which one token ends and the next begins."""
        low, high = np.searchsorted(self.starts, (start, end), side="left")
        inside = self.starts[low:high]
        apart = inside >= self.ends[max(low - 1, 0) : max(high - 1, 0)] if low > 0 else inside > 0
        borders: list[int] = inside[apart & (inside > start)].tolist()
        return borders


def split_atoms(measure: TextMeasure, places: Sequence[Place], end: int, budget: int) -> Atoms:
    """The atoms of a stretch of text: what lies between the places that are sentences or better.

    Those that weigh more than the budget are cut at line breaks, then clauses, then between words, then inside words.

    Args:
        measure: Of the whole text.
        places: Where it may be cut, in ascending order; the first is where the stretch begins.
        end: Where the stretch ends.
        budget: What an atom should not exceed.
    """
    strong = [place for place in places if place[1] >= Strength.SENTENCE]
    lines = [place for place in places if place[1] == Strength.LINE]
    finer: tuple[Callable[[int, int], Sequence[Place]], ...] = (
        lambda start, end: _between(lines, start, end),
        lambda start, end: _matches(_CLAUSE, Strength.CLAUSE, measure.text, start, end),
        lambda start, end: _matches(_SPACE, Strength.WORD, measure.text, start, end),
        lambda start, end: _fragments(measure, start, end, budget),
    )
    starts: list[int] = []
    weights: list[int] = []
    strengths: list[Strength] = []

    def add(places: Sequence[Place], end: int, step: int) -> None:
        found = measure.weights([start for start, _ in places], end)
        ends = [*(start for start, _ in places[1:]), end]
        for (start, strength), weight, stop in zip(places, found, ends, strict=True):
            if step < len(finer) and weight > budget:
                add([(start, strength), *finer[step](start, stop)], stop, step + 1)
            else:
                starts.append(start)
                weights.append(measure.weight_of_fragment(start, stop) if step == len(finer) else weight)
                strengths.append(strength)

    add(strong, end, 0)
    return Atoms(tuple(starts), tuple(weights), tuple(strengths))


def is_clean(text: str, start: int, end: int) -> bool:
    """Whether space stands around start..end, so that its tokens are those that it has in the whole text."""
    return (start == 0 or _is_space(text[start - 1])) and (end == len(text) or _is_space(text[end]))


def halve(measure: TextMeasure, start: int, end: int) -> int | None:
    """The best place to cut near the middle of start..end; None if it is a single code point."""
    if end - start < 2:
        return None
    middle = (start + end) // 2
    quarter = (end - start) // 4
    words = [match.end() for match in _SPACE.finditer(measure.text, middle - quarter, middle + quarter)]
    candidates = [place for place in words or measure.token_borders(start, end) if start < place < end]
    if candidates:
        return min(candidates, key=lambda place: abs(place - middle))
    return _off_grapheme(measure.text, middle, end)


def _between(places: Sequence[Place], start: int, end: int) -> Sequence[Place]:
    return places[bisect_left(places, (start + 1, Strength.TOKEN)) : bisect_left(places, (end, Strength.TOKEN))]


def _matches(pattern: re.Pattern[str], strength: Strength, text: str, start: int, end: int) -> list[Place]:
    places = (match.end() for match in pattern.finditer(text, start, end))
    return [(place, strength) for place in places if start < place < end]


def _fragments(measure: TextMeasure, start: int, end: int, budget: int) -> list[Place]:
    """Cuts in a stretch without space, one an eighth of the budget: between tokens, at punctuation if near."""
    text = measure.text
    step = max(1, budget // 8)
    longest = step * CHARACTERS_PER_TOKEN
    borders = measure.token_borders(start, end)
    weights = measure.weights([start, *borders], end)
    cuts: list[int] = []
    last, gathered = start, 0
    for border, weight in zip([*borders, end], weights, strict=True):
        gathered += weight
        at_word = border < end and not (text[border - 1].isalnum() and text[border].isalnum())
        if border < end and gathered < (step if at_word else 2 * step):
            continue
        while border - last > 2 * longest:
            last = _off_grapheme(text, last + longest, border)
            cuts.append(last)
        if last < border < end:
            cuts.append(_off_grapheme(text, border, end))
            last, gathered = cuts[-1], 0
    return [(cut, Strength.TOKEN) for cut in sorted(set(cuts)) if start < cut < end]


def _is_space(character: str) -> bool:
    """Whether tokenizers, too, take it for space; some delete control characters, which joins what they part."""
    return character in " \t\n\r" or unicodedata.category(character).startswith("Z")


def _off_grapheme(text: str, place: int, end: int) -> int:
    """The first place from `place` on that parts no user-perceived character, within reason."""
    for moved in range(place, min(end, place + _LONGEST_GRAPHEME)):
        if not _joined(text[moved - 1], text[moved]):
            return moved
    return place


def _joined(before: str, after: str) -> bool:
    if after < "\u0300":
        return before == "\r" and after == "\n"
    return (
        unicodedata.category(after).startswith("M")
        or _ZERO_WIDTH_JOINER in (before, after)
        or "\U0001f3fb" <= after <= "\U0001f3ff"  # skin tones
        or ("\U0001f1e6" <= before <= "\U0001f1ff" and "\U0001f1e6" <= after <= "\U0001f1ff")  # flags
        or "\u1160" <= after <= "\u11ff"  # Hangul vowels and finals
    )
