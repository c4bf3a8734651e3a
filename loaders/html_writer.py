"""Lays out the text of a page: blocks, lines and list items, with headings and tables where they stand."""

from __future__ import annotations

from docindex.loaders.table_text import TableDraft
from docindex.schema import DocumentTable, Heading


class HtmlWriter:
    """Takes text in reading order. Breaks and separators are owed until text follows, so none is left over."""

    def __init__(self) -> None:
        self.headings: list[Heading] = []
        self.tables: list[DocumentTable] = []
        self._parts: list[str] = []
        self._length = 0
        self._newlines = 0
        self._space = False
        self._bullet = ""
        self._heading_level = 0
        self._heading_start: int | None = None
        self._heading_part = 0

    @property
    def text(self) -> str:
        """All that was written."""
        return "".join(self._parts)

    def words(self, text: str) -> None:
        """Running text; white space of any kind and length is one space."""
        joined = " ".join(text.split())
        self._space = self._space or text[:1].isspace()
        if joined:
            self._put(joined)
            self._space = text[-1:].isspace()

    def lines(self, text: str) -> None:
        """Text whose spaces and line ends count."""
        body = text.strip("\n")
        if not body:
            self._newlines += len(text)
            return
        self._newlines += len(text) - len(text.lstrip("\n"))
        self._put(body.replace("\xa0", " "))
        self._newlines = len(text) - len(text.rstrip("\n"))

    def line_break(self) -> None:
        """The next text starts a line; after two of them, a block."""
        self._owe(min(self._newlines + 1, 2))

    def start_line(self) -> None:
        """The next text starts a line."""
        self._owe(max(self._newlines, 1))

    def start_block(self) -> None:
        """The next text starts a block, after an empty line."""
        self._owe(2)

    def start_item(self, bullet: str) -> None:
        """The next text starts a line, with the bullet before it."""
        self.start_line()
        self._bullet = bullet

    def start_heading(self, level: int) -> None:
        """What follows up to `end_heading` is a heading."""
        self.start_block()
        self._heading_level, self._heading_start = level, None

    def end_heading(self) -> None:
        """Keeps the heading, if there was text in it."""
        if self._heading_level and self._heading_start is not None:
            words = " ".join("".join(self._parts[self._heading_part :]).split())
            self.headings.append(Heading(self._heading_level, self._heading_start, words))
        self._heading_level = 0
        self.start_block()

    def table(self, draft: TableDraft) -> None:
        """A table as a block. The mark of a list item that begins with it would break its first line."""
        if draft.lines:
            self.start_block()
            self._bullet = ""
            self._put(draft.lines[0])
            self.tables.append(draft.placed(self._length - len(draft.lines[0])))
            for line in draft.lines[1:]:
                self._append("\n")
                self._append(line)
            self.start_block()

    def _owe(self, newlines: int) -> None:
        self._newlines, self._space = newlines, False

    def _put(self, text: str) -> None:
        starts_line = not self._length or self._newlines > 0
        if self._length:
            self._append("\n" * self._newlines)
        if self._space and not starts_line:
            self._append(" ")
        self._append(self._bullet)
        self._newlines, self._space, self._bullet = 0, False, ""
        if self._heading_level and self._heading_start is None:
            self._heading_start, self._heading_part = self._length, len(self._parts)
        self._append(text)

    def _append(self, text: str) -> None:
        if text:
            self._parts.append(text)
            self._length += len(text)
