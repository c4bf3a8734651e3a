"""Plans run: the result as values, and where the rows stand that it rests on."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeGuard

from sqlalchemy import ColumnElement

from docindex.answering.tables.guarded import Rows
from docindex.answering.tables.loading import Loaded, Place, place_of, told
from docindex.answering.tables.plan import Group, QueryPlan, Where
from docindex.answering.tables.statement import Statements
from docindex.answering.tables.view import View
from docindex.errors import QueryError
from docindex.schema import CellValue, Citation

Cells = tuple[CellValue, ...]
Places = tuple[Place | None, ...]
"""Where a row stands in each of the tables."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a plan gave."""

    plan: QueryPlan
    view: View
    statement: str
    rows: tuple[Cells, ...]
    """One value for each measure, a group with its values, or rows with the plan's columns."""
    matched: int
    """How many rows of the tables it rests on."""
    places: tuple[Places, ...] = ()
    """Of the first rows."""
    narrowed: tuple[ColumnElement[bool], ...] = field(default=(), compare=False, repr=False)
    """What holds, beyond the plan's conditions, for the rows that it rests on."""
    cut: bool = False
    """There are more rows than the limit lets through, of those that are asked for."""

    @property
    def value(self) -> CellValue:
        """The first value."""
        return self.rows[0][0] if self.rows and self.rows[0] else None


@dataclass(frozen=True, slots=True)
class Cited:
    """The citations of a result, and which of them belong to each of its first rows."""

    citations: tuple[Citation, ...] = ()
    markers: tuple[tuple[int, ...], ...] = ()
    header: int | None = None
    """The marker of the line with the names of the columns, where it is cited."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What the rows that came back are the result of, by the kind of the plan."""

    rows: tuple[Cells, ...]
    matched: int
    narrowed: tuple[ColumnElement[bool], ...] = ()
    cut: bool = False
    places: tuple[Places, ...] | None = None
    """None where it takes a statement of its own to find them."""


class Runner:
    """Runs plans over loaded relations."""

    def __init__(self, loaded: Loaded, cited: int) -> None:
        self._loaded = loaded
        self._cited = cited

    def run(self, plan: QueryPlan, view: View, cancel: threading.Event | None = None) -> Result:
        """The result.

        Raises:
            QueryError: The statement takes too long or can't be run.
            RequestCancelledError: `cancel` was set.
        """
        database = self._loaded.database
        statements = Statements(plan, self._loaded.sources, database.dialect)
        statement = statements.answer(database.most)
        found = database.run(statement, cancel=cancel)
        outcome = self._outcome(plan, found, statements)
        places = outcome.places
        if places is None:
            places = self._places(statements, outcome.narrowed, cancel)
        text = database.text(statement)
        return Result(plan, view, text, outcome.rows, outcome.matched, places, outcome.narrowed, outcome.cut)

    def _outcome(self, plan: QueryPlan, found: Rows, statements: Statements) -> _Outcome:
        if plan.part is not None:
            return _share(plan.part, found, statements)
        if not plan.measures:
            return self._listed(plan, found)
        if plan.group is None:
            return _worked_out(plan, found, statements)
        return _grouped(plan, plan.group, found, statements)

    def _listed(self, plan: QueryPlan, found: Rows) -> _Outcome:
        width = len(plan.columns)
        rows = [tuple(map(told, row)) for row in found.rows]
        at = 0
        if plan.order is not None and plan.order.column in plan.columns:
            at = plan.columns.index(plan.order.column)
        kept = _first(rows, plan, at)
        cut = found.cut and _go_on(rows, kept, plan)
        shown = tuple(row[:width] for row in kept)
        places = None if plan.distinct else tuple(self._split(row[width:]) for row in kept[: self._cited])
        return _Outcome(shown, len(kept), cut=cut, places=places)

    def _places(
        self, statements: Statements, where: Sequence[ColumnElement[bool]], cancel: threading.Event | None
    ) -> tuple[Places, ...]:
        if not any(source.place for source in self._loaded.sources):
            return ()
        found = self._loaded.database.run(statements.cited(self._cited, *where), cancel=cancel)
        return tuple(self._split(row) for row in found.rows)

    def _split(self, values: Sequence[Any]) -> Places:
        places: list[Place | None] = []
        at = 0
        for source in self._loaded.sources:
            size = len(source.place)
            places.append(place_of(values[at : at + size]) if size else None)
            at += size
        return tuple(places)


def _share(part: Where, found: Rows, statements: Statements) -> _Outcome:
    of, whole = (told(value) for value in found.rows[0])
    percent = None
    if _finite(of) and _finite(whole) and whole:
        percent = float(100 * Decimal(str(of)) / Decimal(str(whole)))
    return _Outcome(((percent, of, whole),), _whole(whole), tuple(statements.met(part)))


def _worked_out(plan: QueryPlan, found: Rows, statements: Statements) -> _Outcome:
    row = tuple(map(told, found.rows[0]))
    first, *others = plan.measures
    narrowed: tuple[ColumnElement[bool], ...] = ()
    if first.function in ("min", "max") and first.column and not others and row[0] is not None:
        narrowed = (statements.extreme(first.function, first.column),)
    return _Outcome((row[:-1],), _whole(row[-1]), narrowed)


def _grouped(plan: QueryPlan, group: Group, found: Rows, statements: Statements) -> _Outcome:
    rows = [tuple(map(told, row)) for row in found.rows]
    kept = _first(rows, plan, 1)
    cut = found.cut and _go_on(rows, kept, plan)
    narrowed: tuple[ColumnElement[bool], ...] = ()
    if plan.order is not None and len(kept) == 1:
        narrowed = (statements.in_group(group, plan.order, rows.index(kept[0])),)
    return _Outcome(tuple(row[:-1] for row in kept), sum(_whole(row[-1]) for row in kept), narrowed, cut)


def _first(rows: list[Cells], plan: QueryPlan, at: int) -> list[Cells]:
    """The rows that are asked for, with what ties with the last of them; the values to compare stand at a place."""
    if plan.order is None:
        return rows if plan.limit is None else rows[: plan.limit]
    rows = [row for row in rows if row[at] is not None]
    if plan.rank is not None:
        values = list(dict.fromkeys(row[at] for row in rows))
        wanted = values[plan.rank - 1 : plan.rank]
        return [row for row in rows if row[at] in wanted]
    if plan.limit is None or len(rows) <= plan.limit:
        return rows
    last = rows[plan.limit - 1][at]
    end = plan.limit
    while end < len(rows) and rows[end][at] == last:
        end += 1
    return rows[:end]


def _go_on(rows: list[Cells], kept: list[Cells], plan: QueryPlan) -> bool:
    """Whether there may be more of what is asked for, beyond the rows that were fetched."""
    if plan.rank is not None and not kept:
        raise QueryError(f"{len(rows):,} rows or more come before the one that is asked for: ask about fewer rows.")
    return kept[-1:] == rows[-1:]


def _finite(value: CellValue) -> TypeGuard[int | float]:
    return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))


def _whole(value: CellValue) -> int:
    return int(value) if _finite(value) else 0
