"""The cells of a table of a PDF: what is written in each, and which rows there are where no line parts them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from docindex.loaders.decoding import clean
from docindex.loaders.html_tables import Cell, TableCells
from docindex.loaders.pdf_grid import Grid
from docindex.loaders.table_text import are_names

LONGEST_NAME: Final = 200
"""Characters."""
_SAME_PLACE: Final = 3.0
"""Points by which the columns of a table may differ from page to page."""
_MOST_NAMING: Final = 3
"""Rows at the top of a table that may name its columns together."""
_LINE_GAP: Final = 3.0
"""Points between the middles of letters that part lines: those of a line lie closer."""
_HYPHEN: Final = re.compile(r"(?<=\w)[\x02\ufffe\xad]\s*")
"""Left out by PDFium at a line end."""
_BROKEN_DATE: Final = re.compile(r"(?<=\d-) *[\r\n]\s*(?=\d)")
_NUMBER: Final = re.compile(r"[-+\u2212(]?[\u20ac$\u00a3]? ?\d(?:[\d.,:/ -]*\d)?(?: ?[%\u20ac$\u00a3)])?")
"""Or a date; a broken one ends with its hyphen."""


@dataclass(slots=True)
class PdfTable:
    """A table, or the part of one that is on a page."""

    cells: TableCells
    xs: tuple[float, ...]
    """The borders of its columns, in points from the left."""
    offset: int = 0
    """Where in the text of its page, which does not hold it, it stands."""

    def has_columns_of(self, other: PdfTable) -> bool:
        """Whether the columns of both are in the same places."""
        return len(self.xs) == len(other.xs) and all(
            abs(one - two) <= _SAME_PLACE for one, two in zip(self.xs, other.xs, strict=True)
        )


class DealtTable:
    """A table while the letters of the page are dealt out to its cells."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self._letters: list[list[tuple[str, float]]] = [[] for _ in grid.regions]
        rows = len(grid.places)
        # Rows of a single cell at the top and the bottom are words in the frame of the table, such as its name.
        self._first = next((row for row in range(rows) if not self._is_whole(row)), rows)
        self._end = next((row + 1 for row in reversed(range(rows)) if not self._is_whole(row)), 0)

    def add(self, region: int, text: str, y: float) -> None:
        """Puts text into a cell, after what it holds."""
        self._letters[region].append((text, y))

    def holds(self, region: int) -> bool:
        """Whether the region is one of the table's cells."""
        return self._first <= self.grid.regions[region].row < self._end

    def table(self, last: PdfTable | None) -> PdfTable | None:
        """The table; None if there is next to nothing in it, or its rows can't be told apart.

        One that goes on from `last` may have a single row.
        """
        rows = self._rows()
        if not _say_something(rows):
            return None
        full = sum(sum(1 for cell in row if cell.text) > 1 for row in rows)
        cells = TableCells(self._name(), rows, set(range(_naming(rows))))
        table = PdfTable(cells, self.grid.xs)
        if last is not None and table.has_columns_of(last) and full:
            return table if TableCells("", [*last.cells.rows, *rows]).draft() is not None else None
        return table if full > 1 and cells.draft() is not None else None

    def _is_whole(self, row: int) -> bool:
        places = self.grid.places[row]
        return places[0] >= 0 and len(set(places)) == 1

    def _rows(self) -> list[list[Cell]]:
        """The rows; none if it can't be told what they are."""
        rows = []
        alone = self._end - self._first <= 2
        for row in range(self._first, self._end):
            lines = self._lines(row) if row > self._first or self._end - self._first == 1 else []
            full = [column for column in zip(*lines, strict=True) if all(column)]
            if len(full) > 1 and any(all(map(_NUMBER.fullmatch, column)) for column in full):
                rows += [[Cell(text, heads=False) for text in line] for line in lines]
            elif len(full) > 1 and alone and len(lines) > 2:
                if len(lines[0]) < 3:  # rows, or paragraphs side by side
                    return []
                rows += [[Cell(text, heads=False) for text in line] for line in lines]
            else:
                rows.append(self._row(row))
        return rows

    def _row(self, row: int) -> list[Cell]:
        cells = []
        for column, place in enumerate(self.grid.places[row]):
            if place < 0:
                cells.append(Cell("", heads=False))
                continue
            region = self.grid.regions[place]
            if (region.row, region.column) == (row, column):
                cells.append(Cell(self._text(place), False, region.columns, region.rows))
        return cells

    def _lines(self, row: int) -> list[list[str]]:
        """What the cells of the row hold line by line, if there are several lines and no cell is merged."""
        places = self.grid.places[row]
        if any(place < 0 or self.grid.regions[place].rows * self.grid.regions[place].columns > 1 for place in places):
            return []
        heights = sorted({y for place in places for text, y in self._letters[place] if not text.isspace()})
        starts = [y for y, below in zip(heights[1:], heights, strict=False) if y - below > _LINE_GAP]
        if not starts:
            return []
        texts = [["" for _ in places] for _ in range(len(starts) + 1)]
        for column, place in enumerate(places):
            line = 0
            for text, y in self._letters[place]:
                line = line if text.isspace() else sum(start > y for start in starts)
                texts[line][column] += text
        return [[_cell_text(text) for text in line] for line in texts]

    def _text(self, region: int) -> str:
        return _cell_text("".join(text for text, _ in self._letters[region]))

    def _name(self) -> str:
        name = self._text(self.grid.places[self._first - 1][0]) if 0 < self._first < self._end else ""
        return name if len(name) <= LONGEST_NAME else ""


def _say_something(rows: Sequence[Sequence[Cell]]) -> bool:
    """Whether letters and digits are at least half of what is in them: in a drawing, cells hold dashes and dots."""
    marks = "".join("".join(cell.text.split()) for row in rows for cell in row)
    return sum(map(str.isalnum, marks)) * 2 >= len(marks)


def _naming(rows: Sequence[Sequence[Cell]]) -> int:
    """How many rows name the columns together, where one of the names at the top stands over several columns."""
    if not rows or all(cell.columns == 1 for cell in rows[0]):
        return 0
    count = max(2, *(cell.rows for cell in rows[0]))
    if count > _MOST_NAMING or count >= len(rows):
        return 0
    names = [list(dict.fromkeys(cell.line for cell in row if cell.line)) for row in rows[:count]]
    return count if all(map(are_names, names)) else 0


def _cell_text(text: str) -> str:
    return " ".join(clean(_BROKEN_DATE.sub("", _HYPHEN.sub("-", text))).replace("\xad", "").split())
