"""Sentences about several things, put side by side where they are about the same aspect of them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from docindex.answering.quotes import SourceSentence
from docindex.answering.terms import Quantity, analyse
from docindex.protocols import Vectors

_ALIKE = 0.45
"""How much two sentences are alike, from 0 to 1, that are about the same."""
_MEANS_THE_SAME = 0.60
"""The cosine of two that are about the same without a word in common."""
_SAME_UNIT = 0.1
_THE_SAME = 0.90
"""Two that say the same in the same words."""
_MOST = 4
_LABEL_WORDS = 2
_NO_LABEL = analyse("take takes need use mean means make give show open choose set keep put get").words
"""What two sentences have in common with these says nothing of what they are about."""
_UNCOUNTED = frozenset({"percent", "hertz", "inch", "foot", "a.m.", "p.m."})


@dataclass(frozen=True, slots=True)
class Aspect:
    """What each of the sides says about one thing; at least two of them do."""

    label: str
    """Words that they have in common; empty where they have none."""
    sentences: tuple[SourceSentence | None, ...]
    """One a side."""
    differing: tuple[str, ...]
    """Quantities of one unit that are not the same, one a side that has one."""
    agree: bool
    """All sides say the same in the same words."""


def aspects_of(
    evidence: Sequence[Sequence[SourceSentence]],
    names: Sequence[str],
    embed: Callable[[Sequence[str]], Vectors] | None = None,
) -> list[Aspect]:
    """The aspects that two or more sides have in common, the closest first; no sentence is in two of them.

    Two sentences are alike by the words that they share, the rarer the more, and by the cosine of their vectors where
    there are such.
    """
    alike = _Likeness(evidence, names, embed)
    pairs = sorted(
        (
            (alike(one, other), one, other)
            for first, second in combinations(range(len(evidence)), 2)
            for one in ((first, at) for at in range(len(evidence[first])))
            for other in ((second, at) for at in range(len(evidence[second])))
        ),
        key=lambda pair: (-pair[0], pair[1], pair[2]),
    )
    groups: list[dict[int, int]] = []
    taken: dict[tuple[int, int], dict[int, int]] = {}
    for score, one, other in pairs:
        if score < _ALIKE:
            break
        group = taken.get(one) or taken.get(other)
        if group is None:
            if len(groups) == _MOST:
                continue
            group = {}
            groups.append(group)
        if all(side not in group or group[side] == at for side, at in (one, other)):
            for side, at in (one, other):
                if (side, at) not in taken:
                    group[side] = at
                    taken[side, at] = group
    return [_aspect(evidence, group, alike) for group in groups if len(group) > 1]


class _Likeness:
    """How alike sentences of two sides are."""

    def __init__(
        self,
        evidence: Sequence[Sequence[SourceSentence]],
        names: Sequence[str],
        embed: Callable[[Sequence[str]], Vectors] | None,
    ) -> None:
        self._evidence = evidence
        self._of_names = frozenset[str]().union(*(analyse(name).words for name in names))
        sentences = [sentence for side in evidence for sentence in side]
        counts = Counter(word for sentence in sentences for word in sentence.terms.words)
        self._weights = {word: math.log1p(len(sentences) / count) for word, count in counts.items()}
        self._rows: dict[tuple[int, int], int] = {}
        for side, of_side in enumerate(evidence):
            for at in range(len(of_side)):
                self._rows[side, at] = len(self._rows)
        self._vectors = embed([sentence.text for sentence in sentences]) if embed is not None and sentences else None

    def __call__(self, one: tuple[int, int], other: tuple[int, int]) -> float:
        """From 0 to 1."""
        terms = [self._evidence[side][at].terms for side, at in (one, other)]
        shared = self.shared(one, other)
        sizes = [self._weight(term.words - self._of_names) for term in terms]
        words = self._weight(shared) / math.sqrt(max(sizes[0] * sizes[1], 1e-9))
        units = [{quantity.unit for quantity in term.quantities} - {None} for term in terms]
        words = min(1.0, words + _SAME_UNIT * bool(shared and units[0] & units[1]))
        if self._vectors is None:
            return words
        cosine = max(0.0, float(self._vectors[self._rows[one]] @ self._vectors[self._rows[other]]))
        return (words + cosine) / 2 if shared or cosine >= _MEANS_THE_SAME else 0.0

    def shared(self, one: tuple[int, int], other: tuple[int, int]) -> frozenset[str]:
        """The stems that both have, but for those of units and of the names of the sides."""
        first, second = (self._evidence[side][at].terms for side, at in (one, other))
        return (first.words & second.words) - self._of_names - first.units - second.units

    def rarest(self, words: Collection[str]) -> list[str]:
        """The stems that tell the most."""
        return sorted(words, key=lambda word: (-self._weights[word], word))[:_LABEL_WORDS]

    def _weight(self, words: Collection[str]) -> float:
        return sum(self._weights[word] for word in words)


def _aspect(evidence: Sequence[Sequence[SourceSentence]], group: dict[int, int], alike: _Likeness) -> Aspect:
    members = sorted(group.items())
    sentences = tuple(evidence[side][group[side]] if side in group else None for side in range(len(evidence)))
    shared = frozenset.intersection(*(alike.shared(one, other) for one, other in combinations(members, 2)))
    first = evidence[members[0][0]][members[0][1]]
    label = ", ".join(_spelt(first, alike.rarest(shared - _NO_LABEL)))
    found = [sentence for sentence in sentences if sentence is not None]
    agree = all(_same(one, other) for one, other in combinations(found, 2))
    return Aspect(label, sentences, () if agree else tuple(_differing(found)), agree)


def _same(one: SourceSentence, other: SourceSentence) -> bool:
    words, others = one.terms.words, other.terms.words
    return one.terms.quantities == other.terms.quantities and len(words & others) >= _THE_SAME * len(words | others)


def _spelt(sentence: SourceSentence, stems: Collection[str]) -> Iterator[str]:
    """The stems as the sentence spells them, in its order."""
    wanted = set(stems)
    for word in sentence.text.split():
        bare = word.strip(".,;:!?()[]\"'“”*_`")
        stem = next(iter(analyse(bare).words & wanted), None)
        if stem is not None:
            wanted.discard(stem)
            yield bare


def _differing(sentences: Sequence[SourceSentence]) -> Iterator[str]:
    """The quantities of the first unit that all sentences have, where no two have the same value."""
    units = [{quantity.unit for quantity in sentence.terms.quantities if quantity.unit} for sentence in sentences]
    for unit in sorted(frozenset.intersection(*map(frozenset, units))):
        values = [{one.value for one in sentence.terms.quantities if one.unit == unit} for sentence in sentences]
        if all(len(of_sentence) == 1 for of_sentence in values) and len(set[str]().union(*values)) == len(values):
            yield from (_written(Quantity(next(iter(of_sentence)), unit)) for of_sentence in values)
            return


def _written(quantity: Quantity) -> str:
    unit = quantity.unit or ""
    several = quantity.value != "1" and unit not in _UNCOUNTED
    return f"{quantity.value} {unit}{'s' if several else ''}".strip()
