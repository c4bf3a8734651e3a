"""How far a mean could be from what other queries of the kind would have given: bootstrap intervals.

The same seed gives the same interval on every machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

SAMPLES = 2000
"""How often the queries are drawn anew."""
LEVEL = 0.95
SEED = 0
_AT_ONCE = 1 << 22
"""How many draws are held in memory at a time."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over queries, and the limits between which it lies in `LEVEL` of the samples."""

    mean: float
    low: float
    high: float
    count: int
    """How many queries the mean is of."""

    @property
    def excludes_zero(self) -> bool:
        """Whether a difference is one that other queries would most likely show, too."""
        return self.low > 0 or self.high < 0

    def as_dict(self) -> dict[str, float | int]:
        """The interval as `--json` prints it."""
        return {
            "mean": round(self.mean, 6),
            "low": round(self.low, 6),
            "high": round(self.high, 6),
            "count": self.count,
        }


def interval(values: Sequence[float], *, samples: int = SAMPLES, level: float = LEVEL, seed: int = SEED) -> Interval:
    """The mean of one value a query, with its percentile bootstrap interval. All zeros when there is no value.

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), section 13.3.
    """
    if not values:
        return Interval(0.0, 0.0, 0.0, 0)
    data = np.asarray(values, dtype=np.float64)
    random = np.random.default_rng(seed)
    step = max(1, _AT_ONCE // len(data))
    means = [
        data[random.integers(0, len(data), size=(min(step, samples - start), len(data)))].mean(axis=1)
        for start in range(0, samples, step)
    ]
    low, high = np.quantile(np.concatenate(means), [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(data.mean()), float(low), float(high), len(data))


def paired_difference(
    ours: Mapping[str, float],
    theirs: Mapping[str, float],
    *,
    samples: int = SAMPLES,
    level: float = LEVEL,
    seed: int = SEED,
) -> Interval:
    """Ours minus theirs over the queries that both have, each drawn with both of its values.

    That queries differ in how hard they are does not widen the interval, as it would if the two were drawn apart.
    """
    shared = sorted(ours.keys() & theirs.keys())
    differences = [ours[query_id] - theirs[query_id] for query_id in shared]
    return interval(differences, samples=samples, level=level, seed=seed)
