"""PDFium, with types: text, labels, outline and properties of a PDF, and the one lock that it needs."""

from __future__ import annotations

import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, cast

import pypdfium2

from docindex.loaders.decoding import clean
from docindex.loaders.pdf_annotations import flatten
from docindex.loaders.pdf_cells import PdfTable
from docindex.loaders.pdf_grid import Ruling
from docindex.loaders.pdf_layout import OutlineItem, PageText, TooManyPagesError, find_heading, page_text
from docindex.loaders.pdf_repair import quiet, text_of_page
from docindex.loaders.pdf_rulings import read_rulings
from docindex.loaders.pdf_table_parts import write_tables
from docindex.loaders.pdf_tables import UnreadTablesError, cut_tables

PdfiumError = pypdfium2.PdfiumError

PASSWORD_ERROR: Final = 4
SECURITY_ERROR: Final = 5
_VIEW_XYZ: Final = 1
_POINTS: Final = 72
"""To the inch."""

_PDFIUM: Final = threading.Lock()
"""PDFium keeps global state: two threads in it crash the process, whichever files they read."""


class _TextPage(Protocol):
    raw: object

    def get_text_bounded(self, *, top: float | None = None) -> str: ...
    def close(self) -> None: ...


class _Bitmap(Protocol):
    width: int
    height: int
    stride: int
    buffer: Iterable[int]

    def close(self) -> None: ...


class _Page(Protocol):
    raw: object

    def get_textpage(self) -> _TextPage: ...
    def get_size(self) -> tuple[float, float]: ...
    def render(self, *, scale: float, grayscale: bool) -> _Bitmap: ...
    def close(self) -> None: ...


class _Target(Protocol):
    def get_index(self) -> int | None: ...
    def get_view(self) -> tuple[int, list[float]]: ...


class _Bookmark(Protocol):
    level: int

    def get_title(self) -> str: ...
    def get_dest(self) -> _Target | None: ...


class _Pdf(Protocol):
    def __len__(self) -> int: ...
    def get_page(self, index: int) -> _Page: ...
    def get_page_label(self, index: int) -> str: ...
    def get_toc(self) -> Iterator[_Bookmark]: ...
    def get_metadata_dict(self, skip_empty: bool = False) -> dict[str, str]: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Rendering:
    """A page as a picture."""

    index: int
    """Of the page, from 0."""
    width: int
    height: int
    gray: bytes
    """One byte a pixel, row by row; none where the page can't be drawn."""


_Outline = list[tuple[int, str, float | None]]
"""Of one page: level from 1, title, and height on the page in points where it is given."""

_open = cast("Callable[[Path, str | None], _Pdf]", pypdfium2.PdfDocument)


def read_pdf(path: Path, password: str | None, most_pages: int = sys.maxsize) -> tuple[list[PageText], dict[str, str]]:
    """The pages, and the entries of the information dictionary.

    Raises:
        PdfiumError: The file can't be opened; `err_code` says why.
        TooManyPagesError: It has more than so many.
    """
    with _PDFIUM, quiet("pypdfium2"), closing(_open(path, password)) as pdf:
        if len(pdf) > most_pages:
            raise TooManyPagesError(len(pdf))
        outlines = _outlines(pdf)
        pages = []
        tables: dict[int, list[PdfTable]] = {}
        for index in range(len(pdf)):
            outline = outlines.get(index, [])
            try:
                page, of_page = _read_page(pdf, index, outline, tables.get(index - 1, []))
                if of_page:
                    tables[index] = of_page
            except PdfiumError:
                text = text_of_page(path, index, password)
                page = PageText(text, [OutlineItem(level, title, 0) for level, title, _ in outline])
            page.label = clean(pdf.get_page_label(index)) or None
            pages.append(page)
        write_tables(pages, tables)
        return pages, pdf.get_metadata_dict(skip_empty=True)


def render_pages(
    path: Path, password: str | None, indexes: Sequence[int], dpi: int, most_pixels: int
) -> Iterator[Rendering]:
    """The pages as pictures, one at a time; at a lower resolution where they would have more pixels.

    Raises:
        PdfiumError: The file can't be opened.
    """
    with _PDFIUM, quiet("pypdfium2"):
        pdf = _open(path, password)
    try:
        for index in indexes:
            with _PDFIUM, quiet("pypdfium2"):
                rendering = _render(pdf, index, dpi, most_pixels)
            yield rendering  # without the lock: reading the picture takes seconds
    finally:
        with _PDFIUM:
            pdf.close()


def _render(pdf: _Pdf, index: int, dpi: int, most_pixels: int) -> Rendering:
    try:
        with closing(pdf.get_page(index)) as page:
            width, height = page.get_size()
            scale = min(dpi / _POINTS, (most_pixels / max(1.0, width * height)) ** 0.5)
            with closing(page.render(scale=scale, grayscale=True)) as bitmap:
                rows = memoryview(bytes(bitmap.buffer))
                stride, wide, high = bitmap.stride, bitmap.width, bitmap.height
                gray = b"".join(rows[row * stride : row * stride + wide] for row in range(high))
                return Rendering(index, wide, high, gray)
    except (PdfiumError, ValueError, MemoryError):
        return Rendering(index, 0, 0, b"")


def _outlines(pdf: _Pdf) -> dict[int, _Outline]:
    """By page index."""
    found: dict[int, _Outline] = defaultdict(list)
    for bookmark in pdf.get_toc():
        try:
            title = " ".join(clean(bookmark.get_title()).split())
        except ValueError:  # not valid UTF-16
            continue
        target = bookmark.get_dest()
        index = target.get_index() if target else None
        if target is None or index is None or not title:
            continue
        mode, position = target.get_view()
        height = position[1] if mode == _VIEW_XYZ and len(position) > 1 else None
        found[index].append((bookmark.level + 1, title, height))
    return found


def _read_page(pdf: _Pdf, index: int, outline: _Outline, before: Sequence[PdfTable]) -> tuple[PageText, list[PdfTable]]:
    """The page without its tables, and these. Those of the page before may go on here."""
    with closing(pdf.get_page(index)) as page:
        rulings = read_rulings(page.raw)  # before the frames of fields are drawn
        undrawn = flatten(page.raw)
        if undrawn is None:
            return _read_text(page, rulings, outline, before)
    with closing(pdf.get_page(index)) as page:
        found, tables = _read_text(page, rulings, outline, before)
    found.text = "\n".join(filter(None, (found.text, *map(page_text, undrawn))))
    return found, tables


def _read_text(
    page: _Page, rulings: Sequence[Ruling], outline: _Outline, before: Sequence[PdfTable]
) -> tuple[PageText, list[PdfTable]]:
    with closing(page.get_textpage()) as reader:
        # The bounded text keeps footnote marks on their line and characters beyond UCS-2; the plain range does not.
        raw = reader.get_text_bounded()
        found = PageText("")
        try:
            cut = cut_tables(page.raw, reader.raw, raw, rulings, before[-1] if before else None)
        except UnreadTablesError:
            cut, found.unread_tables = None, True
        found.text = cut.text if cut else page_text(raw)
        for level, title, height in outline:
            below = reader.get_text_bounded(top=height) if height else ""
            start = None
            if cut and below.strip() and raw.endswith(below):
                start = cut.offset_of(len(raw) - len(below))
            elif not cut and (below := page_text(below)) and found.text.endswith(below):
                start = len(found.text) - len(below)
            found.outline.append(OutlineItem(level, title, find_heading(found.text, title, start)))
        return found, cut.tables if cut else []
