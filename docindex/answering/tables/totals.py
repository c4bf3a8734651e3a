"""Rows of totals in a table: counted along, they would double every sum."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from docindex.answering.tables.lexicon import line
from docindex.loaders.cell_types import typed_column
from docindex.schema import CellValue, DocumentTable, TableRow

_SUMS = line(
    "total totals subtotal subtotals sum sums overall summe gesamt gesamtsumme zwischensumme endsumme insgesamt summa "
    "totale totaal totaux somme suma somma ∑ σ"
)
_MEANS = line("average mean overall")
_WORDS = re.compile(r"\w+|∑")
_MONEY = re.compile(r"[€$£¥]|\b(?:EUR|USD|GBP|CHF|JPY)\b")
_CLOSE = 1e-6
_NESTED = 16
"""So many of the last subtotals may be what a further one adds up."""


def data_rows(table: DocumentTable) -> Sequence[TableRow]:
    """The rows that hold data.

    One is left out if it is labelled as a total and a number in it is the sum of those above, or is labelled as an
    average and is their mean: of all of them, or of those since a row that was left out.
    """
    labelled = {at for at, row in enumerate(table.rows) if _is_labelled(row)}
    if not labelled:
        return table.rows
    above = _Above(_numbers(table))
    kept: list[TableRow] = []
    for at, row in enumerate(table.rows):
        if at in labelled and above.come_to(at, row, kept):
            above.part(len(kept))
        else:
            kept.append(row)
            above.keep(at)
    return kept


class _Above:
    """The numbers of the rows that were kept so far, added up."""

    def __init__(self, columns: Sequence[Sequence[float | None]]) -> None:
        self._columns = columns
        self._added = [[0.0] for _ in columns]
        self._filled = [[0] for _ in columns]
        self._starts = [0]

    def keep(self, at: int) -> None:
        """Adds a row."""
        for column, added, filled in zip(self._columns, self._added, self._filled, strict=True):
            value = column[at]
            added.append(added[-1] + (value or 0))
            filled.append(filled[-1] + (value is not None))

    def part(self, at: int) -> None:
        """Begins a group after so many kept rows."""
        self._starts.append(at)

    def come_to(self, at: int, row: TableRow, kept: Sequence[TableRow]) -> bool:
        """Whether the labelled row is the total or average of all kept rows, or of those since the start of a group."""
        numbers = [number for column in self._columns if (number := column[at])]
        for start in {0, *self._starts[-_NESTED:]}:
            if len(kept) - start == 1 and not _is_of(row, kept[-1]):
                continue
            said = [column[at] for place, column in enumerate(self._columns) if self._comes_to(place, at, row, start)]
            if any(said) or (said and not numbers):  # zeros alone are the sum of zeros by chance
                return True
        return False

    def _comes_to(self, place: int, at: int, row: TableRow, start: int) -> bool:
        said, added, filled = self._columns[place][at], self._added[place], self._filled[place]
        count = filled[-1] - filled[start]
        if said is None or not count:
            return False
        total = added[-1] - added[start]
        margin = _CLOSE * max(1.0, abs(total))
        if abs(total - said) <= margin and _words(row.cells) & _SUMS:
            return True
        return count > 1 and abs(total / count - said) <= margin and _is_average(row)


def _is_labelled(row: TableRow) -> bool:
    return bool(_words(row.cells) & _SUMS) or _is_average(row)


def _is_average(row: TableRow) -> bool:
    """Whether the first cell says that the row is one of averages, and no more: "average" may be a grade elsewhere."""
    label = next((cell for cell in row.cells if cell is not None), None)
    words = _words((label,))
    return bool(words) and words <= _MEANS


def _is_of(row: TableRow, one: TableRow) -> bool:
    """Whether a total is of one row by what it says: "Total care" may cost what "Basic care" above it does."""
    rest = _words(row.cells) - _SUMS
    cells = [_words((cell,)) for cell in one.cells]
    return rest == {word for words in cells if words <= rest for word in words}


def _words(cells: Iterable[CellValue]) -> set[str]:
    return {word for cell in cells if isinstance(cell, str) for word in _WORDS.findall(cell.casefold())}


def _numbers(table: DocumentTable) -> list[list[float | None]]:
    """The columns of numbers, and those of amounts of money that are texts."""
    found = []
    for at, column in enumerate(table.columns):
        cells: list[CellValue] = [row.cells[at] for row in table.rows]
        kind = column.type
        if kind == "text" and any(isinstance(cell, str) and _MONEY.search(cell) for cell in cells):
            kind, cells = typed_column(
                [_MONEY.sub("", cell).strip() if isinstance(cell, str) else cell for cell in cells]
            )
        if kind in ("integer", "number"):
            found.append([cell if isinstance(cell, int | float) else None for cell in cells])
    return found
