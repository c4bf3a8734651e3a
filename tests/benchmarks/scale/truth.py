"""The vectors, queries and true neighbours of a corpus on disk, for every system to read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from building import value_of
from numpy.typing import NDArray
from synthetic import NODES_OF_DOCUMENT, SHARES, Corpus

K = 10
_MARK = "corpus.json"


@dataclass(frozen=True)
class Files:
    """Where they are."""

    folder: Path

    @property
    def vectors(self) -> Path:
        """All of them, float32, a row a node."""
        return self.folder / "vectors.npy"

    @property
    def queries(self) -> Path:
        """The queries' vectors."""
        return self.folder / "queries.npy"

    @property
    def texts(self) -> Path:
        """The queries' texts, JSON."""
        return self.folder / "queries.json"

    def truth(self, share: int = 1) -> Path:
        """The rows of the true neighbours, best first, among the documents that a condition on the share allows."""
        return self.folder / f"truth-{share}.npy"


def prepare(corpus: Corpus, folder: Path, queries: int) -> Files:
    """Writes the files, unless they are there."""
    files = Files(folder)
    mark = folder / _MARK
    made_of = {"nodes": corpus.nodes, "dim": corpus.dim, "seed": corpus.seed, "queries": queries}
    if mark.exists() and json.loads(mark.read_text()) == made_of:
        return files
    folder.mkdir(parents=True, exist_ok=True)
    mark.unlink(missing_ok=True)
    asked = corpus.queries(queries)
    np.save(files.queries, asked.vectors)
    files.texts.write_text(json.dumps(asked.texts))
    stored = np.lib.format.open_memmap(files.vectors, "w+", np.float32, (corpus.nodes, corpus.dim))
    nearest = {share: _Nearest(queries) for share in (1, *SHARES)}
    for block in corpus.blocks(texts=False):
        start = block.first * NODES_OF_DOCUMENT
        rows = np.arange(start, start + len(block.vectors))
        stored[start : start + len(block.vectors)] = block.vectors
        cosines = asked.vectors @ block.vectors.T
        documents = rows // NODES_OF_DOCUMENT
        for share, found in nearest.items():
            allowed = np.array([value_of(int(number), share) == 0 for number in documents[::NODES_OF_DOCUMENT]])
            chosen = np.repeat(allowed, NODES_OF_DOCUMENT)
            found.add(rows[chosen], cosines[:, chosen])
    stored.flush()
    for share, found in nearest.items():
        np.save(files.truth(share), found.rows)
    mark.write_text(json.dumps(made_of))
    return files


class _Nearest:
    """The nearest rows of each query so far."""

    def __init__(self, queries: int) -> None:
        self.rows = np.full((queries, K), -1, np.int64)
        self._cosines: NDArray[np.float32] = np.full((queries, K), -2.0, np.float32)

    def add(self, rows: NDArray[np.int64], cosines: NDArray[np.float32]) -> None:
        """More rows, and each query's cosines with them."""
        joined = np.concatenate([self._cosines, cosines], axis=1)
        best = np.argsort(-joined, axis=1, kind="stable")[:, :K] if joined.shape[1] < 100 else _best(joined)
        all_rows = np.concatenate([self.rows, np.broadcast_to(rows, (len(self.rows), len(rows)))], axis=1)
        self.rows = np.take_along_axis(all_rows, best, axis=1)
        self._cosines = np.take_along_axis(joined, best, axis=1)


def _best(cosines: NDArray[np.float32]) -> NDArray[np.int64]:
    some = np.argpartition(-cosines, K, axis=1)[:, :K]
    order = np.argsort(-np.take_along_axis(cosines, some, axis=1), axis=1)
    found: NDArray[np.int64] = np.take_along_axis(some, order, axis=1)
    return found
