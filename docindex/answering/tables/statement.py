"""Plans as SELECT statements. Values are parameters, names are the catalogue's: no text of a question becomes SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    Float,
    FromClause,
    Integer,
    Numeric,
    Select,
    Table,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.types import TypeEngine

from docindex.answering.tables.plan import (
    AnyOf,
    Bucket,
    ColumnOf,
    Function,
    Group,
    Measure,
    Order,
    QueryPlan,
    Test,
    Where,
)
from docindex.errors import QueryError
from docindex.schema import CellValue

_SQLITE = "sqlite"
_SQLITE_BUCKETS: dict[Bucket, str] = {"day": "%Y-%m-%d", "month": "%Y-%m", "year": "%Y"}
_POSTGRES_BUCKETS: dict[Bucket, str] = {"day": "YYYY-MM-DD", "month": "YYYY-MM", "year": "YYYY", "quarter": 'YYYY-"Q"Q'}
_PLACES = 9
"""Decimals of what is divided, so that equal values compare as equal."""


@dataclass(frozen=True, slots=True)
class Source:
    """A table as statements know it."""

    table: Table
    decimals: Mapping[str, int]
    """Of the columns that are not whole numbers: how many digits there are after the point."""
    place: Sequence[str] = ()
    """The columns that say where a row stands."""


class Statements:
    """Writes the statements of one plan."""

    def __init__(self, plan: QueryPlan, sources: Sequence[Source], dialect: str) -> None:
        self._plan = plan
        self._sources = sources
        self._dialect = dialect

    def answer(self, most: int) -> Select[Any]:
        """What the plan asks for, of which so many rows or groups may be told.

        Where they are ordered, it goes on beyond the plan's limit: any number of them may tie with the last one.
        """
        plan = self._plan
        if plan.part is not None:
            return self._from(*self._share(plan.part))
        if not plan.measures:
            return self._rows(most)
        values = [self._measure(measure).label(f"value {at}") for at, measure in enumerate(plan.measures, 1)]
        if plan.group is None:
            return self._from(*values, func.count().label("rows"))
        key = self._group_key(plan.group)
        chosen = self._from(key.label("group"), *values, func.count().label("rows")).group_by(key)
        if plan.order is None:
            return chosen.order_by(key)
        return self._cut(chosen.order_by(*self._ranked(plan.order, key)), most)

    def cited(self, most: int, *further: ColumnElement[bool]) -> Select[Any]:
        """Where the rows stand that the answer rests on, the first ones."""
        columns = [source.table.c[name] for source in self._sources for name in source.place]
        return self._from(*columns).where(*further).order_by(*self._placed()).limit(most)

    def rows(self, names: Sequence[str], most: int, *further: ColumnElement[bool]) -> Select[Any]:
        """The first rows that the answer rests on, with these of their columns."""
        return self._from(*(self._sources[0].table.c[name] for name in names)).where(*further).limit(most)

    def column(self, column: ColumnOf) -> ColumnElement[Any]:
        """A column of the statement."""
        found: ColumnElement[Any] = self._sources[column.table].table.c[column.name]
        return found

    def extreme(self, function: Function, column: ColumnOf) -> ColumnElement[bool]:
        """That a row has the lowest or highest value of a column, which the database itself looks up.

        A value that came out of it need not equal what it holds once it is put back in: fractions get rounded, and
        SQLite compares times as texts.
        """
        wanted = self._from(self._measure(Measure(function, column)))
        return self.column(column) == wanted.correlate(None).scalar_subquery()

    def in_group(self, group: Group, order: Order, at: int) -> ColumnElement[bool]:
        """That a row is of the group at a place of the answer, counted from 0."""
        key = self._group_key(group)
        chosen = self._from(key).group_by(key).order_by(*self._ranked(order, key)).limit(1).offset(at)
        return key.is_not_distinct_from(chosen.correlate(None).scalar_subquery())

    def _rows(self, most: int) -> Select[Any]:
        plan = self._plan
        columns = [self.column(column) for column in plan.columns]
        shown = [column.label(f"value {at}") for at, column in enumerate(columns, 1)]
        order = [] if plan.order is None or plan.order.column is None else [self.column(plan.order.column)]
        if plan.distinct:
            different = self._from(*shown).where(columns[0].is_not(None)).distinct()
            return self._cut(different.order_by(*columns), most)
        places = [source.table.c[name] for source in self._sources for name in source.place]
        chosen = self._from(*shown, *places).where(*(column.is_not(None) for column in order))
        ordered = [column.desc() if plan.order and plan.order.descending else column for column in order]
        return self._cut(chosen.order_by(*ordered, *self._placed()), most)

    def _group_key(self, group: Group) -> ColumnElement[Any]:
        column = self.column(group.column)
        return column if group.bucket is None else self._bucket(column, group.bucket)

    def _ranked(self, order: Order, key: ColumnElement[Any]) -> tuple[ColumnElement[Any], ...]:
        first = self._measure(self._plan.measures[0])
        return first.desc() if order.descending else first, key

    def _cut(self, chosen: Select[Any], most: int) -> Select[Any]:
        plan = self._plan
        if plan.limit is None or plan.rank is not None:
            return chosen
        return chosen.limit(plan.limit if plan.order is None else most + 1)

    def _from(self, *columns: ColumnElement[Any]) -> Select[Any]:
        plan = self._plan
        tables: FromClause = self._sources[0].table
        if plan.join is not None:
            tables = tables.join(self._sources[1].table, self.column(plan.join.many) == self.column(plan.join.one))
        return select(*columns).select_from(tables).where(*self._where(plan.where))

    def _placed(self) -> list[ColumnElement[Any]]:
        return [self._sources[0].table.c[name] for name in self._sources[0].place[:2]]

    def met(self, where: Where) -> list[ColumnElement[bool]]:
        """Conditions as the statement has them."""
        return self._where(where)

    def _where(self, where: Where) -> list[ColumnElement[bool]]:
        return [or_(*map(self._test, one.tests)) if isinstance(one, AnyOf) else self._test(one) for one in where]

    def _test(self, test: Test) -> ColumnElement[bool]:
        column = self.column(test.column)
        holds = self._holds(column, test)
        if not test.negated:
            return holds
        denied: ColumnElement[bool] = not_(holds)
        # Of what is empty, nothing is known to be less or more; but it is not the value that is excluded.
        return or_(denied, column.is_(None)) if test.operator in ("is", "contains", "starts", "ends") else denied

    def _holds(self, column: ColumnElement[Any], test: Test) -> ColumnElement[bool]:
        values = [self._value(column, value) for value in test.values]
        match test.operator:
            case "is":
                return or_(*(column == value for value in values))
            case "<":
                return column < values[0]
            case "<=":
                return column <= values[0]
            case ">":
                return column > values[0]
            case ">=":
                return column >= values[0]
            case "between":
                return and_(column >= values[0], column <= values[1])
            case "within":
                return and_(column >= values[0], column < values[1])
            case "empty":
                return column.is_(None)
            case "contains" | "starts" | "ends":
                text = str(test.values[0])
                for mark in ("/", "%", "_"):
                    text = text.replace(mark, f"/{mark}")
                before, after = "" if test.operator == "starts" else "%", "" if test.operator == "ends" else "%"
                return func.lower(column).like(func.lower(literal(f"{before}{text}{after}")), escape="/")

    def _value(self, column: ColumnElement[Any], value: CellValue | ColumnOf) -> ColumnElement[Any]:
        if isinstance(value, ColumnOf):
            return self.column(value)
        kind: TypeEngine[Any] = column.type
        if isinstance(value, datetime):
            if isinstance(kind, Date):
                return literal(value.date(), kind)
            if self._dialect == _SQLITE and value.time() == time.min:
                # Compared as texts, a day alone is right before all of its moments, however their time is written.
                return literal(value.date().isoformat(), Text())
            value = value if getattr(kind, "timezone", False) else value.replace(tzinfo=None)
        return literal(value, Float() if isinstance(value, float) and self._dialect == _SQLITE else kind)

    def _measure(self, measure: Measure) -> ColumnElement[Any]:
        if measure.column is None:
            return func.count()
        column = self.column(measure.column)
        decimals = self._sources[measure.column.table].decimals.get(measure.column.name)
        exact = column if decimals is None or self._dialect == _SQLITE else cast(column, Numeric)
        match measure.function:
            case "count":
                return func.count(column)
            case "distinct":
                return func.count(column.distinct())
            case "sum":
                return self._rounded(func.sum(exact), decimals)
            case "min":
                return func.min(column)
            case "max":
                return func.max(column)
            case "range":
                return self._rounded(func.max(exact) - func.min(exact), decimals)
            case "average":
                mean = func.avg(exact)
                return func.round(mean, _PLACES) if self._dialect == _SQLITE else mean
            case _:
                return self._spread(measure, column)

    def _spread(self, measure: Measure, column: ColumnElement[Any]) -> ColumnElement[Any]:
        match measure.function, self._dialect:
            case "median", "sqlite":
                return func.median(column)
            case "median", "postgresql":
                middle = func.percentile_cont(literal(0.5, Float())).within_group(column)
                return type_coerce(middle, Float())  # by the type of the column it would be rounded
            case "variance", "sqlite":
                return func.variance(column)
            case "deviation", "sqlite":
                return func.deviation(column)
            case "variance", _:
                return func.var_samp(column)
            case "deviation", _:
                return func.stddev_samp(column)
            case _:
                raise QueryError(f"A {measure.function} can't be asked of this kind of database: ask for the average.")

    def _rounded(self, value: ColumnElement[Any], decimals: int | None) -> ColumnElement[Any]:
        return func.round(value, decimals) if decimals is not None and self._dialect == _SQLITE else value

    def _share(self, part: Where) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
        met = and_(*self._where(part))
        column = self._plan.measures[0].column if self._plan.measures else None
        if column is None:
            return func.sum(case((met, 1), else_=0)).label("part"), func.count().label("whole")
        decimals = self._sources[column.table].decimals.get(column.name)
        value = self.column(column)
        part_of = func.sum(case((met, value), else_=0))
        return self._rounded(part_of, decimals).label("part"), self._rounded(func.sum(value), decimals).label("whole")

    def _bucket(self, column: ColumnElement[Any], bucket: Bucket) -> ColumnElement[Any]:
        match self._dialect, bucket:
            case "sqlite", "week":
                return func.date(column, literal_column("'weekday 0'"), literal_column("'-6 days'"))
            case "sqlite", "quarter":
                quarter = cast((cast(func.strftime(literal_column("'%m'"), column), Integer) + 2) // 3, Text)
                return func.strftime(literal_column("'%Y-Q'"), column).concat(quarter)
            case "sqlite", _:
                return func.strftime(literal_column(f"'{_SQLITE_BUCKETS[bucket]}'"), column)
            case "postgresql", "week":
                week = func.date_trunc(literal_column("'week'"), column)
                return func.to_char(week, literal_column("'YYYY-MM-DD'"))
            case "postgresql", _:
                return func.to_char(column, literal_column(f"'{_POSTGRES_BUCKETS[bucket]}'"))
            case _:
                raise QueryError("Dates of this kind of database can't be grouped: ask about one stretch of time.")
