"""Conditions as filters of the nodes table.

Meaning, the same for every store: a comparison with a field that a document does not have is false, also `!=`; `not` of
it is therefore true. Texts compare by code points. On a list, `=`, `in` and `contains` ask for an element. On a text,
`contains` asks for a substring, upper and lower case told apart.

A filter is SQL text, for LanceDB's expression builder lacks the functions for lists and JSON. It is put together from
three things only: words of this module, column names of `BUILTIN`, and literals that `quoted` or `_number` wrote.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from docindex.errors import QueryError
from docindex.schema import And, Compare, CompareOp, Condition, Field, FieldType, Not, Or
from docindex.stores.encoding import as_float, date_text, label, presence, to_micros, value_text

BUILTIN: tuple[Field, ...] = (
    Field("node_id", "text", builtin=True),
    Field("doc_id", "text", builtin=True),
    Field("source", "text", builtin=True),
    Field("title", "text", builtin=True),
    Field("media_type", "text", builtin=True),
    Field("modified_at", "date", builtin=True),
    Field("page", "number", builtin=True),
    Field("page_label", "text", builtin=True),
    Field("headings", "list", builtin=True),
    Field("level", "number", builtin=True),
)
"""The columns that a condition may name."""

_INDEXED = ("node_id", "doc_id", "source")
_NULLABLE = ("modified_at", "page", "page_label")
_COLUMNS = {field.name: field.type for field in BUILTIN}
_NOTHING, _ANYTHING = "false", "true"

Scalar = str | float | int | bool | datetime
Ordering = Literal["<", "<=", ">", ">="]


def compile_condition(condition: Condition) -> str:
    """The filter that holds for the nodes that meet the condition.

    Raises:
        QueryError: A comparison that its field's type does not have, such as `<` on a list.
    """
    match condition:
        case Compare():
            # A comparison with null is null, which a filter takes for false. Only `not` would tell the two apart.
            return _comparison(condition)
        case And(parts):
            return _joined(" AND ", parts, _ANYTHING)
        case Or(parts):
            return _joined(" OR ", parts, _NOTHING)
        case Not(part) if _never_null(part):
            return f"(NOT {compile_condition(part)})"  # which the index of labels can answer
        case Not(part):
            return f"(NOT coalesce({compile_condition(part)}, false))"


@dataclass(frozen=True, slots=True)
class Filter:
    """A compiled condition."""

    sql: str
    indexed: bool
    """The tables' indexes alone answer it, in a millisecond; otherwise columns are read."""


def filter_of(condition: Condition | None) -> Filter | None:
    """The compiled condition, where there is one; raises as `compile_condition` does."""
    return None if condition is None else Filter(compile_condition(condition), _is_indexed(condition))


def quoted(text: str) -> str:
    """A string literal. The dialect knows no escape but the doubled quote."""
    return "'" + text.replace("'", "''") + "'"


def is_any_of(column: str, values: Iterable[str]) -> str:
    """The filter for a column that equals one of the values."""
    listed = ", ".join(quoted(value) for value in values)
    return f"({column} IN ({listed}))" if listed else _NOTHING


def _is_indexed(condition: Condition) -> bool:
    match condition:
        case Compare(field, op):
            return op in ("=", "in") and field.name in _INDEXED if field.builtin else _by_labels(field, op)
        case And(parts) | Or(parts):
            return all(map(_is_indexed, parts))
        case Not(part):
            return _never_null(part) and _is_indexed(part)


def _never_null(condition: Condition) -> bool:
    match condition:
        case Compare(field, op):
            return field.name not in _NULLABLE if field.builtin else _by_labels(field, op)
        case And(parts) | Or(parts):
            return all(map(_never_null, parts))
        case Not():
            return True


def _by_labels(field: Field, op: CompareOp) -> bool:
    return op in ("=", "!=", "in") or (op == "contains" and field.type == "list")


def _joined(word: str, parts: tuple[Condition, ...], empty: str) -> str:
    return "(" + word.join(compile_condition(part) for part in parts) + ")" if parts else empty


def _comparison(compare: Compare) -> str:
    if compare.field.builtin:
        return _on_column(compare)
    return _on_metadata(compare)


# --- metadata -------------------------------------------------------------------------------------------------------


