"""Whether an utterance is about the documents: how many of its telling words they have, and how many they have not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from docindex.protocols import Snapshot
from docindex.retrieval.routes_stock import stock_utterances

_DOCUMENTS, _PASSAGES = 200, 2_000
"""About so many documents and passages of an index are read for its words."""
_WORD = re.compile(r"[^\W\d_]{2,}")
_ENDINGS = ("ings", "ing", "ies", "ed", "es", "s")
_SHORTEST = 3
"""Letters that a word must keep without its ending."""

_Matrix = NDArray[np.float64]


def words_of(texts: Iterable[str]) -> frozenset[str]:
    """The words of the texts in lower case, without English endings."""
    return frozenset(stem for text in texts for stem in _stems(text))


def words_in(snapshot: Snapshot) -> frozenset[str]:
    """The words of an index; where it is large, those of some documents and passages at even distances."""
    documents = [record.doc_id for record in snapshot.documents()]
    chosen = documents[:: max(1, len(documents) // _DOCUMENTS)]
    found: set[str] = set()
    for nodes in snapshot.nodes_of_all(chosen).values():
        step = max(1, len(nodes) * len(chosen) // _PASSAGES)
        found |= words_of(node.full_text for node in nodes[::step])
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Familiarity:
    """What the words of an utterance say of it."""

    known: Collection[str]
    common: Counter[str]
    """How often the words come up in what is said to any assistant: such words tell little."""
    mean: _Matrix
    scale: _Matrix

    @classmethod
    def of(cls, known: Collection[str], texts: Sequence[str]) -> Self:
        """Scaled so that its numbers have mean 0 and variance 1 over the texts."""
        common = Counter(stem for group in stock_utterances().values() for text in group for stem in set(_stems(text)))
        raw = cls(known, common, np.zeros(3), np.ones(3)).matrix(texts)
        deviation = raw.std(axis=0)
        return cls(known, common, raw.mean(axis=0), np.where(deviation > 0, deviation, 1.0))

    def matrix(self, texts: Sequence[str]) -> _Matrix:
        """(texts, 3): the share of familiar words, how many are familiar and how many are not, by what they tell.

        All are 0 where the words of the documents are not known.
        """
        rows = np.zeros((len(texts), 3))
        if not self.known:
            return rows
        for row, text in zip(rows, texts, strict=True):
            for stem in set(_stems(text)):
                row[1 if stem in self.known else 2] += 1 / (1 + self.common[stem])
            row[0] = row[1] / (row[1] + row[2]) if row.any() else 0.0
        return (rows - self.mean) / self.scale


def _stems(text: str) -> Iterable[str]:
    for word in _WORD.findall(text.lower()):
        for ending in _ENDINGS:
            if word.endswith(ending) and len(word) >= _SHORTEST + len(ending):
                yield word.removesuffix(ending)
                break
        else:
            yield word
