"""Rows of totals at the end of a table: counted along, they would double every sum."""

from __future__ import annotations

from collections.abc import Sequence

from docindex.schema import DocumentTable, TableRow

_LABELS = frozenset(
    ("total", "totals", "sum", "grand total", "subtotal", "sub-total", "average", "mean", "overall", "summe", "gesamt")
)
_CLOSE = 1e-6


def data_rows(table: DocumentTable) -> Sequence[TableRow]:
    """The rows that hold data.

    One is left out if it is labelled as a total and a number in it is the sum or mean of those above: all of them, or
    those since the last such row.
    """
    kept: list[TableRow] = []
    numbers = [at for at, column in enumerate(table.columns) if column.type in ("integer", "number")]
    since = 0
    for row in table.rows:
        label = next((cell for cell in row.cells if cell is not None), None)
        labelled = isinstance(label, str) and label.strip(" :").casefold() in _LABELS
        if labelled and any(_sums_up(row, at, kept, since) for at in numbers):
            since = len(kept)
        else:
            kept.append(row)
    return kept


def _sums_up(row: TableRow, at: int, kept: Sequence[TableRow], since: int) -> bool:
    said = row.cells[at]
    if isinstance(said, bool) or not isinstance(said, int | float):
        return False
    for above in (kept, kept[since:]):
        values = [value for one in above if isinstance(value := one.cells[at], int | float)]
        if len(values) > 1:
            total = sum(values)
            margin = _CLOSE * max(1.0, abs(total))
            if abs(total - said) <= margin or abs(total / len(values) - said) <= margin:
                return True
    return False
