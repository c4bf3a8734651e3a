"""The cells of an HTML table as a grid: spans filled in, the rows that name the columns told from the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from docindex.loaders.table_text import TableDraft, typed_table

_LONGEST_REPEATED = 200
_WIDEST = 500
_FILLED = 20
"""How many places of the grid a cell may take on average, and how many a small table has in any case."""
_SMALL = 10_000
_LONGEST_CELL = 2_000
"""Characters; a table with more in a cell lays out the page."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell as it stands in the markup."""

    text: str
    """As it would be laid out outside a table."""
    heads: bool
    """It is a `th`."""
    columns: int = 1
    rows: int = 1
    """How many of them it spans; 0 rows are all that follow."""

    @property
    def line(self) -> str:
        """The text on one line."""
        return " ".join(self.text.split())


@dataclass(slots=True)
class TableCells:
    """What is read of a table while it is open."""

    caption: str = ""
    rows: list[list[Cell]] = field(default_factory=list)
    heads: set[int] = field(default_factory=set)
    """The rows that stand in the table's head."""

    def draft(self) -> TableDraft | None:
        """The table with typed rows; None if it is none, but a list, or words put in a frame."""
        grid = self._grid()
        width = max(map(len, grid), default=0)
        longest = max((len(cell.text) for row in self.rows for cell in row), default=0)
        if len([row for row in grid if any(row)]) < 2 or width < 2 or longest > _LONGEST_CELL:
            return None
        names = self._naming_rows()
        numbered = list(enumerate(grid, 1))
        header = joined_names(grid[:names]) if names else None
        return typed_table(self.caption, header, numbered[names:])

    def _naming_rows(self) -> int:
        """How many rows at the top name the columns; a table has at least one more."""
        count = 0
        while count < len(self.rows) - 1 and count in self.heads:
            count += 1
        if not count and self.rows and self.rows[0] and all(cell.heads for cell in self.rows[0]):
            count = 1
        return count

    def _grid(self) -> list[list[str]]:
        budget = _SMALL + _FILLED * sum(map(len, self.rows))
        width = max((sum(cell.columns for cell in row) for row in self.rows), default=0)
        grid: list[list[str]] = []
        from_above: dict[int, tuple[str, int]] = {}
        """For each column the text that reaches down into it, and through how many more rows."""
        for number, row in enumerate(self.rows):
            line: list[str] = []
            spans: dict[int, tuple[str, int]] = {}
            for cell in row:
                _fill(line, from_above)
                columns = max(1, min(cell.columns, _WIDEST - len(line))) if budget > 0 else 1
                below = (cell.rows or len(self.rows)) - 1 if budget > 0 else 0
                below = min(below, len(self.rows) - number - 1)
                budget -= columns - 1 + columns * below
                text = cell.line
                repeated = text if len(text) <= _LONGEST_REPEATED else ""
                across = "" if columns > 1 and columns >= width and len(row) == 1 else repeated
                for column in range(len(line), len(line) + columns):
                    if below:
                        spans[column] = (repeated, below)
                line += [text, *[across] * (columns - 1)]
            _fill(line, from_above)
            from_above = {
                column: (text, left - 1) for column, (text, left) in from_above.items() if left > 1
            } | spans  # fmt: skip
            grid.append(line)
        return grid


def cell_of(tag: str, text: str, attributes: Mapping[str, str | None]) -> Cell:
    """A cell, by its tag, what is in it, and its attributes."""
    columns, rows = (attributes.get(name) or "" for name in ("colspan", "rowspan"))
    return Cell(
        text,
        tag == "th",
        max(1, int(columns)) if columns.isdecimal() and len(columns) < 6 else 1,
        int(rows) if rows.isdecimal() and len(rows) < 6 else 1,
    )


def _fill(line: list[str], from_above: Mapping[int, tuple[str, int]]) -> None:
    while len(line) in from_above:
        line.append(from_above[len(line)][0])


def joined_names(rows: Sequence[Sequence[str]]) -> list[str]:
    """One name a column: what its cells in several rows say, each once."""
    columns = zip_longest(*rows, fillvalue="")
    return [" ".join(dict.fromkeys(filter(None, column))) for column in columns]
