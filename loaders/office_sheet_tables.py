"""Tells the tables of a sheet apart: people put several on one, with titles above and remarks between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from docindex.loaders.cell_types import shown
from docindex.loaders.table_text import are_names
from docindex.schema import CellValue

SheetRow = tuple[int, list[CellValue]]
"""A row's number in the sheet, and its cells from the first column on; None is an empty one."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Text that stands by itself in cells: a title, a footnote."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SheetTable:
    """The rows of one table, without columns that are empty throughout."""

    rows: tuple[SheetRow, ...]


def sheet_parts(rows: Sequence[SheetRow]) -> list[Remark | SheetTable]:
    """The tables and remarks of a sheet, in the order of their first rows; every filled cell is in one of them.

    Empty rows part tables, unless what follows goes on in the columns of the table before and has no names of its own.
    Empty columns part them where the sides begin or end in different rows. Lone texts above a table are remarks.
    """
    blocks: list[_Block] = []
    for rows_of_block in _split([row for row in rows if _filled(row[1])]):
        for block in _without_titles(_Block(rows_of_block)):
            if blocks and blocks[-1].is_continued_by(block):
                blocks[-1] = _Block([*blocks[-1].rows, *block.rows])
            else:
                blocks.append(block)
    alone = len(blocks) == 1
    return [block.as_remark() if block.is_remark(alone=alone) else block.as_table() for block in blocks]


class _Block:
    """Rows that belong together; all cells of other columns are None."""

    def __init__(self, rows: Sequence[SheetRow]) -> None:
        self.rows = rows
        places = [at for _, cells in rows for at in _filled(cells)]
        self.left, self.right = min(places), max(places)

    @property
    def width(self) -> int:
        return self.right - self.left + 1

    def is_continued_by(self, other: _Block) -> bool:
        inside = self.left <= other.left and other.right <= self.right
        follows = self.rows[-1][0] < other.rows[0][0]
        return inside and follows and self.width > 1 and not other._is_lone() and not other._has_names()

    def is_remark(self, *, alone: bool) -> bool:
        """Whether it is one column of text beside real tables, or a single cell."""
        if self.width > 1:
            return False
        cells = [cells[self.left] for _, cells in self.rows]
        return len(cells) == 1 or (not alone and all(isinstance(cell, str) for cell in cells))

    def as_remark(self) -> Remark:
        return Remark(tuple(shown(cells[self.left]) for _, cells in self.rows))

    def as_table(self) -> SheetTable:
        used = sorted({at for _, cells in self.rows for at in _filled(cells)})
        return SheetTable(
            tuple((number, [cells[at] if at < len(cells) else None for at in used]) for number, cells in self.rows)
        )

    def _is_lone(self) -> bool:
        """Whether it is a single text, such as a title or a remark."""
        filled = [cells[at] for _, cells in self.rows for at in _filled(cells)]
        return len(filled) == 1 and isinstance(filled[0], str)

    def _has_names(self) -> bool:
        """Whether the first row names columns, and what follows is of another kind."""
        first = self.rows[0][1][self.left : self.right + 1]
        below = (cells[at] for _, cells in self.rows[1:] for at in _filled(cells))
        return are_names(first) and any(not isinstance(cell, str) for cell in below)


def _filled(cells: Sequence[CellValue]) -> list[int]:
    return [at for at, cell in enumerate(cells) if cell is not None]


def _without_titles(block: _Block) -> Iterator[_Block]:
    """The block, and before it the lone texts that stand on top of it."""
    rows = block.rows
    counts = [len(_filled(cells)) for _, cells in rows]
    titles = next((at for at, count in enumerate(counts) if count > 1), 0)
    if titles and all(isinstance(cell, str) for _, cells in rows[:titles] for cell in cells if cell is not None):
        for row in rows[:titles]:
            yield _Block([row])
        yield _Block(rows[titles:])
    else:
        yield block


def _split(rows: list[SheetRow]) -> Iterator[list[SheetRow]]:
    """The rows, parted wherever empty rows or columns part them."""
    if not rows:
        return
    runs: list[list[SheetRow]] = []
    for row in rows:
        if runs and row[0] == runs[-1][-1][0] + 1:
            runs[-1].append(row)
        else:
            runs.append([row])
    for run in runs:
        sides = _sides(run)
        if len(sides) == 1:
            yield run
        else:
            for first, last in sides:
                part = [(number, _masked(cells, first, last)) for number, cells in run]
                yield from _split([row for row in part if _filled(row[1])])


def _sides(rows: Sequence[SheetRow]) -> list[tuple[int, int]]:
    """The first and last columns of what stands side by side; one pair where it all is one table."""
    columns: dict[int, tuple[int, int]] = {}
    for number, cells in rows:
        for at in _filled(cells):
            first, _ = columns.get(at, (number, number))
            columns[at] = (first, number)
    groups: list[list[int]] = []
    for at in sorted(columns):
        if groups and at == groups[-1][-1] + 1:
            groups[-1].append(at)
        else:
            groups.append([at])
    sides: list[tuple[int, int]] = []
    extents: list[tuple[int, int]] = []
    for group in groups:
        extent = (min(columns[at][0] for at in group), max(columns[at][1] for at in group))
        sparse = len(group) == 1 and extents and extents[-1][0] == extent[0] and extent[1] <= extents[-1][1]
        if extents and (extent == extents[-1] or sparse):
            sides[-1] = (sides[-1][0], group[-1])  # a column that is left free for looks
        else:
            sides.append((group[0], group[-1]))
            extents.append(extent)
    return sides


def _masked(cells: Sequence[CellValue], first: int, last: int) -> list[CellValue]:
    return [cell if first <= at <= last else None for at, cell in enumerate(cells)]
