"""From the text of single pages to a document: words joined over line ends, pages and headings at their offsets."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone

from docindex.loaders.decoding import clean
from docindex.loaders.table_text import TableDraft
from docindex.schema import DocumentTable, Heading, MetadataValue, Page, Problem, TableRow

PAGE_BREAK = "\n\n"

_BREAK_MARK = "\ufffe"
_MARKED_BREAK = re.compile(r"(?<=\w)(?:[\x02\ufffe]|\xad(?:\r?\n)?)(?=\w)")
_BREAK_AT_END = re.compile(r"(?<=\w)[\x02\ufffe\xad]\s*\Z")
_BROKEN_WORD = re.compile(rf"\w+(?:{_BREAK_MARK}\w+)+")
_BROKEN_AT = re.compile(rf"(\w+){_BREAK_MARK}(?=(\w+))")
_WORD = re.compile(r"\w+(?:-\w+)*")
_PDF_DATE = re.compile(r"(?:D:)?(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:Z|([+-])(\d\d)'?(\d\d)?)?")


class TooManyPagesError(Exception):
    """The file has more pages than it may."""

    def __init__(self, pages: int) -> None:
        super().__init__(f"{pages} pages")
        self.pages = pages


@dataclass(frozen=True, slots=True)
class OutlineItem:
    """A heading's place on its page."""

    level: int
    title: str
    offset: int


@dataclass(frozen=True, slots=True)
class TablePart:
    """The rows of a table that are on a page."""

    table: TableDraft
    first: int
    end: int
    """They are `table.rows[first:end]`."""
    offset: int
    """Where their Markdown stands in the page's text."""

    @property
    def markdown(self) -> str:
        """The names of the columns and the rows."""
        return "\n".join((*self.table.lines[:2], *self.table.lines[2 + self.first : 2 + self.end]))


@dataclass(slots=True)
class PageText:
    """A page as it was read; `text` comes from `page_text`."""

    text: str
    outline: list[OutlineItem] = field(default_factory=list)
    label: str | None = None
    tables: list[TablePart] = field(default_factory=list)
    unread_tables: bool = False
    """It has tables that stand in the text only as lines."""


@dataclass(frozen=True, slots=True)
class Scans:
    """What OCR made of the pages without a text layer."""

    read: tuple[int, ...] = ()
    """The numbers of the pages that it found text on."""
    problem: Problem | None = None

    @property
    def metadata(self) -> dict[str, MetadataValue]:
        """The field that tells that the text of these pages was guessed."""
        return {"ocr_pages": tuple(map(str, self.read))} if self.read else {}


@dataclass(slots=True)
class Laid:
    """The pages as one text."""

    text: str
    pages: tuple[Page, ...]
    headings: tuple[Heading, ...]
    tables: tuple[DocumentTable, ...]


def page_text(raw: str) -> str:
    """The page's text cleaned; where the reader dropped a hyphen at a line end, a mark is left for `lay_out`."""
    raw = _BREAK_AT_END.sub("-", raw)
    parts = [clean(part).replace("\xad", "") for part in _MARKED_BREAK.split(raw)]
    text = _BREAK_MARK.join(parts).rstrip()
    return text if text.strip(_BREAK_MARK) else ""


def find_heading(text: str, title: str, start: int | None) -> int:
    """Where the outline's title stands on the page.

    `start` is where the outline says that its text begins, None when it names only the page. The title is looked for
    at the start of a line, a chapter number before it allowed; when it isn't there the text under it is what counts.
    """
    words = r"\s+".join(re.escape(word) for word in title.split())
    line = re.compile(rf"^(?:[A-Z0-9][\w.]{{0,9}}[ \t]+)?{words}(?!\w)", re.MULTILINE | re.IGNORECASE)
    found = line.search(text, start or 0)
    if found:
        return found.start()
    return start or 0


