"""Tables: as Markdown for readers, and as typed rows that know where in the text they stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from docindex.loaders.cell_types import shown, tidy, typed_columns
from docindex.loaders.values import typed
from docindex.schema import CellValue, Column, DocumentTable, TableRow


@dataclass(frozen=True, slots=True)
class TableDraft:
    """A table that has no place in a text yet."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[int, tuple[CellValue, ...]], ...]
    """The row's number in the source, and its cells."""
    lines: tuple[str, ...]
    """The table in Markdown: names, rule, and one line a row; no line if the table is empty."""

    @property
    def markdown(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines)

    def placed(self, start: int) -> DocumentTable:
        """The table of a document whose text holds the Markdown at `start`."""
        rows = []
        at = start + sum(len(line) + 1 for line in self.lines[:2])
        for (number, cells), line in zip(self.rows, self.lines[2:], strict=True):
            rows.append(TableRow(number, at, at + len(line), cells))
            at += len(line) + 1
        return DocumentTable(self.name, self.columns, tuple(rows), start, max(start, at - 1))


def typed_table(name: str, header: Sequence[str] | None, rows: Sequence[tuple[int, Sequence[CellValue]]]) -> TableDraft:
    """The table with types for its columns.

    Args:
        name: Its caption, or the name of its sheet.
        header: The names of the columns; they are made unique, and those that are missing or empty become "column 2".
            With None the first row gives them if it looks like names and is not the only one.
        rows: Each with its number in the source. Rows that hold nothing are left out, short ones are filled up.
    """
    tidied = [(number, [tidy(cell) for cell in cells]) for number, cells in rows]
    tidied = [(number, cells) for number, cells in tidied if any(cell is not None for cell in cells)]
    if header is None and len(tidied) > 1 and are_names(tidied[0][1]):
        header = [shown(cell) for cell in tidied.pop(0)[1]]
    names = [_one_line(cell) for cell in header or ()]
    width = max((_filled_width(cells) for _, cells in tidied), default=0)
    names = unique_names([*names[: max(width, _filled_width(names))], *[""] * (width - len(names))])
    filled = [(number, [*cells[: len(names)], *[None] * (len(names) - len(cells))]) for number, cells in tidied]
    typed_cells = typed_columns([[cells[at] for _, cells in filled] for at in range(len(names))])
    values = zip(*(cells for _, cells in typed_cells), strict=True) if names else iter(())
    return TableDraft(
        " ".join(name.split()),
        tuple(Column(column, kind) for column, (kind, _) in zip(names, typed_cells, strict=True)),
        tuple((number, tuple(cells)) for (number, _), cells in zip(filled, values, strict=True)),
        _markdown(names, [cells for _, cells in filled]) if names else (),
    )


def are_names(row: Sequence[CellValue]) -> bool:
    """Whether a table's first row names its columns.

    It does unless a cell is a number other than a year, a truth value or a date, or is there twice, or is empty: a
    table of three columns or more may leave one unnamed.
    """
    cells = ["" if cell is None else cell for cell in row]
    while cells and cells[-1] == "":
        cells.pop()
    unnamed = cells.count("")
    return bool(cells) and _differ(cells) and unnamed <= (1 if len(cells) > 2 else 0) and all(map(_is_name, cells))


def unique_names(names: Sequence[str]) -> list[str]:
    """The names of columns, none empty and no two alike, whatever their case."""
    taken = {name.casefold() for name in names}
    seen: set[str] = set()
    repeats: Counter[str] = Counter()  # names that are all alike are numbered in one pass
    found = []
    for number, name in enumerate(names, 1):
        unique = wanted = name or f"column {number}"
        while unique.casefold() in seen or (unique != name and unique.casefold() in taken):
            repeats[wanted.casefold()] += 1
            unique = f"{wanted} ({repeats[wanted.casefold()] + 1})"
        seen.add(unique.casefold())
        found.append(unique)
    return found


def _markdown_line(cells: Sequence[str]) -> str:
    """One line of a Markdown table."""
    return f"| {' | '.join(_cell_text(cell) for cell in cells)} |"


def _markdown(names: Sequence[str], rows: Sequence[Sequence[CellValue]]) -> tuple[str, ...]:
    rule = f"| {' | '.join(['---'] * len(names))} |"
    return (_markdown_line(names), rule, *(_markdown_line([shown(cell) for cell in cells]) for cells in rows))


def _cell_text(text: str) -> str:
    """The text of a tidied cell as it stands between bars."""
    if not text.isalnum():
        text = " ".join(text.split()).replace("|", "\\|")
    return text


def _one_line(text: str) -> str:
    shown_text = tidy(text)
    return " ".join(shown_text.split()) if isinstance(shown_text, str) else ""


def _filled_width(cells: Sequence[CellValue]) -> int:
    width = len(cells)
    while width and (cells[width - 1] is None or cells[width - 1] == ""):
        width -= 1
    return width


def _differ(cells: Sequence[CellValue]) -> bool:
    named = [str(cell) for cell in cells if cell != ""]
    return len(set(named)) == len(named)


def _is_name(cell: CellValue) -> bool:
    value = typed(cell) if isinstance(cell, str) else cell
    year = isinstance(value, int | float) and not isinstance(value, bool) and 1900 <= value <= 2100
    return year or not isinstance(value, bool | int | float | datetime)
