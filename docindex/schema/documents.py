"""What has been read: documents with their structure, and the nodes that they are cut into."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from docindex.schema.digests import digest

MetadataValue = str | int | float | bool | datetime | tuple[str, ...]
"""What a metadata field may hold. Datetimes carry a time zone; they are stored in UTC."""


def plain_value(value: MetadataValue) -> str | int | float | bool | list[str]:
    """The value as JSON holds it: datetimes become ISO 8601 in UTC."""
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


@dataclass(frozen=True, slots=True)
class Page:
    """A page's place in the document's text; an empty one has no text layer."""

    number: int
    start: int
    end: int
    label: str | None = None
    """The number printed on the page ("xii"), where the file knows it."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading's place in the document's text."""

    level: int
    """1 for the outermost."""
    start: int
    text: str


CellValue = str | int | float | bool | datetime | None
"""What a cell of a table may hold."""
ColumnType = Literal["text", "integer", "number", "boolean", "date"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. Every value in it is of its type, or None."""

    name: str
    """Unique in its table."""
    type: ColumnType


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of a table: what it holds and where it stands."""

    number: int
    """Its number in the source, from 1, as the program that shows the file counts: a sheet's row, a file's line."""
    start: int
    end: int
    """Its place in the document's text."""
    cells: tuple[CellValue, ...]
    """One a column."""


@dataclass(frozen=True, slots=True)
class DocumentTable:
    """A table of a document as typed rows. The text holds it too, in Markdown, for readers."""

    name: str
    """Its caption, or the name of its sheet; empty where it has none."""
    columns: tuple[Column, ...]
    rows: tuple[TableRow, ...]
    start: int
    end: int
    """Its place in the document's text."""


@dataclass(frozen=True, slots=True)
class Document:
    """A text with its structure, as a loader read it."""

    doc_id: str
    source: str
    text: str
    media_type: str = "text/plain"
    title: str = ""
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict)
    pages: tuple[Page, ...] = ()
    """In order; empty where the format has no pages."""
    headings: tuple[Heading, ...] = ()
    """In order of their start."""
    tables: tuple[DocumentTable, ...] = ()
    """In order of their start."""
    hidden: int = 0
    """How many characters the file holds that no reader of it would see, and that the text leaves out."""

    def page_at(self, offset: int) -> Page | None:
        """The page that holds the code point at `offset`."""
        at = bisect_right(self.pages, offset, key=lambda page: page.start) - 1
        while at >= 0 and self.pages[at].start == self.pages[at].end:
            at -= 1  # empty pages share their start with the next one
        return self.pages[at] if at >= 0 else None

    @property
    def pages_without_text(self) -> tuple[int, ...]:
        """The numbers of the pages that hold no text."""
        return tuple(page.number for page in self.pages if not self.text[page.start : page.end].strip())


@dataclass(frozen=True, slots=True)
class Node:
    """A passage: `document.text[start:end] == text`, always."""

    node_id: str
    doc_id: str
    order: int
    """Its place among the document's nodes of the same level, from 0."""
    start: int
    end: int
    text: str
    context: str = ""
    """Title and headings path: embedded and searched with the text, never quoted."""
    headings: tuple[str, ...] = ()
    page: int | None = None
    page_label: str | None = None
    level: int = 0
    """0 for passages; higher for their parents."""
    parent_id: str | None = None

    @property
    def full_text(self) -> str:
        """What is embedded and searched."""
        return f"{self.context}\n{self.text}" if self.context else self.text

    @property
    def content_hash(self) -> str:
        """Equal for nodes that embed alike, whichever document they are in."""
        return digest(self.full_text)
