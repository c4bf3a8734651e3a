"""The tables of OpenDocument texts and slides: rows, repeated and merged cells, values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from docindex.loaders.office_opendocument import q
from docindex.loaders.office_opendocument_text import HEADING, PARAGRAPH, TABLE, OpenDocumentReader
from docindex.loaders.values import iso_datetime
from docindex.schema import CellValue

_ROW, _HEADER = q("table:table-row"), q("table:table-header-rows")
_CELL, _COVERED = q("table:table-cell"), q("table:covered-table-cell")
_VALUE_TYPE, _VALUE = q("office:value-type"), q("office:value")
_WIDEST = 1000
_MOST_REPEATS = 10_000
"""Of a row; a text repeats none, and a file that repeats more wants to do harm."""


@dataclass(slots=True)
class _Tall:
    """A merged cell that spans rows."""

    rows: int
    """How many are to come."""
    value: CellValue


def laid_out_cells(table: etree._Element) -> list[etree._Element] | None:
    """The cells, if the table only lays out the page: it has one column, or one row with tables in it."""
    rows = [[cell for cell in row if cell.tag == _CELL] for row, _ in _rows(table)]
    nested = any(True for row in rows for cell in row for _ in cell.iterchildren(TABLE))
    wide = max((sum(_count(cell, "table:number-columns-repeated") for cell in row) for row in rows), default=0)
    return [cell for row in rows for cell in row] if wide < 2 or (nested and len(rows) == 1) else None


def read_grid(
    table: etree._Element, reader: OpenDocumentReader
) -> tuple[list[str] | None, list[tuple[int, list[CellValue]]]]:
    """The names of the columns, where the table has one header row, and the other rows with their numbers from 1."""
    rows: list[tuple[int, list[CellValue]]] = []
    headers = 0
    number = 0
    above: dict[int, _Tall] = {}
    for row, is_header in _rows(table):
        cells = _cells(row, reader, above)
        repeats = min(_count(row, "table:number-rows-repeated"), _MOST_REPEATS)
        headers += is_header
        rows += [(number + 1 + at, cells) for at in range(repeats)]
        number += repeats
    if headers == 1 and len(rows) > 1:
        return ["" if cell is None else str(cell) for cell in rows[0][1]], rows[1:]
    return None, rows


def _rows(element: etree._Element, *, header: bool = False) -> Iterator[tuple[etree._Element, bool]]:
    """The rows, in whatever groups, and whether they are header rows."""
    for child in element:
        if child.tag == _ROW:
            yield child, header
        elif child.tag in (_HEADER, q("table:table-rows"), q("table:table-row-group")):
            yield from _rows(child, header=header or child.tag == _HEADER)


def _cells(row: etree._Element, reader: OpenDocumentReader, above: dict[int, _Tall]) -> list[CellValue]:
    cells: list[CellValue] = []
    for cell in row.iterchildren(_CELL, _COVERED):
        value = _value(cell, reader)
        for _ in range(min(_count(cell, "table:number-columns-repeated"), _WIDEST - len(cells))):
            column = len(cells)
            spanned = above.get(column)
            if cell.tag == _COVERED and spanned is not None and spanned.rows:
                spanned.rows -= 1
                cells.append(spanned.value)
                continue
            rows = _count(cell, "table:number-rows-spanned")
            if rows > 1:
                # What a tall cell says holds for each of its rows; a number in each would add up to too much.
                above[column] = _Tall(rows - 1, value if isinstance(value, str) else None)
            cells.append(value)
    return cells


def _value(cell: etree._Element, reader: OpenDocumentReader) -> CellValue:
    kind = cell.get(_VALUE_TYPE)
    text = _text(cell, reader)
    if kind in ("float", "currency", "percentage"):
        return _number(cell.get(_VALUE) or "", text)
    if kind == "date":
        return iso_datetime(cell.get(q("office:date-value")) or "") or text
    if kind == "boolean":
        return cell.get(q("office:boolean-value")) == "true"
    return text


def _number(value: str, text: str) -> CellValue:
    try:
        number = float(value)
    except ValueError:
        return text
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _text(cell: etree._Element, reader: OpenDocumentReader) -> str:
    lines: list[str] = []
    for child in cell:
        if child.tag in (PARAGRAPH, HEADING):
            lines.append(reader.text(child).strip())
        elif child.tag == TABLE:
            for row, _ in _rows(child):
                texts = (_text(inner, reader) for inner in row.iterchildren(_CELL))
                lines.append(", ".join(text for text in texts if text))
        else:
            lines.append(reader.flat(child))
    return "\n".join(line for line in lines if line)


def _count(element: etree._Element, attribute: str) -> int:
    value = element.get(q(attribute)) or ""
    return int(value) if value.isascii() and value.isdigit() else 1