def lay_out(pages: Sequence[PageText]) -> Laid:
    """One text of all pages with an empty line between them. A page without text is an empty span."""
    known = _vocabulary(pages) if any(_BREAK_MARK in page.text for page in pages) else set[str]()
    parts: list[str] = []
    spans: list[Page] = []
    headings: list[Heading] = []
    tables = _Tables()
    blank: list[tuple[int, PageText]] = []
    length = 0
    for number, page in enumerate(pages, 1):
        if not page.text:
            blank.append((number, page))
            continue
        text, removed = _join_words(page.text, known)
        if parts:
            parts.append(PAGE_BREAK)
            length += len(PAGE_BREAK)
        spans += _empty(blank, length)
        for _, skipped in blank:
            headings += [Heading(item.level, length, item.title) for item in skipped.outline]
        blank.clear()
        for item in sorted(page.outline, key=lambda item: item.offset):
            offset = item.offset - bisect_right(removed, item.offset - 1)
            headings.append(Heading(item.level, length + offset, item.title))
        for part in page.tables:
            tables.place(part, length + part.offset - bisect_right(removed, part.offset - 1))
        spans.append(Page(number, length, length + len(text), page.label))
        parts.append(text)
        length += len(text)
    spans += _empty(blank, length)
    return Laid("".join(parts), tuple(spans), tuple(headings), tables.as_tuple())


def pdf_datetime(text: str) -> datetime | None:
    """The moment of a PDF date such as `D:20240131120000+01'00'`, in UTC; without a zone it is taken as UTC."""
    match = _PDF_DATE.match(text.strip())
    if match is None:
        return None
    parts, (sign, hours, minutes) = match.groups()[:6], match.groups()[6:]
    year, month, day, hour, minute, second = (
        int(part or default) for part, default in zip(parts, (1, 1, 1, 0, 0, 0), strict=True)
    )
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
    try:
        zone = timezone(offset)
        return datetime(year, month, day, hour, minute, second, tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


class _Tables:
    """Tables put together again from their parts."""

    def __init__(self) -> None:
        self._found: list[tuple[TableDraft, int, list[TableRow]]] = []

    def place(self, part: TablePart, start: int) -> None:
        """Adds the rows of a part whose Markdown stands at `start`."""
        draft = part.table
        if not self._found or self._found[-1][0] is not draft:
            self._found.append((draft, start, []))
        at = start + sum(len(line) + 1 for line in draft.lines[:2])
        for (number, cells), line in zip(
            draft.rows[part.first : part.end], draft.lines[2 + part.first :], strict=False
        ):
            self._found[-1][2].append(TableRow(number, at, at + len(line), cells))
            at += len(line) + 1

    def as_tuple(self) -> tuple[DocumentTable, ...]:
        """All of them, in the order of the text."""
        return tuple(
            DocumentTable(draft.name, draft.columns, tuple(rows), start, rows[-1].end)
            for draft, start, rows in self._found
        )


def _empty(blank: Sequence[tuple[int, PageText]], at: int) -> list[Page]:
    return [Page(number, at, at, page.label) for number, page in blank]


def _vocabulary(pages: Sequence[PageText]) -> Set[str]:
    """The words of the document, but for those that a line end broke."""
    words: set[str] = set()
    for page in pages:
        text = page.text.lower()
        words.update(_WORD.findall(_BROKEN_WORD.sub(" ", text) if _BREAK_MARK in text else text))
    return words


def _join_words(text: str, known: Set[str]) -> tuple[str, list[int]]:
    """The text without break marks, and where in it before a mark left nothing behind."""
    if _BREAK_MARK not in text:
        return text, []
    removed: list[int] = []

    def join(match: re.Match[str]) -> str:
        if _keeps_hyphen(match[1], match[2], known):
            return f"{match[1]}-"
        removed.append(match.end(1))
        return match[1]

    return _BROKEN_AT.sub(join, text), removed


def _keeps_hyphen(left: str, right: str, known: Set[str]) -> bool:
    """Whether the broken word has a hyphen of its own, judged by how the document writes it elsewhere."""
    joined, compound = (left + right).lower(), f"{left}-{right}".lower()
    if joined in known:
        return False
    if compound in known or not right[0].islower() or (len(left) == 1 and left.isupper()):
        return True
    return len(left) > 3 and len(right) > 3 and left.lower() in known and right.lower() in known
