"""What is read: sources, documents with their structure, and the nodes that they are cut into."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

MetadataValue = str | int | float | bool | datetime | tuple[str, ...]
"""What a metadata field may hold. Datetimes carry a time zone; they are stored in UTC."""


def digest(*parts: str | bytes) -> str:
    """A 32-character hexadecimal BLAKE2b digest; the parts can't run into each other."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        state.update(len(data).to_bytes(8, "little"))
        state.update(data)
    return state.hexdigest()


def plain_value(value: MetadataValue) -> str | int | float | bool | list[str]:
    """The value as JSON holds it: datetimes become ISO 8601 in UTC."""
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one file may cost. A file that exceeds a limit fails with its name in the report; the rest goes on."""

    file_bytes: int = 2 << 30
    """The largest file."""
    pages: int = 50_000
    """Pages, slides or sheets of a document."""
    seconds: float = 300.0
    """The longest a loader may work on a file without giving a document."""
    inflated_bytes: int = 2 << 30
    """What a compressed file may hold in all when it is unpacked."""
    inflation: int = 200
    """How many times larger a compressed file may become, once it holds more than a few megabytes."""
    depth: int = 8
    """Archives in archives, messages in messages."""
    memory_bytes: int = 4 << 30
    """What the process that parses may have in memory."""
    attempts: int = 2
    """How often a file is tried whose parser crashed or ran out of time, before it is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """How loaders read what can be read in more than one way."""

    id_field: str | None = None
    """The field of a JSON or CSV record that becomes the document's id."""
    title_field: str | None = None
    text_field: str | None = None
    """The field that becomes the text; without it every field does, each under its name."""
    password: str | None = field(default=None, repr=False)
    """Opens encrypted files."""
    query: str | None = None
    """The statement whose rows are read from a source that is a database."""
    ocr: bool = False
    """Read the pages that have no text layer with optical character recognition."""
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class Source:
    """One file to load."""

    name: str
    """What the report, hits and citations call it: a POSIX path relative to the ingested folder, or a URL."""
    path: Path
    """Where its bytes are."""
    media_type: str
    options: LoadOptions = LoadOptions()
    depth: int = 0
    """How many archives or messages it lies in."""


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
