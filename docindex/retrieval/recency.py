"""Newer documents first, by as much as is wanted."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from docindex.errors import ConfigError
from docindex.protocols import Retriever, Snapshot
from docindex.schema import Hit, Query

_POOL, _EXTRA = 4, 100
"""How many hits are aged: so many times more than are wanted, or so many more, whichever is fewer."""
_DAY = 86_400.0


class RecencyRetriever:
    """Multiplies the scores of another retriever's hits by how new their documents are.

    A document loses half of what age can take in each half-life: the factor is `1 - weight * (1 - 2 ** -(age /
    half_life))`, so that the oldest one keeps `1 - weight` of its score. The age counts from when its file was last
    modified; one of unknown age counts as the oldest.
    """

    def __init__(
        self,
        inner: Retriever,
        snapshot: Callable[[], Snapshot],
        *,
        half_life_days: float = 180.0,
        weight: float = 0.3,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Takes the clock as a function.

        Raises:
            ConfigError: A number is out of range.
        """
        if not half_life_days > 0:
            raise ConfigError(f"half_life_days is {half_life_days}: give a value above 0.")
        if not 0 <= weight <= 1:
            raise ConfigError(f"The weight of recency is {weight}: give a value from 0 to 1.")
        self._inner = inner
        self._snapshot = snapshot
        self._half_life = half_life_days
        self._weight = weight
        self._now = now

    def retrieve(self, query: Query) -> list[Hit]:
        """At most `query.k` hits."""
        found = self._inner.retrieve(replace(query, k=min(_POOL * query.k, query.k + _EXTRA)))
        records = self._snapshot().records({hit.doc_id for hit in found})
        now = self._now()
        aged = [
            replace(hit, score=_lowered(hit.score, self._factor(records[hit.doc_id].modified_at, now))) for hit in found
        ]
        aged.sort(key=lambda hit: (-hit.score, hit.rank))
        return [replace(hit, rank=rank) for rank, hit in enumerate(aged[: query.k], 1)]

    def _factor(self, modified_at: datetime | None, now: datetime) -> float:
        age = math.inf if modified_at is None else max(0.0, (now - modified_at).total_seconds() / _DAY)
        return 1 - self._weight * (1 - 2 ** -(age / self._half_life))


def _lowered(score: float, factor: float) -> float:
    return score * factor if score >= 0 else score / factor if factor > 0 else -math.inf
