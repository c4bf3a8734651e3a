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
from docindex.answering.tables.plan import QueryPlan
from docindex.answering.tables.statement import Statements
from docindex.answering.tables.view import View
from docindex.errors import QueryError
from docindex.schema import CellValue, Citation

Cells = tuple[CellValue, ...]


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
    places: tuple[tuple[Place | None, ...], ...] = ()
    """Of the first rows: where they stand in each of the tables."""
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
        text = database.text(statement)
        if plan.part is not None:
            return self._share(plan, view, text, found, statements, cancel)
        if not plan.measures:
            return self._listed(plan, view, text, found, statements, cancel)
        if plan.group is None:
            return self._worked_out(plan, view, text, found, statements, cancel)
        rows = [tuple(map(told, row)) for row in found.rows]
        kept = _first(rows, plan, 1)
        cut = found.cut and _go_on(rows, kept, plan)
        narrowed: tuple[ColumnElement[bool], ...] = ()
        if plan.order is not None and len(kept) == 1:
            narrowed = (statements.in_group(plan.group, plan.order, rows.index(kept[0])),)
        return Result(
            plan,
            view,
            text,
            tuple(row[:-1] for row in kept),
            sum(_whole(row[-1]) for row in kept),
            self._places(statements, narrowed, cancel),
            narrowed,
            cut,
        )

    def _worked_out(
        self,
        plan: QueryPlan,
        view: View,
        text: str,
        found: Rows,
        statements: Statements,
        cancel: threading.Event | None,
    ) -> Result:
        row = tuple(map(told, found.rows[0]))
        first, *others = plan.measures
        narrowed: tuple[ColumnElement[bool], ...] = ()
        if first.function in ("min", "max") and first.column and not others and row[0] is not None:
            narrowed = (statements.extreme(first.function, first.column),)
        places = self._places(statements, narrowed, cancel)
        return Result(plan, view, text, (row[:-1],), _whole(row[-1]), places, narrowed)

    def _share(
        self,
        plan: QueryPlan,
        view: View,
        text: str,
        found: Rows,
        statements: Statements,
        cancel: threading.Event | None,
    ) -> Result:
        part, whole = (told(value) for value in found.rows[0])
        percent = None
        if _finite(part) and _finite(whole) and whole:
            percent = float(100 * Decimal(str(part)) / Decimal(str(whole)))
        narrowed = tuple(statements.met(plan.part or ()))
        places = self._places(statements, narrowed, cancel)
        return Result(plan, view, text, ((percent, part, whole),), _whole(whole), places, narrowed)

    def _listed(
        self,
        plan: QueryPlan,
        view: View,
        text: str,
        found: Rows,
        statements: Statements,
        cancel: threading.Event | None,
    ) -> Result:
        width = len(plan.columns)
        rows = [tuple(map(told, row)) for row in found.rows]
        at = 0
        if plan.order is not None and plan.order.column in plan.columns:
            at = plan.columns.index(plan.order.column)
        kept = _first(rows, plan, at)
        cut = found.cut and _go_on(rows, kept, plan)
        shown = tuple(row[:width] for row in kept)
        if plan.distinct:
            return Result(plan, view, text, shown, len(kept), self._places(statements, (), cancel), cut=cut)
        places = tuple(self._split(row[width:]) for row in kept[: self._cited])
        return Result(plan, view, text, shown, len(kept), places, cut=cut)

    def _places(
        self, statements: Statements, where: Sequence[ColumnElement[bool]], cancel: threading.Event | None
    ) -> tuple[tuple[Place | None, ...], ...]:
        if not any(source.place for source in self._loaded.sources):
            return ()
        found = self._loaded.database.run(statements.cited(self._cited, *where), cancel=cancel)
        return tuple(self._split(row) for row in found.rows)

    def _split(self, values: Sequence[Any]) -> tuple[Place | None, ...]:
        places: list[Place | None] = []
        at = 0
        for source in self._loaded.sources:
            size = len(source.place)
            places.append(place_of(values[at : at + size]) if size else None)
            at += size
        return tuple(places)


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