def _on_metadata(compare: Compare) -> str:
    name, kind, op = compare.field.name, compare.field.type, compare.op
    match op:
        case "=":
            return _has_label(label(name, _equal_value(compare, _scalar(compare))))
        case "!=":
            other = _has_label(label(name, _equal_value(compare, _scalar(compare))))
            return f"({_has_label(presence(name))} AND NOT {other})"
        case "in":
            listed = ", ".join(quoted(label(name, _equal_value(compare, value))) for value in _scalars(compare))
            return f"array_has_any(kv, [{listed}])" if listed else _NOTHING
        case "contains" if kind == "list":
            return _has_label(label(name, _equal_value(compare, _scalar(compare))))
        case "contains" if kind == "text":
            return f"contains({_json('string', 's', name)}, {quoted(value_text(_scalar(compare)))})"
        case "<" | "<=" | ">" | ">=" if kind == "text":
            return f"({_json('string', 's', name)} {op} {quoted(value_text(_scalar(compare)))})"
        case "<" | "<=" | ">" | ">=" if kind == "number":
            return _ordered(_json("float", "n", name), op, compare)
        case "<" | "<=" | ">" | ">=" if kind == "date":
            return f"({_json('string', 'd', name)} {op} {quoted(date_text(_moment(compare, _scalar(compare))))})"
    raise _no_such(compare)


def _equal_value(compare: Compare, value: Scalar) -> Scalar:
    """The value as its field's type has it, so that labels of equal values are equal."""
    kind = compare.field.type
    if kind == "number":
        return _figure(compare, value)
    if kind == "date":
        return _moment(compare, value)
    if kind == "boolean":
        if not isinstance(value, bool):
            raise _mismatch(compare, value)
        return value
    return value_text(value)


def _has_label(text: str) -> str:
    return f"array_has(kv, {quoted(text)})"


def _json(kind: Literal["string", "float"], prefix: Literal["s", "n", "d"], name: str) -> str:
    return f"json_get_{kind}(metadata, {quoted(f'{prefix}:{name}')})"


# --- columns --------------------------------------------------------------------------------------------------------


def _on_column(compare: Compare) -> str:
    column = compare.field.name
    kind: FieldType | None = _COLUMNS.get(column)
    if kind is None:
        raise QueryError(f"There is no field {column!r}: the built-in ones are {', '.join(_COLUMNS)}.")
    if kind == "list":
        return _on_list(column, compare)
    if kind == "text":
        return _on_text(column, compare)
    expression = f"CAST({column} AS DOUBLE)" if kind == "number" else f"CAST({column} AS BIGINT)"
    match compare.op:
        case "<" | "<=" | ">" | ">=" | "=" | "!=" as op:
            return _ordered(expression, op, compare)
        case "in":
            numbers = [_number(_comparable(compare, value)) for value in _scalars(compare)]
            return f"({expression} IN ({', '.join(numbers)}))" if numbers else _NOTHING
    raise _no_such(compare)


def _on_text(column: str, compare: Compare) -> str:
    match compare.op:
        case "in":
            return is_any_of(column, [value_text(value) for value in _scalars(compare)])
        case "contains":
            return f"contains({column}, {quoted(value_text(_scalar(compare)))})"
        case op:
            return f"({column} {op} {quoted(value_text(_scalar(compare)))})"


def _on_list(column: str, compare: Compare) -> str:
    match compare.op:
        case "=" | "contains":
            return f"array_has({column}, {quoted(value_text(_scalar(compare)))})"
        case "!=":
            return f"(NOT array_has({column}, {quoted(value_text(_scalar(compare)))}))"
        case "in":
            listed = ", ".join(quoted(value_text(value)) for value in _scalars(compare))
            return f"array_has_any({column}, [{listed}])" if listed else _NOTHING
    raise _no_such(compare)


# --- values ---------------------------------------------------------------------------------------------------------


def _ordered(expression: str, op: Ordering | Literal["=", "!="], compare: Compare) -> str:
    number = _comparable(compare, _scalar(compare))
    if math.isnan(number):
        return f"({expression} IS NOT NULL)" if op == "!=" else _NOTHING
    return f"({expression} {op} {_number(number)})"


def _comparable(compare: Compare, value: Scalar) -> float | int:
    if compare.field.type == "date":
        return to_micros(_moment(compare, value))
    return _figure(compare, value)


def _number(number: float | int) -> str:
    if isinstance(number, float) and not math.isfinite(number):
        return "1e400" if number > 0 else "-1e400"
    return repr(number)


def _figure(compare: Compare, value: Scalar) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _mismatch(compare, value)
    return as_float(value)


def _moment(compare: Compare, value: Scalar) -> datetime:
    if not isinstance(value, datetime):
        raise _mismatch(compare, value)
    return value


def _scalar(compare: Compare) -> Scalar:
    if isinstance(compare.value, tuple):
        raise _mismatch(compare, compare.value)
    return compare.value


def _scalars(compare: Compare) -> tuple[Scalar, ...]:
    return compare.value if isinstance(compare.value, tuple) else (compare.value,)


def _no_such(compare: Compare) -> QueryError:
    op: CompareOp = compare.op
    return QueryError(f"{op} can't be asked of {compare.field.name}, a field of type {compare.field.type}.")


def _mismatch(compare: Compare, value: object) -> QueryError:
    field = compare.field
    return QueryError(f"{field.name} is a field of type {field.type}, and {value!r} is none.")
