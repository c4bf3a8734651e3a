"""The second way to read a PDF: slower, but able to open some damaged files."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from pypdf import PdfReader
from pypdf.generic import Destination

from docindex.loaders.pdf_layout import OutlineItem, PageText, TooManyPagesError, find_heading, page_text

logger = logging.getLogger("docindex.loaders")


def read_repaired(
    path: Path, password: str | None, most_pages: int = sys.maxsize
) -> tuple[list[PageText], dict[str, str]]:
    """The pages and the entries of the information dictionary. A page that can't be read is without text.

    Raises:
        TooManyPagesError: It has more than so many.
        Exception: Anything; the parser makes no promises on damaged files.
    """
    with quiet("pypdf"), PdfReader(path, password=password) as reader:
        if len(reader.pages) > most_pages:
            raise TooManyPagesError(len(reader.pages))
        pages = [PageText(_text_of(reader, index)) for index in range(len(reader.pages))]
        try:
            for page, label in zip(pages, reader.page_labels, strict=False):
                page.label = label
            _add_outline(reader, reader.outline, pages, level=1)
        except Exception:  # a damaged outline is no reason to go without the text
            logger.debug("the outline of %s can't be read", path, exc_info=True)
        return pages, _information(reader)


def text_of_page(path: Path, index: int, password: str | None) -> str:
    """The text of one page, the first is 0; empty if it can't be read."""
    try:
        with quiet("pypdf"), PdfReader(path, password=password) as reader:
            return _text_of(reader, index)
    except Exception:  # noqa: BLE001 - the parser may raise anything on a damaged file
        return ""


@contextmanager
def quiet(*names: str) -> Iterator[None]:
    """Keeps libraries from writing warnings about damaged files to standard error."""
    loggers = [logging.getLogger(name) for name in names]
    levels = [each.level for each in loggers]
    for each in loggers:
        each.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for each, level in zip(loggers, levels, strict=True):
            each.setLevel(level)


def _text_of(reader: PdfReader, index: int) -> str:
    try:
        return page_text(reader.pages[index].extract_text())
    except Exception:  # noqa: BLE001 - as above; the report names the page
        return ""


def _information(reader: PdfReader) -> dict[str, str]:
    try:
        information: Mapping[str, object] = reader.metadata or {}
        return {name.lstrip("/"): str(value) for name, value in information.items()}
    except Exception:  # noqa: BLE001 - as above
        return {}


def _add_outline(reader: PdfReader, outline: Sequence[object], pages: Sequence[PageText], level: int) -> None:
    for item in outline:
        if isinstance(item, list):
            _add_outline(reader, item, pages, level + 1)
        elif isinstance(item, Destination) and item.title:
            index = reader.get_destination_page_number(item)
            title = " ".join(str(item.title).split())
            if index is not None and 0 <= index < len(pages) and title:
                page = pages[index]
                page.outline.append(OutlineItem(level, title, find_heading(page.text, title, None)))
