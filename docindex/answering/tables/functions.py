"""The functions that a statement may call, and those that SQLite lacks."""

from __future__ import annotations

import sqlite3
import statistics
from fractions import Fraction
from typing import Any

from docindex.answering.tables.lexicon import line

FUNCTIONS = line(
    "count sum avg min max round abs lower upper like instr substr length coalesce nullif strftime date "
    "typeof median variance deviation"
)
"""None of them writes, loads or makes large values."""


class _Collected:
    """An aggregate over all of the numbers."""

    def __init__(self) -> None:
        self._values: list[Fraction] = []

    def step(self, value: object) -> None:
        """Takes one in; what is no number does not count."""
        if isinstance(value, int | float):
            self._values.append(Fraction(repr(value)))


class Median(_Collected):
    """The middle, or the mean of the two in the middle."""

    def finalize(self) -> float | None:
        """The result."""
        return float(statistics.median(self._values)) if self._values else None


class Variance(_Collected):
    """Of a sample: the squared distances from the mean over one less than there are."""

    def finalize(self) -> float | None:
        """The result."""
        return float(statistics.variance(self._values)) if len(self._values) > 1 else None


class Deviation(_Collected):
    """The square root of the sample's variance."""

    def finalize(self) -> float | None:
        """The result."""
        return float(statistics.stdev(self._values)) if len(self._values) > 1 else None


def add_functions(connection: sqlite3.Connection) -> None:
    """Teaches a connection the aggregates."""
    aggregates: dict[str, Any] = {"median": Median, "variance": Variance, "deviation": Deviation}
    for name, aggregate in aggregates.items():
        connection.create_aggregate(name, 1, aggregate)
