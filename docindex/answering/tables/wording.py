"""Results in words: what was counted or added up, over which rows, and with which units."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from docindex.answering.tables.lexicon import line
from docindex.answering.tables.plan import AnyOf, Bucket, ColumnOf, Function, Measure, QueryPlan, Test, Where
from docindex.answering.tables.relations import Field
from docindex.answering.tables.running import Result
from docindex.answering.tables.view import View
from docindex.schema import CellValue

_NAMES: dict[Function, str] = {
    "sum": "total",
    "average": "average",
    "median": "median",
    "min": "lowest",
    "max": "highest",
    "variance": "variance (of a sample)",
    "deviation": "standard deviation (of a sample)",
    "range": "difference",
}
_DATED: dict[Function, str] = {"min": "earliest", "max": "latest"}
_OPERATORS = {"<": "less than", "<=": "at most", ">": "more than", ">=": "at least"}
_DATE_OPERATORS = {"<": "before", "<=": "until", ">": "after", ">=": "from"}
_BUCKETS: dict[Bucket, str] = {"week": "week that begins on"}
_COUNTED_UNITS = line("day week month year mile")
"""Units that are words."""
_LONGEST_TEXT = 200
"""Of a cell; the citation has all of it."""
_FURTHER_DIGITS = 2
"""A quotient is given with so many more digits than the numbers that it is made of."""
_CENTS = 2
_MOST_DIGITS = 28
"""Decimals are not rounded to more digits than that."""


def cell(value: CellValue, field: Field | None = None) -> str:
    """A value as people write it."""
    match value:
        case None:
            return "(empty)"
        case bool():
            return "yes" if value else "no"
        case datetime():
            midnight = (value.hour, value.minute, value.second, value.microsecond) == (0, 0, 0, 0)
            return value.date().isoformat() if midnight else value.replace(tzinfo=None).isoformat(" ", "minutes")
        case int() | float():
            plain = field is not None and (field.identifier or field.values.yearly)
            return _with_unit(str(value) if plain else number(value, _digits(field)), field)
        case _:
            text = " ".join(value.split())
            return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"


def number(value: float, digits: int | None = None) -> str:
    """The number with commas between thousands; with so many digits after the point, or those that it has.

    One that is too large for that, or infinite, as Python writes it.
    """
    exact = Decimal(str(value))
    if not _roundable(exact, digits or 0):
        return str(value)
    if digits is not None:
        exact = exact.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    elif exact == exact.to_integral_value():
        exact = exact.quantize(Decimal(1))
    return f"{exact:,f}"


def measured(value: CellValue, measure: Measure, view: View) -> str:
    """The value of a measure with its unit."""
    field = view.seen(measure.column).field if measure.column is not None else None
    if value is None or isinstance(value, str | bool | datetime) or measure.function in ("count", "distinct"):
        return cell(value)
    if measure.function in ("average", "median", "variance", "deviation"):
        places = (field.values.decimals if field is not None else 0) + _FURTHER_DIGITS
        text = _quotient(value, places, money=field is not None and _digits(field) is not None)
        return text if measure.function == "variance" else _with_unit(text, field)
    return cell(value, field)


def described(measure: Measure, view: View) -> str:
    """What a measure is, as "the total of Amount (EUR)"."""
    if measure.function == "count" or measure.column is None:
        return "the number of rows"
    field = view.seen(measure.column).field
    if measure.function == "distinct":
        return f"the number of different values of {field.name}"
    name = _DATED.get(measure.function) if field.type == "date" else None
    if measure.function in ("min", "max"):
        return f"the {name or _NAMES[measure.function]} {field.name}"
    return f"the {name or _NAMES[measure.function]} of {field.name}"


def conditions(where: Where, view: View) -> str:
    """The conditions as a clause, or nothing."""
    parts = [
        " or ".join(_condition(test, view) for test in one.tests) if isinstance(one, AnyOf) else _condition(one, view)
        for one in where
    ]
    return " and ".join(parts)


def group_name(value: CellValue, plan: QueryPlan, view: View) -> str:
    """What a group is called."""
    if plan.group is None:
        return cell(value)
    lead = _BUCKETS.get(plan.group.bucket) if plan.group.bucket is not None else None
    text = cell(value, view.seen(plan.group.column).field if plan.group.bucket is None else None)
    return f"{lead} {text}" if lead else text


def over(result: Result) -> str:
    """The rows that a result is over, as "of orders, where Status is Open"."""
    titles = " and ".join(relation.title for relation in result.view.relations)
    clause = conditions(result.plan.where, result.view)
    return f"{titles}, where {clause}" if clause else titles


def _condition(test: Test, view: View) -> str:
    field = view.seen(test.column).field
    values = [value.name if isinstance(value, ColumnOf) else cell(value, field) for value in test.values]
    negation = "not " if test.negated else ""
    match test.operator:
        case "is" if test.negated and values == ["yes"]:
            return f"{field.name} is no"
        case "is":
            return f"{field.name} is {negation}{' or '.join(values)}"
        case "empty":
            return f"{field.name} is {negation}empty"
        case "between":
            return f"{field.name} is {negation}between {values[0]} and {values[1]}"
        case "within":
            return f"{field.name} is {negation}{_stretch(test.values[0], test.values[1])}"
        case "contains":
            return f"{field.name} {'does not contain' if test.negated else 'contains'} “{values[0]}”"
        case "starts" | "ends":
            return f"{field.name} {'does not begin' if test.negated else 'begins'} with “{values[0]}”"
        case _:
            names = _DATE_OPERATORS if field.type == "date" else _OPERATORS
            return f"{field.name} is {negation}{names[test.operator]} {values[0]}"


def _stretch(low: CellValue | ColumnOf, high: CellValue | ColumnOf) -> str:
    if not (isinstance(low, datetime) and isinstance(high, datetime)):
        return "in between"
    last = high - timedelta(days=1)
    return cell(low) if last <= low else f"from {cell(low)} to {cell(last)}"


def _digits(field: Field | None) -> int | None:
    """Money with cents is written with two digits, whatever it comes to."""
    money = field is not None and field.unit is not None and field.unit.quantity == "money"
    return _CENTS if field is not None and money and 0 < field.values.decimals <= _FURTHER_DIGITS else None


def _with_unit(text: str, field: Field | None) -> str:
    if field is None or field.unit is None:
        return text
    several = field.unit.name in _COUNTED_UNITS and text != "1"
    return f"{text} {field.unit.name}{'s' if several else ''}"


def _quotient(value: float, places: int, *, money: bool) -> str:
    """The value with so many digits after the point, but for zeros at its end; money has two."""
    exact = Decimal(str(value))
    if not _roundable(exact, max(places, _CENTS)):
        return number(value)
    rounded = exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return f"{rounded.quantize(Decimal(1).scaleb(-_CENTS), ROUND_HALF_UP) if money else _short(rounded):,f}"


def _roundable(value: Decimal, places: int) -> bool:
    """Whether it can be given so many digits after the point; rounding up may need one more before it."""
    return value.is_finite() and value.adjusted() + 1 + places < _MOST_DIGITS


def _short(value: Decimal) -> Decimal:
    """Without zeros at the end."""
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value.normalize()
