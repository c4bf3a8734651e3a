"""Lays out the text of a document with its structure, so that every offset is right by construction.

writer = DocumentWriter()
writer.page(1, "i")                        # what follows is on that page or slide, until the next one
writer.heading(1, "Setting up")
writer.paragraph("Press the red button.")
writer.item("Wait.", marker="1.")
writer.table("Sizes", ["part", "mm"], [(4, ["bolt", 12]), (5, ["nut", 8.5])])
yield writer.document(source, title="The manual")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from docindex.loaders.decoding import clean
from docindex.loaders.joining import moved
from docindex.loaders.table_text import typed_table
from docindex.schema import CellValue, Document, DocumentTable, Heading, MetadataValue, Page, Source


class DocumentWriter:
    """Takes blocks in reading order. Empty ones leave no trace; blocks are parted by an empty line.

    All text is cleaned, and white space in it normalised, except in code.
    """

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._last: Literal["", "block", "line"] = ""
        self._headings: list[Heading] = []
        self._tables: list[DocumentTable] = []
        self._pages: list[Page] = []
        self._page_number: int | None = None
        self._page_label: str | None = None
        self._page_start: int | None = None
        self._hidden = 0

    @property
    def length(self) -> int:
        """How many code points were written."""
        return self._length

    def heading(self, level: int, text: str) -> None:
        """A heading; 1 is the outermost level."""
        words = _words(text)
        if words:
            self._headings.append(Heading(max(1, level), self._put(words, "block"), words))

    def paragraph(self, text: str) -> None:
        """Running text; single line ends in it are kept."""
        self._put("\n".join(_lines(text)), "block")

    def item(self, text: str, depth: int = 0, marker: str = "-") -> None:
        """An item of a list, on a line of its own; `depth` counts the lists around its list."""
        lines = _lines(text)
        if lines:
            indent = "  " * max(0, depth)
            hanging = f"\n{indent}{' ' * (len(marker) + 1)}"
            self._put(f"{indent}{marker} {hanging.join(lines)}", "line")

    def line(self, text: str) -> None:
        """One line; lines and items that follow each other have no empty line between them."""
        self._put(_words(text), "line")

    def code(self, text: str) -> None:
        """Text whose spaces and line ends count."""
        cleaned = (text if text.isprintable() else clean(text)).rstrip()
        first = len(cleaned) - len(cleaned.lstrip())
        self._put(cleaned[cleaned.rfind("\n", 0, first) + 1 :], "block")

    def table(self, name: str, header: Sequence[str] | None, rows: Sequence[tuple[int, Sequence[CellValue]]]) -> None:
        """A table, as `typed_table` takes it. Its name is not written: put it before as a heading or paragraph."""
        draft = typed_table(name, header, rows)
        if draft.lines:
            self._tables.append(draft.placed(self._put(draft.markdown, "block")))

    def laid_out(self, text: str, headings: Sequence[Heading], tables: Sequence[DocumentTable]) -> None:
        """Clean text that is laid out already, as a block, with the headings and tables in it."""
        start = self._put(text, "block")
        self._headings += [replace(heading, start=heading.start + start) for heading in headings]
        self._tables += [moved(table, start) for table in tables]

    def page(self, number: int, label: str | None = None) -> None:
        """What follows is on that page or slide. What was written before the first one belongs to it, too.

        Raises:
            ValueError: The numbers do not ascend.
        """
        if number <= (self._page_number or 0):
            raise ValueError(f"page {number} follows page {self._page_number}")
        self._end_page()
        self._page_start = 0 if self._page_number is None and self._length else None
        self._page_number, self._page_label = number, label
        if self._last:
            self._last = "block"

    def hidden(self, characters: int) -> None:
        """Counts text that the file holds and no reader of it would see."""
        self._hidden += characters

    def document(
        self,
        source: Source,
        *,
        title: str = "",
        metadata: Mapping[str, MetadataValue] | None = None,
        doc_id: str | None = None,
        media_type: str | None = None,
    ) -> Document:
        """What was written, as a document; nothing may be written after it.

        Args:
            source: The file; its name and media type are the document's unless others are given.
            title: Its title.
            metadata: Its fields.
            doc_id: Its id, for one of several documents of a file.
            media_type: Its type, where that is not the file's.
        """
        self._end_page()
        return Document(
            doc_id=source.name if doc_id is None else doc_id,
            source=source.name,
            text="".join(self._parts),
            media_type=source.media_type if media_type is None else media_type,
            title=_words(title),
            metadata=dict(metadata or {}),
            pages=tuple(self._pages),
            headings=tuple(self._headings),
            tables=tuple(self._tables),
            hidden=self._hidden,
        )

    def _put(self, text: str, kind: Literal["block", "line"]) -> int:
        """Adds the text unless it is empty; where it starts."""
        if not text:
            return self._length
        if self._last:
            self._append("\n" if self._last == kind == "line" else "\n\n")
        start = self._length
        if self._page_start is None:
            self._page_start = start
        self._append(text)
        self._last = kind
        return start

    def _append(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)

    def _end_page(self) -> None:
        if self._page_number is not None:
            start = self._length if self._page_start is None else self._page_start
            self._pages.append(Page(self._page_number, start, self._length, self._page_label))


def _words(text: str) -> str:
    return " ".join((text if text.isprintable() else clean(text)).split())


def _lines(text: str) -> list[str]:
    lines = [text] if text.isprintable() else clean(text).split("\n")
    return [words for words in (" ".join(line.split()) for line in lines) if words]
