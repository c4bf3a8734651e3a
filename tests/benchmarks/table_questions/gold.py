"""Questions and how plain Python computes their answers from the same rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from statistics import mean
from typing import Any

from sheets import Row, Sheet

Gold = float | int | str | date | set[Any] | list[Any] | dict[Any, Any]
"""A number, a name or date, the names of rows, their ordered names, or what each group has."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question and how its answer is computed."""

    kind: str
    text: str
    gold: Callable[[Data], Gold]


class Data:
    """The rows of the sheets."""

    def __init__(self, sheets: Mapping[str, Sheet]) -> None:
        self._sheets = sheets

    def __getitem__(self, file: str) -> list[Any]:
        return list(self._sheets[file].rows)

    @property
    def expenses(self) -> list[Any]:
        return [*self["expenses-january"], *self["expenses-february"], *self["expenses-march"]]

    def joined(self, many: str, one: str, key: str) -> list[Any]:
        """The rows of `many` with those of `one` beside them."""
        by_key = {row[key]: row for row in self[one]}
        return [{**by_key[row[key]], **row} for row in self[many] if row[key] in by_key]


def total(rows: Iterable[Row], name: str) -> float:
    return round(sum(row[name] for row in rows), 6)  # type: ignore[misc]


def average(rows: Iterable[Row], name: str) -> float:
    return mean(row[name] for row in rows)  # type: ignore[type-var, return-value]


def names(rows: Iterable[Row], name: str) -> set[object]:
    return {row[name] for row in rows}


def best(rows: Iterable[Row], by: str, name: str, *, least: bool = False) -> set[object]:
    """Of the rows with the highest value, ties included."""
    some = list(rows)
    edge = (min if least else max)(row[by] for row in some)  # type: ignore[type-var]
    return {row[name] for row in some if row[by] == edge}


def top(rows: Iterable[Row], by: str, name: str, k: int, *, least: bool = False) -> list[object]:
    return [row[name] for row in sorted(rows, key=lambda row: row[by], reverse=not least)[:k]]  # type: ignore[arg-type, return-value]


def groups(
    rows: Iterable[Row], key: str | Callable[[Any], object], of: Callable[[list[Any]], float]
) -> dict[Any, float]:
    found: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        found[row[key] if isinstance(key, str) else key(row)].append(row)
    return {name: of(some) for name, some in found.items()}


def peak(table: Mapping[Any, float], *, least: bool = False) -> set[Any]:
    edge = (min if least else max)(table.values())
    return {name for name, value in table.items() if value == edge}
