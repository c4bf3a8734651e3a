"""What the cells of a column are, all of them together: a column has a type only if every filled cell agrees."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from docindex.loaders.decoding import clean
from docindex.loaders.values import iso_datetime
from docindex.schema import CellValue, ColumnType

_INTEGER = re.compile(r"-?(?:0|[1-9]\d{0,17})")
_DECIMAL = re.compile(r"-?(?:0|[1-9]\d{0,15})(?:\.\d{1,15})?")
_GROUPED = {
    ",": re.compile(r"-?(?:0|[1-9]\d{0,15}|[1-9]\d{0,2}(?:,\d{3}){1,5})(?:\.\d{1,15})?"),
    ".": re.compile(r"-?(?:0|[1-9]\d{0,15}|[1-9]\d{0,2}(?:\.\d{3}){1,5})(?:,\d{1,15})?"),
}
"""Numbers whose thousands are parted by the key, and whose decimals follow the other mark."""
_TELLING = {
    ",": re.compile(r",\d{3},|,\d{3}\.|\.(?!\d{3}$)"),
    ".": re.compile(r"\.\d{3}\.|\.\d{3},|,(?!\d{3}$)"),
}
"""What can be written only so: 1,234 alone may be a thousand or one and a bit."""
_INT64 = 2**63

Marks = tuple[str, str]
"""What parts thousands, and what comes before decimals."""
_POINTS: Marks = (",", ".")
_COMMAS: Marks = (".", ",")
TypedColumn = tuple[ColumnType, list[CellValue]]


def tidy(value: CellValue) -> CellValue:
    """The cell with its text cleaned and stripped, dates in UTC, and None for what is empty or not a number."""
    match value:
        case str():
            return (value if value.isprintable() else clean(value)).strip() or None
        case float():
            return None if math.isnan(value) else value
        case datetime():
            return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        case _:
            return value


def shown(value: CellValue) -> str:
    """The cell as text: a whole float without its `.0`, midnight as a date alone."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        case datetime():
            if (value.hour, value.minute, value.second, value.microsecond) == (0, 0, 0, 0):
                return value.date().isoformat()
            return value.replace(tzinfo=None).isoformat(" ", "seconds" if value.second else "minutes")
        case _:
            return str(value)


def typed_columns(columns: Sequence[Sequence[CellValue]]) -> list[TypedColumn]:
    """The columns of one table: 1.200 is a thousand and more where the other columns have decimal commas alone."""
    found = [typed_column(cells) for cells in columns]
    texts = [_numbers_said([cell for cell in cells if cell is not None]) for cells in columns]
    marks = [_marks(said) for said in texts]
    telling = {one for one in marks if one is not None}
    if len(telling) != 1:
        return found
    (told,) = telling
    return [
        _as_marked(cells, said, told) if mark is None and _may_be(said, told) else one
        for cells, said, mark, one in zip(columns, texts, marks, found, strict=True)
    ]


def typed_column(cells: Sequence[CellValue]) -> TypedColumn:
    """The type of a column of tidied cells, and the cells as values of it.

    Strings count as what they say. Thousands separators, decimal commas and percent signs are read where the whole
    column can only be meant so; of a percentage the number before the sign is kept.
    """
    filled = [cell for cell in cells if cell is not None]
    for kind, read in _READERS if filled else ():
        found = _read_all(filled, read)
        if found is not None:
            values = iter(found)
            return kind, [None if cell is None else next(values) for cell in cells]
    texts = _numbers_said(filled)
    if texts and all(map(_DECIMAL.fullmatch, texts)):
        return _as_marked(cells, texts, _POINTS)
    marks = _marks(texts)
    if marks is not None:
        return _as_marked(cells, texts, marks)
    return "text", [None if cell is None else shown(cell) for cell in cells]


def _read_all(filled: Sequence[CellValue], read: Callable[[CellValue], CellValue]) -> list[CellValue] | None:
    found: list[CellValue] = []
    for cell in filled:
        value = read(cell)
        if value is None:
            return None
        found.append(value)
    return found


def _boolean(cell: CellValue) -> bool | None:
    if isinstance(cell, str):
        return {"true": True, "false": False}.get(cell.lower())
    return cell if isinstance(cell, bool) else None


def _integer(cell: CellValue) -> int | None:
    match cell:
        case bool() | None:
            return None
        case str():
            return int(cell) if _INTEGER.fullmatch(cell) and cell != "-0" else None
        case int():
            return cell if -_INT64 <= cell < _INT64 else None
        case float():
            return int(cell) if cell.is_integer() and abs(cell) < 2**53 else None
        case _:
            return None


def _number(cell: CellValue) -> float | None:
    match cell:
        case bool() | None:
            return None
        case str():
            return float(cell) if _DECIMAL.fullmatch(cell) else None
        case int():
            return float(cell) if abs(cell) <= 2**53 else None
        case float():
            return cell if math.isfinite(cell) else None
        case _:
            return None


def _date(cell: CellValue) -> datetime | None:
    if isinstance(cell, str):
        return iso_datetime(cell)
    return cell if isinstance(cell, datetime) else None


_READERS: tuple[tuple[ColumnType, Callable[[CellValue], CellValue]], ...] = (
    ("integer", _integer),
    ("number", _number),
    ("boolean", _boolean),
    ("date", _date),
)


def _numbers_said(filled: Sequence[CellValue]) -> list[str]:
    """The cells without their percent signs, if all are texts; else none."""
    texts = [cell.replace("\u2212", "-") for cell in filled if isinstance(cell, str)]
    if len(texts) != len(filled):
        return []
    return [text[:-1].rstrip() for text in texts] if all(text.endswith("%") for text in texts) else texts


def _marks(texts: Sequence[str]) -> Marks | None:
    """The marks of numbers that can be read in one way only."""
    for marks in (_POINTS, _COMMAS):
        if texts and _may_be(texts, marks) and any(map(_TELLING[marks[0]].search, texts)):
            return marks
    return None


def _may_be(texts: Sequence[str], marks: Marks) -> bool:
    """Whether they are numbers with these marks, and have any."""
    return all(map(_GROUPED[marks[0]].fullmatch, texts)) and any(mark in text for text in texts for mark in marks)


def _as_marked(cells: Sequence[CellValue], texts: Sequence[str], marks: Marks) -> TypedColumn:
    group, decimal = marks
    plain = [text.replace(group, "").replace(decimal, ".") for text in texts]
    whole = not any("." in text for text in plain)
    values = iter([int(text) if whole else float(text) for text in plain])
    return ("integer" if whole else "number"), [None if cell is None else next(values) for cell in cells]
