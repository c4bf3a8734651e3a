"""Near-duplicate passages of a whole index, found without comparing each with each.

Source: A. Broder, On the resemblance and containment of documents, 1997 (min-wise hashes); J. Leskovec, A. Rajaraman,
J. Ullman, Mining of Massive Datasets, section 3.4 (banding: texts of resemblance s share one of b bands of r hashes
with the probability 1 - (1 - s^r)^b).
"""

from __future__ import annotations

import math
import zlib
from array import array
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from docindex.indices.shingles import THRESHOLD, WIDTH, numbers_of, words_of
from docindex.schema import Node, digest

Hashes = NDArray[np.uint64]

_MISSED = 0.001
"""The share of near-duplicates at the threshold that may be missed."""
_MOST_HASHES = 128
_MOST_COMPARED = 200
"""Of passages that share a band, each is compared with so many of those before it."""
_SEED = 1997

# The constants of the generator splitmix64, by S. Vigna.
_GAMMA, _MIX_1, _MIX_2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))


def near_duplicates(nodes: Iterable[Node], threshold: float = THRESHOLD) -> Iterator[tuple[str, str, float]]:
    """The pairs of node ids whose passages have at least that resemblance and the same numbers, and the resemblance.

    The earlier node comes first. Of passages with the same words, each is paired with the first of them alone, which
    stands for all in other pairs. Each pair is checked; of those at the threshold, one in a thousand is missed, of
    more alike ones hardly any.

    Memory: some 200 bytes a node, and 1,500 more for one that may have a near-duplicate.

    Args:
        nodes: The passages. They are read twice, so an iterator won't do.
        threshold: From 0.5 to 1.

    Raises:
        ValueError: The nodes can be read only once, or the threshold is out of range.
    """
    if iter(nodes) is nodes:
        raise ValueError("the nodes are read twice: give a list, or another object that can be iterated again")
    if not 0.5 <= threshold <= 1:
        raise ValueError(f"threshold is {threshold}: give a value from 0.5 to 1")
    return _pairs(nodes, threshold)


def _pairs(nodes: Iterable[Node], threshold: float) -> Iterator[tuple[str, str, float]]:
    hasher = _Hasher(threshold)
    ids: list[str] = []
    first: dict[str, int] = {}
    places = array("L")
    keys = array("Q")
    for place, node in enumerate(nodes):
        ids.append(node.node_id)
        words = words_of(node)
        known = first.setdefault(digest(*words), place)
        if known != place:
            yield ids[known], node.node_id, 1.0
        else:
            places.append(place)
            keys.frombytes(hasher.keys(words).tobytes())
    bands = np.frombuffer(keys, dtype=np.uint64).reshape(-1, hasher.bands)
    candidates = {places[row] for band in bands.T for run in _runs(band) for row in run} if len(bands) else set()
    shingles = {place: hasher.shingles(words_of(node)) for place, node in enumerate(nodes) if place in candidates}
    for one, other in _neighbours(bands):
        earlier, later = places[one], places[other]
        alike = _resemblance(shingles[earlier], shingles[later], threshold)
        if alike >= threshold:
            yield ids[earlier], ids[later], alike


class _Hasher:
    """Makes the hashes of passages: the same ones in every process."""

    def __init__(self, threshold: float) -> None:
        self._rows, self.bands = _banding(threshold)
        random = np.random.default_rng(_SEED)
        count = self._rows * self.bands
        self._factors = random.integers(1, 2**63, count, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
        self._offsets = random.integers(0, 2**63, count, dtype=np.uint64)

    def shingles(self, words: list[str]) -> Hashes:
        """The hashes of the shingles, sorted, each once."""
        hashed = np.array([zlib.crc32(word.encode("utf-8", "surrogatepass")) for word in words], dtype=np.uint64)
        mixed = np.zeros(max(1, len(words) - WIDTH + 1), dtype=np.uint64)
        for start in range(min(WIDTH, len(words))):
            mixed = _mixed(mixed ^ hashed[start : start + len(mixed)])
        return np.unique(mixed)

    def keys(self, words: list[str]) -> Hashes:
        """One key a band; passages with an equal key in a band are candidates."""
        hashes = self.shingles(words)[:, np.newaxis] * self._factors + self._offsets
        keys = np.full(self.bands, zlib.crc32(" ".join(numbers_of(words)).encode()), dtype=np.uint64)
        for row in hashes.min(axis=0).reshape(self._rows, self.bands):
            keys = _mixed(keys ^ row)
        return keys


def _banding(threshold: float) -> tuple[int, int]:
    """How many hashes a band has, and how many bands there are: the longest bands that miss few enough."""
    rows, bands = 1, _MOST_HASHES
    for longer in range(1, _MOST_HASHES + 1):
        shared = threshold**longer
        needed = 1 if shared == 1 else math.ceil(math.log(_MISSED) / math.log1p(-shared))
        if longer * needed > _MOST_HASHES:
            break
        rows, bands = longer, needed
    return rows, bands


def _mixed(values: Hashes) -> Hashes:
    """The values with every bit of each depending on every bit: one step of splitmix64."""
    values = values + _GAMMA
    values = (values ^ (values >> _SHIFTS[0])) * _MIX_1
    values = (values ^ (values >> _SHIFTS[1])) * _MIX_2
    return values ^ (values >> _SHIFTS[2])


def _runs(keys: Hashes) -> Iterator[NDArray[np.intp]]:
    """The rows that share a key, in order, for each key that several have."""
    order = np.argsort(keys, kind="stable")
    starts = np.concatenate(([0], np.flatnonzero(np.diff(keys[order])) + 1))
    ends = np.append(starts[1:], len(keys))
    for run in np.flatnonzero(ends - starts > 1):
        yield order[starts[run] : ends[run]]


def _neighbours(bands: Hashes) -> Iterator[tuple[int, int]]:
    """The rows that share a key in some band: each pair once, the earlier row first."""
    for band in range(bands.shape[1]):
        for run in _runs(bands[:, band]):
            for at in range(1, len(run)):
                for before in run[max(0, at - _MOST_COMPARED) : at]:
                    if not (bands[before, :band] == bands[run[at], :band]).any():
                        yield int(before), int(run[at])


def _resemblance(one: Hashes, other: Hashes, least: float) -> float:
    """The share of shingles that both have; 0 where their numbers tell that it is below the least that matters."""
    fewer, more = sorted((len(one), len(other)))
    if fewer < least * more:
        return 0.0
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared / (len(one) + len(other) - shared)
