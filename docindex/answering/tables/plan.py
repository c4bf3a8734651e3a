"""What is to be looked up in tables, apart from any SQL: everything that a question can come to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from docindex.schema import CellValue

Operator = Literal["is", "<", "<=", ">", ">=", "between", "within", "contains", "starts", "ends", "empty"]
"""`between` has both ends, `within` lacks the upper one; `is` holds for any of the values."""
Function = Literal["count", "distinct", "sum", "average", "median", "min", "max", "variance", "deviation", "range"]
Bucket = Literal["day", "week", "month", "quarter", "year"]


@dataclass(frozen=True, slots=True)
class ColumnOf:
    """A column of one of the plan's tables."""

    table: int
    """The table's place in the plan."""
    name: str


@dataclass(frozen=True, slots=True)
class Test:
    """A condition on one column."""

    column: ColumnOf
    operator: Operator
    values: tuple[CellValue | ColumnOf, ...] = ()
    negated: bool = False


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of the tests holds."""

    tests: tuple[Test, ...]


Where = tuple[Test | AnyOf, ...]
"""All of them hold."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What is worked out of the rows."""

    function: Function
    column: ColumnOf | None = None
    """None counts rows."""


@dataclass(frozen=True, slots=True)
class Group:
    """One result for each value of a column, or for each stretch of its dates."""

    column: ColumnOf
    bucket: Bucket | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """By a column, or by the first measure."""

    column: ColumnOf | None
    descending: bool


@dataclass(frozen=True, slots=True)
class Join:
    """Two columns that hold the same keys; the second one has each key once."""

    many: ColumnOf
    one: ColumnOf


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryPlan:
    """A question about one table or two."""

    tables: tuple[str, ...]
    """Their names in the catalogue."""
    join: Join | None = None
    where: Where = ()
    part: Where | None = None
    """The result is what share of the rows also meets these, in percent."""
    measures: tuple[Measure, ...] = ()
    """None: the rows themselves are asked for."""
    group: Group | None = None
    columns: tuple[ColumnOf, ...] = ()
    """Of rows, what is shown; each different one once if `distinct`."""
    distinct: bool = False
    order: Order | None = None
    limit: int | None = None
    """So many of the first rows or groups, and what ties with the last of them."""
    rank: int | None = None
    """Only those of the first, second, ... different value."""
    pair: bool = False
    """The result is the distance of two single rows, and of no other number of them."""

    def used(self) -> frozenset[ColumnOf]:
        """Every column that it names."""
        found = {*self.columns, *(measure.column for measure in self.measures)}
        if self.group is not None:
            found.add(self.group.column)
        if self.order is not None:
            found.add(self.order.column)
        for test in tests_of((*self.where, *(self.part or ()))):
            found.add(test.column)
            found.update(value for value in test.values if isinstance(value, ColumnOf))
        return frozenset(column for column in found if column is not None)


def tests_of(where: Where) -> list[Test]:
    """The single tests of a condition."""
    return [test for one in where for test in (one.tests if isinstance(one, AnyOf) else (one,))]
