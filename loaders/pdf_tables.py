"""The tables of a page of a PDF: which letters stand in which cell, and the text of the page without them."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from ctypes import byref, c_double
from dataclasses import dataclass
from typing import Any, Final

import pypdfium2.raw as pdfium

from docindex.loaders.pdf_cells import LONGEST_NAME, DealtTable, PdfTable
from docindex.loaders.pdf_grid import Ruling, find_grids, turned, turned_ruling
from docindex.loaders.pdf_layout import page_text

_FEWEST_RULINGS: Final = 4
_MOST_GRIDS: Final = 50
"""A page with more is a drawing."""
_SAMPLED: Final = 50
_CAPTION: Final = re.compile(r"(?:Table|Tab\.|Tabelle|Tableau|Tabla|Tabella|Tabel)\s+[\dA-Z]+(?:[.:\-\u2013 ].*)?")
_Handle = Any  # a pointer of ctypes


class UnreadTablesError(Exception):
    """The letters of the tables are not those of the page's text, which has to stay as it is."""


@dataclass(frozen=True, slots=True)
class CutPage:
    """The text of a page without its tables, and these."""

    text: str
    tables: list[PdfTable]
    raw: str
    """The text before it was cut and cleaned."""
    pieces: list[tuple[int, int]]
    """Where each piece of the text began in `raw`, and where it begins now."""

    def offset_of(self, start: int) -> int:
        """Where in the text is what stood at `start` of the raw text, or what followed it."""
        at = bisect_right(self.pieces, start, key=lambda piece: piece[0]) - 1
        if at < 0:
            return 0
        was, now = self.pieces[at]
        end = self.pieces[at + 1][1] if at + 1 < len(self.pieces) else len(self.text)
        offset = min(now + len(page_text(self.raw[was:start])), end)
        return end - len(self.text[offset:end].lstrip())


def cut_tables(
    page: _Handle, reader: _Handle, raw: str, rulings: Sequence[Ruling], last: PdfTable | None
) -> CutPage | None:
    """The page without its tables, and these; None if it has none.

    Args:
        page: PDFium's page.
        reader: PDFium's text of it.
        raw: All text of the page, as PDFium gives it.
        rulings: The lines that are drawn on the page.
        last: The table that the page before ended with, which may go on here: one row is enough then.

    Raises:
        UnreadTablesError: There are tables, and it can't be told where in the text they stand.
    """
    if len(rulings) < _FEWEST_RULINGS or not raw.strip():
        return None
    grids = find_grids(rulings)
    if not grids or len(grids) > _MOST_GRIDS:
        return None
    quarters = _quarters(reader)
    if quarters:
        grids = find_grids([turned_ruling(ruling, quarters) for ruling in rulings])
    drafts = [DealtTable(grid) for grid in grids]
    letters = _letters(page, reader)
    owners = _deal_out(letters, drafts, quarters)
    found: dict[int, PdfTable] = {}
    for number, draft in enumerate(drafts):
        table = draft.table(None if found else last)
        if table is not None:
            found[number] = table
    if not found:
        return None
    if "".join(text for text, _, _ in letters if not text.isspace()) != "".join(raw.split()):
        raise UnreadTablesError
    tables = (number if number in found and drafts[number].holds(region) else -1 for number, region in owners)
    return _cut(raw, tables, found)


def _quarters(reader: _Handle) -> int:
    """By how many quarters, clockwise, the page has to be turned for most of its text to stand upright."""
    count = pdfium.FPDFText_CountChars(reader)
    angles = (pdfium.FPDFText_GetCharAngle(reader, at) for at in range(0, count, max(1, count // _SAMPLED)))
    (quarters, _), *_ = Counter(-round(angle / (math.pi / 2)) % 4 for angle in angles).most_common(1) or [(0, 0)]
    return int(quarters)


def _letters(page: _Handle, reader: _Handle) -> list[tuple[str, float, float]]:
    """The characters on the page in the order of its text, each with the middle of its place."""
    box = pdfium.FS_RECTF()
    pdfium.FPDF_GetPageBoundingBox(page, byref(box))
    left, right, bottom, top = c_double(), c_double(), c_double(), c_double()
    found = []
    for at in range(pdfium.FPDFText_CountChars(reader)):
        code = pdfium.FPDFText_GetUnicode(reader, at)
        pdfium.FPDFText_GetCharBox(reader, at, byref(left), byref(right), byref(bottom), byref(top))
        text = chr(code)
        outside = right.value < box.left or left.value > box.right or top.value < box.bottom or bottom.value > box.top
        if code and (text.isspace() or not outside):
            found.append((text, (left.value + right.value) / 2, (bottom.value + top.value) / 2))
    return found


def _deal_out(
    letters: Iterable[tuple[str, float, float]], drafts: Sequence[DealtTable], quarters: int
) -> list[tuple[int, int]]:
    """Fills the cells. For each letter that is no space: the number of its table, or -1, and its region there."""
    owners: list[tuple[int, int]] = []
    outside = current = (-1, -1)
    for text, x, y in letters:
        point = turned(x, y, quarters) if quarters else (x, y)
        if text.isspace():
            owner = current
        else:
            places = ((number, draft.grid.region_at(*point)) for number, draft in enumerate(drafts))
            owner = next((place for place in places if place[1] >= 0), outside)
            owners.append(owner)
        if owner != outside:
            drafts[owner[0]].add(owner[1], text if owner == current else f" {text}", point[1])
        current = owner
    return owners


def _cut(raw: str, owners: Iterable[int], found: dict[int, PdfTable]) -> CutPage:
    """The text in the pieces that belong to no table (-1); a table stands where its first letter stood."""
    parts: list[str] = []
    pieces: list[tuple[int, int]] = []
    waiting: list[PdfTable] = []
    tables: list[PdfTable] = []
    length = 0
    for owner, start, end in _runs(raw, owners):
        if owner >= 0:
            table = found[owner]
            if all(table is not other for other in (*tables, *waiting)):
                table.cells.caption = table.cells.caption or _caption(parts[-1] if parts else "")
                waiting.append(table)
            continue
        text = page_text(raw[start:end])
        if not text:
            continue
        if parts:
            parts.append("\n")
            length += 1
        for table in waiting:
            table.offset = length
        tables += waiting
        waiting.clear()
        pieces.append((start, length))
        parts.append(text)
        length += len(text)
    for table in waiting:
        table.offset = length
    return CutPage("".join(parts), tables + waiting, raw, pieces)


def _runs(raw: str, owners: Iterable[int]) -> Iterator[tuple[int, int, int]]:
    """Who the letters belong to that follow each other, and from where to where they stand."""
    numbers = iter(owners)
    owner, start, end = -1, 0, 0
    for at, letter in enumerate(raw):
        if letter.isspace():
            continue
        number = next(numbers)
        if number != owner:
            if end > start:
                yield owner, start, end
            owner, start = number, at
        end = at + 1
    if end > start:
        yield owner, start, end


def _caption(before: str) -> str:
    """The last line before the table, if it is its caption."""
    line = before.rstrip().rpartition("\n")[2].strip()
    return line if len(line) <= LONGEST_NAME and _CAPTION.fullmatch(line) else ""
