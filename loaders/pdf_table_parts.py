"""The tables of a PDF written into its pages, those that go on over several pages as one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from docindex.loaders.html_tables import Cell, TableCells
from docindex.loaders.pdf_cells import PdfTable
from docindex.loaders.pdf_layout import PageText, TablePart
from docindex.loaders.table_text import TableDraft, typed_table

_LONGEST_MARGIN: Final = 200
"""Characters of a running head or foot."""
_NUMBER: Final = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class _Part:
    """What of a table is on a page."""

    index: int
    """Of the page."""
    table: PdfTable
    rows: list[list[Cell]]
    """Without names of the columns that only repeat those of the first part."""


def write_tables(pages: Sequence[PageText], found: Mapping[int, Sequence[PdfTable]]) -> None:
    """Writes tables into the text of their pages, in Markdown, and notes where.

    A table that goes on at the top of the next page is one table; each part begins with the names of the columns.

    Args:
        pages: All pages; their text lacks the tables.
        found: The tables of pages, by the index of the page and in order.
    """
    placed: dict[int, list[TablePart]] = {index: [] for index in found}
    for parts in _whole_tables(pages, found):
        draft = _draft(parts)
        end = 0  # of the rows of the part in those of the draft, which lacks empty ones and those with names
        last = 0
        for part in parts:
            start, last = end, last + len(part.rows)
            end = next((at for at in range(start, len(draft.rows)) if draft.rows[at][0] > last), len(draft.rows))
            if end > start:
                placed[part.index].append(TablePart(draft, start, end, part.table.offset))
    for index, tables in placed.items():
        _write(pages[index], tables)


def _whole_tables(pages: Sequence[PageText], found: Mapping[int, Sequence[PdfTable]]) -> Iterator[list[_Part]]:
    parts: list[_Part] = []
    for index in sorted(found):
        for number, table in enumerate(found[index]):
            part = _Part(index, table, table.cells.rows)
            if number == 0 and parts and parts[-1].index == index - 1:
                repeated = _repeated(parts[0].rows, parts[0].table.cells, table.cells)
                if _goes_on(pages, parts[-1], part) and (repeated or not _has_names(table.cells)):
                    parts.append(replace(part, rows=part.rows[repeated:]))
                    continue
            if parts:
                yield parts
            parts = [part]
    if parts:
        yield parts


def _goes_on(pages: Sequence[PageText], part: _Part, next_part: _Part) -> bool:
    """Whether the columns go on, with nothing between the two but what pages repeat at their top and bottom."""
    below = _digits_alike(pages[part.index].text[part.table.offset :])
    above = _digits_alike(pages[next_part.index].text[: next_part.table.offset])
    near = range(max(0, part.index - 1), min(len(pages), next_part.index + 2))
    return (
        part.table.has_columns_of(next_part.table)
        and max(len(below), len(above)) <= _LONGEST_MARGIN
        and any(_digits_alike(pages[at].text).endswith(below) for at in near if at != part.index)
        and any(_digits_alike(pages[at].text).startswith(above) for at in near if at != next_part.index)
    )


def _digits_alike(text: str) -> str:
    """The text with all numbers the same, as those of pages."""
    return _NUMBER.sub("0", text).strip()


def _repeated(rows: Sequence[Sequence[Cell]], first: TableCells, cells: TableCells) -> int:
    """How many rows at the top of the second table are those that name the columns of the first."""
    naming = max(1, len(first.heads))
    same = [[cell.line for cell in row] for row in rows[:naming]] == [
        [cell.line for cell in row] for row in cells.rows[:naming]
    ]
    return naming if same else 0


def _has_names(cells: TableCells) -> bool:
    """Whether the top row names columns beyond doubt: below a word there are numbers, dates or truth values."""
    draft = cells.draft()
    return draft is not None and draft.rows[0][0] > 1 and any(column.type != "text" for column in draft.columns)


def _draft(parts: Sequence[_Part]) -> TableDraft:
    first = parts[0].table.cells
    rows = [row for part in parts for row in part.rows]
    draft = replace(first, rows=rows).draft()
    if draft is None:  # a single row that looked as if a table went on in it
        return typed_table("", None, [(number, [cell.line for cell in row]) for number, row in enumerate(rows, 1)])
    return draft


def _write(page: PageText, tables: Sequence[TablePart]) -> None:
    """The tables into the text of the page, each at its offset, which becomes that in the new text."""
    text, done, read = "", [], 0
    outline = list(page.outline)
    for part in tables:
        before = text + page.text[read : part.offset].rstrip("\n")
        start = len(before) + 2 if before else 0
        text = f"{before}\n\n{part.markdown}" if before else part.markdown
        after = page.text[part.offset :]
        text += "\n\n" if after else ""
        shift = len(text) - part.offset
        outline = [
            replace(new, offset=old.offset + shift) if old.offset >= part.offset else new
            for old, new in zip(page.outline, outline, strict=True)
        ]
        read = part.offset
        done.append(replace(part, offset=start))
    page.text, page.outline, page.tables = text + page.text[read:], outline, done
