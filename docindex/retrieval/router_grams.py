"""The form of a short text: its character 3- to 5-grams, weighed by how rare they are, hashed to a fixed length."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

_SIZE = 1 << 12
_LENGTHS = (3, 4, 5)
_TOKEN = re.compile(r"\w+|[^\w\s]")
_LONGEST = 2_000
"""Characters of an utterance that are looked at: its form shows long before."""

_Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GramWeights:
    """What each n-gram weighs, and what it says for each route once that is known."""

    rarity: _Matrix
    """(n-grams,)"""
    routes: _Matrix
    """(n-grams, routes)"""

    @classmethod
    def of(cls, texts: Sequence[str]) -> Self:
        """Weights by how many of the texts have an n-gram."""
        having = np.zeros(_SIZE)
        for text in texts:
            having[_places(text)] += 1
        return cls(np.log((len(texts) + 1) / (having + 0.5)), np.zeros((_SIZE, 0)))

    def weighted(self, routes: _Matrix) -> GramWeights:
        """The same with what each n-gram says for each route."""
        return GramWeights(self.rarity, routes)

    def matrix(self, texts: Sequence[str]) -> _Matrix:
        """One row a text, of length 1."""
        rows = np.zeros((len(texts), _SIZE), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            places, values = self._features(text)
            row[places] = values
        return rows  # type: ignore[return-value]

    def score(self, text: str) -> _Matrix:
        """What the form of the text says for each route."""
        places, values = self._features(text)
        return values @ self.routes[places]

    def _features(self, text: str) -> tuple[NDArray[np.int64], _Matrix]:
        places = _places(text)
        values = self.rarity[places]
        length = float(np.linalg.norm(values))
        return places, values / length if length else values


def _places(text: str) -> NDArray[np.int64]:
    """Where the n-grams of the text are counted; each place once."""
    padded = f" {' '.join(_TOKEN.findall(text[:_LONGEST].lower()))} "
    data = padded.encode("utf-8", "surrogatepass")
    hashes = {
        zlib.crc32(data[start : start + length]) % _SIZE
        for length in _LENGTHS
        for start in range(max(1, len(data) - length + 1))
    }
    return np.array(sorted(hashes), dtype=np.int64)
