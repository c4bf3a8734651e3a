"""The tables of documents in XML, of the CALS model and of HTML's."""

from __future__ import annotations

from collections.abc import Sequence

from lxml import etree

from docindex.loaders.xml_tree import children_of, name_of, words_of

_ROWS = frozenset(("row", "tr", "strow", "sthead"))
_CELLS = frozenset(("entry", "td", "th", "stentry", "cell"))
_HEADS = frozenset(("thead", "sthead"))
_WIDEST = 100
"""Columns that a cell may span."""


def table_rows(table: etree._Element) -> tuple[list[str] | None, list[list[str]]]:
    """The names of the columns, if the table has a head, and its rows; spans are filled in."""
    columns = [str(each.get("colname", "")) for each in table.iter(etree.Element) if name_of(each) == "colspec"]
    rows = [each for each in table.iter(etree.Element) if name_of(each).lower() in _ROWS]
    grid = _grid(rows, columns)
    heads = 0
    while heads < len(rows) - 1 and _is_head(rows[heads]):
        heads += 1
    if not heads:
        return None, grid
    width = max(map(len, grid[:heads]))
    names = [
        " ".join(dict.fromkeys(row[column] for row in grid[:heads] if column < len(row) and row[column]))
        for column in range(width)
    ]
    return names, grid[heads:]


def _is_head(row: etree._Element) -> bool:
    parent = row.getparent()
    cells = [name_of(cell) for cell in children_of(row)]
    named = name_of(row) in _HEADS or (parent is not None and name_of(parent) in _HEADS)
    return named or (bool(cells) and all(cell == "th" for cell in cells))


def _grid(rows: Sequence[etree._Element], columns: Sequence[str]) -> list[list[str]]:
    grid: list[dict[int, str]] = [{} for _ in rows]
    for number, row in enumerate(rows):
        column = 0
        for cell in children_of(row):
            if name_of(cell).lower() not in _CELLS:
                continue
            while column in grid[number]:
                column += 1
            first, last = cell.get("namest"), cell.get("nameend")
            if first in columns and last in columns:
                width = columns.index(str(last)) - columns.index(str(first)) + 1
            else:
                width = _number(cell, "colspan", 1)
            height = _number(cell, "morerows", 0) + 1 if cell.get("morerows") else _number(cell, "rowspan", 1)
            text = words_of(cell)
            span = range(column, column + max(1, min(width, _WIDEST)))
            for below in grid[number : number + max(1, height)]:
                below.update(dict.fromkeys(span, text))
            column = span.stop
    return [[cells.get(column, "") for column in range(max(cells, default=-1) + 1)] for cells in grid]


def _number(cell: etree._Element, attribute: str, default: int) -> int:
    said = str(cell.get(attribute, ""))
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 6 else default
