"""RTF: paragraphs, headings, lists and tables, then notes, comments, headers and footers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from docindex.errors import LoadError
from docindex.loaders.decoding import read_bytes
from docindex.loaders.limits import check_file_size
from docindex.loaders.office_package import parsing
from docindex.loaders.office_properties import chosen_title, office_metadata
from docindex.loaders.office_rtf import (
    CELL,
    DEPTHS,
    HEADINGS,
    IN_TABLE,
    LINE,
    MARKER_END,
    MARKER_START,
    PARAGRAPH_RESET,
    ROW,
    RtfMarkup,
    is_cut_off,
)
from docindex.loaders.writing import DocumentWriter
from docindex.schema import Document, Source

_KIND = "RTF"
_MARK = re.compile("([\n\ufdd0-\ufdef])")
_BULLET = re.compile(r"[^\w(]*")


class RtfLoader:
    """One document a file, as a reader of it sees it with all changes accepted.

    Left out and counted are hidden text and tracked deletions. Headings are told by style or outline level. Footnotes
    stand at the end and are marked `[^1]`; so do text boxes, comments, headers and footers.
    """

    def load(self, source: Source) -> Iterator[Document]:
        """The file as one document.

        Raises:
            LoadError: The file is no RTF, is cut off, damaged, or exceeds the limit.
        """
        check_file_size(source)
        data = read_bytes(source)
        if not data:
            raise LoadError(source.name, "is empty")
        start = data.removeprefix(b"\xef\xbb\xbf").lstrip()
        if not start.startswith(b"{\\rtf"):
            raise LoadError(source.name, f"is not {_KIND}")
        with parsing(source, _KIND):
            markup = RtfMarkup(start)
            if is_cut_off(markup.body):
                raise LoadError(source.name, "is cut off: its end is missing")
            yield _document(source, markup)


def _document(source: Source, markup: RtfMarkup) -> Document:
    writer = DocumentWriter()
    paragraphs = _Paragraphs(writer)
    paragraphs.write(markup.plain(markup.body))
    for box in markup.groups.boxes:
        paragraphs.write(markup.plain(box))
    notes = [markup.words(note) for note in markup.groups.notes]
    if any(notes):
        writer.heading(1, "Notes")
    for number, text in enumerate(notes, 1):
        writer.item(text, marker=f"[^{number}]:")
    comments = [(markup.words(author), markup.words(text)) for author, text in markup.groups.comments]
    if any(text for _, text in comments):
        writer.heading(1, "Comments")
    for author, text in comments:
        writer.item(f"{author}: {text}" if author and text else text)
    texts = dict.fromkeys(markup.words(margin) for margin in markup.groups.margins)
    margins = [text for text in texts if any(character.isalpha() for character in text)]
    if margins:
        writer.heading(1, "Headers and footers")
    for text in margins:
        writer.paragraph(text)
    metadata = office_metadata(
        author=markup.info("author"),
        subject=markup.info("subject"),
        description=markup.info("doccomm"),
        keywords=markup.info("keywords"),
        date=markup.moment("creatim"),
        modified=markup.moment("revtim"),
    )
    title = chosen_title(markup.info("title"), paragraphs.first_heading)
    writer.hidden(markup.hidden)
    return writer.document(source, title=title, metadata=metadata)


class _Paragraphs:
    """Writes text with marks: paragraph properties hold until they are reset."""

    def __init__(self, writer: DocumentWriter) -> None:
        self.first_heading = ""
        self._writer = writer
        self._text: list[str] = []
        self._marker: str | None = None
        """The bullet or number of the paragraph."""
        self._level: int | None = None
        self._depth = 0
        self._in_table = False
        self._row: list[str] = []
        self._rows: list[list[str]] = []

    def write(self, text: str) -> None:
        """All of a text."""
        for part in _MARK.split(text):
            if part == "\n":
                self._end_paragraph()
            elif part == LINE:
                self._text.append("\n")
            elif part == PARAGRAPH_RESET:
                self._level, self._depth, self._in_table = None, 0, False
            elif part == IN_TABLE:
                self._in_table = True
            elif part == CELL:
                self._row.append(self._take().strip())
            elif part == ROW:
                self._rows.append(self._row)
                self._row, self._in_table = [], False
            elif part in (MARKER_START, MARKER_END):
                if not self._in_table:
                    self._marker = self._take().strip()
            elif part and part in HEADINGS:
                self._level = HEADINGS.index(part) + 1
            elif part and part in DEPTHS:
                self._depth = DEPTHS.index(part)
            else:
                self._text.append(part)
        self._end_paragraph()
        self._end_table()

    def _take(self) -> str:
        text, self._text = "".join(self._text), []
        return text

    def _end_paragraph(self) -> None:
        if self._in_table:
            self._text.append("\n")
            return
        text, marker = self._take(), self._marker
        self._marker = None
        if not text.strip():
            return
        self._end_table()
        if self._level is not None:
            number = f"{marker} " if marker and not _BULLET.fullmatch(marker) else ""
            self._writer.heading(self._level, number + text)
            self.first_heading = self.first_heading or " ".join((number + text).split())
        elif marker is not None:
            self._writer.item(text, self._depth, "-" if _BULLET.fullmatch(marker) or marker == "o" else marker)
        else:
            self._writer.paragraph(text)

    def _end_table(self) -> None:
        rows, self._rows = self._rows, []
        if max(map(len, rows), default=0) < 2:
            for row in rows:  # it only lays out the page
                for text in row:
                    self._writer.paragraph(text)
        else:
            self._writer.table("", None, list(enumerate(rows, 1)))
