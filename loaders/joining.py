"""Documents put one after another into one, such as the chapters of a book."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from docindex.schema import Document, DocumentTable, Heading, MetadataValue, Page, Source

_GAP = "\n\n"


class JoinedText:
    """Takes texts and documents in reading order, parted by an empty line. Empty ones leave no trace."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._headings: list[Heading] = []
        self._tables: list[DocumentTable] = []
        self._hidden = 0
        self.length = 0
        """How many code points there are."""

    def add_text(self, text: str) -> int:
        """Adds a text; where it starts."""
        if not text:
            return self.length
        if self._parts:
            self._parts.append(_GAP)
            self.length += len(_GAP)
        start = self.length
        self._parts.append(text)
        self.length += len(text)
        return start

    def add(self, document: Document) -> int:
        """Adds a document with its headings and tables; where its text starts."""
        start = self.add_text(document.text)
        self._headings += [replace(heading, start=heading.start + start) for heading in document.headings]
        self._tables += [moved(table, start) for table in document.tables]
        self._hidden += document.hidden
        return start

    def document(
        self, source: Source, *, title: str, metadata: Mapping[str, MetadataValue], pages: Sequence[Page] = ()
    ) -> Document:
        """All of it as one document."""
        return Document(
            doc_id=source.name,
            source=source.name,
            text="".join(self._parts),
            media_type=source.media_type,
            title=title,
            metadata=dict(metadata),
            pages=tuple(pages),
            headings=tuple(self._headings),
            tables=tuple(self._tables),
            hidden=self._hidden,
        )


def moved(table: DocumentTable, by: int) -> DocumentTable:
    """The table of a text that has so many more code points before it."""
    rows = tuple(replace(row, start=row.start + by, end=row.end + by) for row in table.rows)
    return replace(table, rows=rows, start=table.start + by, end=table.end + by)
