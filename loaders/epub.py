"""EPUB: a book as one document, its chapters in reading order.

The libraries that read EPUB are under the AGPL (EbookLib), or new, without limits on what they unpack, and without
printed pages. So the container is read here, and the markup by libraries.
"""

from __future__ import annotations

import re
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from docindex.errors import LoadError
from docindex.loaders.epub_chapter import MarkedChapter
from docindex.loaders.epub_headings import ChapterHeadings
from docindex.loaders.epub_package import XHTML, Chapter, Package, Place, read_package
from docindex.loaders.html import HtmlLoader
from docindex.loaders.joining import JoinedText
from docindex.loaders.limits import cure, open_zip, read_member
from docindex.loaders.values import LONGEST_STRING, iso_datetime
from docindex.protocols import Loaded
from docindex.schema import Document, MetadataValue, Page, Problem, Source, Unread

_YEAR_OR_MONTH = re.compile(r"(\d{4})(?:-(\d\d))?")


class EpubLoader:
    """One document a book. Headings are those of the chapters, at the levels of the table of contents.

    What only the table of contents names is a heading, too. Where the book tells how it was printed, its pages are
    those of the printed book. Chapters that are pictures are passed over; books with copy protection are refused.
    """

    def load(self, source: Source) -> Iterator[Loaded]:
        """The book, then what of it could not be read.

        Raises:
            LoadError: It is no EPUB, is damaged, encrypted or copy-protected, or exceeds the limits.
        """
        with open_zip(source) as archive:
            package = read_package(source, archive)
            most = source.options.limits.pages
            if max(len(package.chapters), len(package.pages)) > most:
                raise LoadError(source.name, f"has more than {most} chapters or pages: {cure('pages')}")
            book = _Book(source, archive, package)
            for chapter in package.chapters:
                book.add(chapter)
        if book.text.length:
            yield book.document()
        else:
            yield Unread(source.name, "holds pictures only, no text")
        yield from book.told


class _Book:
    def __init__(self, source: Source, archive: zipfile.ZipFile, package: Package) -> None:
        self.text = JoinedText()
        self.told: list[Loaded] = []
        self._source = source
        self._archive = archive
        self._package = package
        self._contents = _by_chapter(package.contents)
        self._pages = _by_chapter(package.pages)
        self._headings = ChapterHeadings()
        self._page_starts: list[tuple[int, str]] = []

    def add(self, chapter: Chapter) -> None:
        name = f"{self._source.name}/{chapter.path}"
        if chapter.media_type not in XHTML:
            self.told.append(Unread(name, f"a chapter of the type {chapter.media_type or 'unknown'}, without text"))
            return
        contents, pages = self._contents.pop(chapter.path, []), self._pages.pop(chapter.path, [])
        try:
            marked = MarkedChapter(
                read_member(self._source, self._archive, chapter.path),
                {place.fragment for place in (*contents, *pages) if place.fragment},
            )
            document, found = marked.unmark(_read_html(self._source, name, marked.html))
        except LoadError as error:
            self.told.append(Problem(name, error.reason))
            return
        if not document.text:
            return
        entries = [(place, found.get(place.fragment, None if place.fragment else 0)) for place in contents]
        start = self.text.add(replace(document, headings=self._headings.of(document, entries)))
        for place in pages:
            at = found.get(place.fragment) if place.fragment else 0
            if at is not None:
                self._page_starts.append((start + at, place.label))

    def document(self) -> Document:
        said = self._package.said
        title = next(iter(said.get("title", [])), "") or PurePosixPath(self._source.name).stem
        document = self.text.document(self._source, title=title, metadata=_metadata(said))
        return replace(document, pages=_pages(document.text, self._page_starts))


def _by_chapter(places: Sequence[Place]) -> dict[str, list[Place]]:
    found: dict[str, list[Place]] = defaultdict(list)
    for place in places:
        found[place.path].append(place)
    return found


def _read_html(source: Source, name: str, html: bytes) -> Document:
    with TemporaryDirectory(prefix="docindex-") as folder:
        path = Path(folder) / "chapter.html"
        path.write_bytes(html)
        return next(iter(HtmlLoader().load(replace(source, name=name, path=path, media_type="text/html"))))


def _pages(text: str, starts: Sequence[tuple[int, str]]) -> tuple[Page, ...]:
    """The printed pages; what stands before the first one is a page without a label."""
    ordered = sorted(starts, key=lambda entry: entry[0])
    if ordered and text[: ordered[0][0]].strip():
        ordered.insert(0, (0, ""))
    ends = [start for start, _ in ordered[1:]] + [len(text)]
    pages = []
    for number, ((start, label), end) in enumerate(zip(ordered, ends, strict=False), 1):
        pages.append(Page(number, start, start + len(text[start:end].rstrip()), label or None))
    return tuple(pages)


def _metadata(said: Mapping[str, Sequence[str]]) -> dict[str, MetadataValue]:
    found: dict[str, MetadataValue] = {}
    for field, name in (("author", "creator"), ("publisher", "publisher"), ("description", "description")):
        text = ", ".join(said.get(name, []))
        if text and len(text) <= LONGEST_STRING:
            found[field] = text
    for field, name in (("language", "language"), ("identifier", "identifier")):
        if values := said.get(name):
            found[field] = values[0][:LONGEST_STRING]
    if keywords := said.get("subject"):
        found["keywords"] = tuple(keywords)
    moment = next(filter(None, map(_moment, said.get("date", []))), None)
    if moment is not None:
        found["date"] = moment
    return found


def _moment(text: str) -> datetime | None:
    if match := _YEAR_OR_MONTH.fullmatch(text):
        try:
            return datetime(int(match[1]), int(match[2] or 1), 1, tzinfo=UTC)
        except ValueError:
            return None
    return iso_datetime(text)
