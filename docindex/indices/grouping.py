"""Grouping vectors that are alike: balanced, deterministic, in time that hardly grows faster than their number."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

_STEPS = 12


def groups_alike(vectors: NDArray[np.float32], most: int) -> list[list[int]]:
    """The rows in groups of at most so many, each group's rows alike; ordered by each group's first row.

    Splits at the median along the direction of the greatest variance, again and again. All groups are between half of
    `most` and `most` rows, which summaries of them need; clusters of any size would be nearer to the data.
    """
    found: list[list[int]] = []
    open_ = [np.arange(len(vectors))]
    while open_:
        rows = open_.pop()
        if len(rows) <= most:
            found.append(rows.tolist())
            continue
        along = _projected(vectors[rows])
        order = rows[np.argsort(along, kind="stable")]
        middle = len(order) // 2
        open_ += [np.sort(order[:middle]), np.sort(order[middle:])]
    return sorted((group for group in found if group), key=lambda group: group[0])


def groups_in_order(count: int, most: int) -> list[list[int]]:
    """So many rows in runs of nearly equal length, each of at most so many."""
    runs = max(1, -(-count // most))
    borders = [round(run * count / runs) for run in range(runs + 1)]
    return [list(range(start, end)) for start, end in pairwise(borders) if start < end]


def _projected(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Where each row lies along the direction of the greatest variance, by power iteration."""
    centred = vectors - vectors.mean(axis=0)
    lengths = np.einsum("ij,ij->i", centred, centred)
    direction: NDArray[np.float32] = centred[int(lengths.argmax())]
    for _ in range(_STEPS):
        direction = centred.T @ (centred @ direction)
        norm = float(np.linalg.norm(direction))
        if norm == 0.0:
            return np.zeros(len(vectors), dtype=np.float32)
        direction = direction / np.float32(norm)
    along: NDArray[np.float32] = centred @ direction
    return along
