"""Texts and vectors that are like those of a real index in what makes search hard, in any number.

Vectors come from a mixture of three layers: topics, documents within a topic, passages within a document. Each layer
spreads along the same few hundred directions, most along the first of them, as the spectra of sentence embeddings do;
so neighbours are graded: passages of the same document, then of its topic, then of all. Words follow Zipf's law; half
of a passage's are drawn from all words, half from the few hundred of its topic.

A query is one more passage of a document that is there, with half as much noise again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NODES_OF_DOCUMENT = 20
BLOCK_DOCUMENTS = 1_000
WORDS_OF_NODE = 60
WORDS_OF_QUERY = 6
SHARES = (2, 10, 100, 1_000, 10_000)
"""A document's field `of N` has one of N values, so that a condition on it holds for one document in N."""
_VOCABULARY = 60_000
_TOPIC_WORDS = 300
_SPREAD = {"topic": 1.0, "document": 0.45, "node": 0.65}
"""Cosines around 0.75 within a document, 0.55 within a topic, 0 between topics."""
_DECAY = 0.4


@dataclass(frozen=True)
class Block:
    """Some documents, all their nodes in a row."""

    first: int
    """The number of the first document."""
    texts: list[str]
    vectors: NDArray[np.float32]


@dataclass(frozen=True)
class Queries:
    """What to search for."""

    texts: list[str]
    vectors: NDArray[np.float32]


class Corpus:
    """Documents by number: the same ones for the same number of nodes, dimension and seed."""

    def __init__(self, nodes: int, dim: int, seed: int = 5) -> None:
        self.documents = nodes // NODES_OF_DOCUMENT
        self.nodes = self.documents * NODES_OF_DOCUMENT
        self.dim = dim
        self.seed = seed
        rng = np.random.default_rng(seed)
        topics = max(20, self.documents // 50)
        scale = (np.arange(dim) + 5.0) ** -_DECAY
        scale /= np.sqrt((scale**2).sum())
        turned, _ = np.linalg.qr(rng.normal(size=(dim, dim)))
        self._basis = (scale[:, None] * turned.T).astype(np.float32)
        self._topics = self._around(rng, topics, "topic")
        self._words = np.array(_words(rng), dtype=object)
        zipf = 1 / (np.arange(_VOCABULARY) + 2.7)
        self._zipf = np.cumsum(zipf / zipf.sum())
        self._topic_zipf = np.cumsum(zipf[:_TOPIC_WORDS] / zipf[:_TOPIC_WORDS].sum())
        self._topic_words = rng.integers(200, _VOCABULARY, (topics, _TOPIC_WORDS))

    def blocks(self, *, texts: bool = True) -> Iterator[Block]:
        """All documents, in blocks that are the same with texts and without."""
        for first in range(0, self.documents, BLOCK_DOCUMENTS):
            count = min(BLOCK_DOCUMENTS, self.documents - first)
            topic, centre = self._documents(first, count)
            rng = np.random.default_rng((self.seed, 2, first))
            rows = count * NODES_OF_DOCUMENT
            vectors = np.repeat(centre, NODES_OF_DOCUMENT, axis=0) + self._around(rng, rows, "node")
            written = self._texts(rng, np.repeat(topic, NODES_OF_DOCUMENT), WORDS_OF_NODE) if texts else []
            yield Block(first, written, _unit(vectors))

    def queries(self, count: int) -> Queries:
        """Queries about documents chosen at random."""
        rng = np.random.default_rng((self.seed, 3))
        found = [self._documents(int(number), 1) for number in rng.integers(0, self.documents, count)]
        topic = np.concatenate([one for one, _ in found])
        vectors = np.concatenate([centre for _, centre in found]) + 1.5 * self._around(rng, count, "node")
        return Queries(self._texts(rng, topic, WORDS_OF_QUERY), _unit(vectors))

    def _documents(self, first: int, count: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The topic and the centre of each document; each document's depend on its own number alone."""
        topics = np.empty(count, np.int64)
        noise = np.empty((count, self.dim), np.float32)
        for row in range(count):
            rng = np.random.default_rng((self.seed, 1, first + row))
            topics[row] = int(len(self._topics) * rng.random() ** 2)  # few large topics, many small ones
            noise[row] = rng.standard_normal(self.dim, np.float32)
        return topics, self._topics[topics] + _SPREAD["document"] * (noise @ self._basis)

    def _around(self, rng: np.random.Generator, count: int, layer: str) -> NDArray[np.float32]:
        made: NDArray[np.float32] = rng.standard_normal((count, self.dim), np.float32) @ self._basis
        return _SPREAD[layer] * made

    def _texts(self, rng: np.random.Generator, topics: NDArray[np.int64], words: int) -> list[str]:
        shape = (len(topics), words)
        chosen = np.searchsorted(self._zipf, rng.random(shape, np.float32)).clip(0, _VOCABULARY - 1)
        ranks = np.searchsorted(self._topic_zipf, rng.random(shape, np.float32)).clip(0, _TOPIC_WORDS - 1)
        of_topic = self._topic_words[topics[:, None], ranks]
        ids = np.where(rng.random(shape, np.float32) < 0.5, of_topic, chosen)
        return [" ".join(row) for row in self._words[ids].tolist()]


def _words(rng: np.random.Generator) -> list[str]:
    """Words of two to four syllables; frequent ones are not shorter."""
    syllables = [consonant + vowel for consonant in "bcdfghjklmnpqrstvwz" for vowel in "aeiou"]
    found: dict[str, None] = {}
    while len(found) < _VOCABULARY:
        chosen = rng.integers(0, len(syllables), (_VOCABULARY, 4)).tolist()
        lengths = rng.integers(2, 5, _VOCABULARY).tolist()
        words = ("".join(syllables[i] for i in row[:n]) + "n" for row, n in zip(chosen, lengths, strict=True))
        found.update(dict.fromkeys(words))
    return list(found)[:_VOCABULARY]


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
