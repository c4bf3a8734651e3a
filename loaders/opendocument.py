"""OpenDocument texts and presentations (.odt, .ott, .odp, ...): what LibreOffice and others write."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from docindex.errors import LoadError
from docindex.loaders.limits import cure
from docindex.loaders.office_opendocument import OpenDocument, open_opendocument, q
from docindex.loaders.office_opendocument_styles import BULLETS, ListLevel, OpenDocumentStyles
from docindex.loaders.office_opendocument_tables import laid_out_cells, read_grid
from docindex.loaders.office_opendocument_text import (
    FRAME,
    HEADING,
    LIST,
    PARAGRAPH,
    TABLE,
    OpenDocumentReader,
)
from docindex.loaders.office_package import parsing
from docindex.loaders.office_properties import chosen_title
from docindex.loaders.writing import DocumentWriter
from docindex.schema import Document, Source

_KIND = "an OpenDocument file"
_STYLE, _CLASS = q("text:style-name"), q("presentation:class")
_DELETION, _CHANGES = q("text:deletion"), q("text:tracked-changes")
_SECTION, _NOTES, _GROUP = q("text:section"), q("presentation:notes"), q("draw:g")
_NO_TEXT = frozenset(
    map(q, ("office:forms", "text:sequence-decls", "text:variable-decls", "text:user-field-decls", "svg:title"))
) | {q("svg:desc"), q("office:annotation"), _NOTES}
_OFF_SLIDE = ("header", "footer", "date-time", "page-number", "page", "notes")
_MARGINS = tuple(q(f"style:{kind}{which}") for kind in ("header", "footer") for which in ("", "-left", "-first"))


class OpenDocumentLoader:
    """One document a file. Slides are pages; texts have none, since where one ends is not in the file.

    Left out and counted are hidden text and tracked deletions. Footnotes and endnotes stand at the end and are marked
    `[^1]`; so do comments, headers and footers. Slides that the show leaves out are read, and labelled "3 (hidden)".
    """

    def load(self, source: Source) -> Iterator[Document]:
        """The file as one document.

        Raises:
            LoadError: The file is no OpenDocument, is damaged, encrypted, or exceeds a limit.
        """
        package = open_opendocument(source, _KIND)
        with parsing(source, _KIND):
            yield _document(source, package)


def _document(source: Source, package: OpenDocument) -> Document:
    body = package.content.find(q("office:body"))
    content = body[0] if body is not None and len(body) else None
    if content is None:
        raise LoadError(source.name, f"is not {_KIND}")
    walk = _Walk(OpenDocumentStyles(package.styles, package.content))
    slides = content.findall(q("draw:page"))
    limit = source.options.limits.pages
    if len(slides) > limit:
        raise LoadError(source.name, f"has {len(slides)} slides, more than {limit}: {cure('pages')}")
    for number, slide in enumerate(slides, 1):
        walk.slide(number, slide)
    if not slides:
        walk.blocks(content)
        walk.finish(package.styles)
    walk.writer.hidden(walk.reader.hidden)
    title = chosen_title(package.properties.title, walk.first_heading)
    return walk.writer.document(source, title=title, metadata=package.properties.fields)


class _Walk:
    """One pass over a document."""

    def __init__(self, styles: OpenDocumentStyles) -> None:
        self.writer = DocumentWriter()
        self.reader = OpenDocumentReader(styles)
        self.first_heading = ""
        self._styles = styles
        self._code: list[str] = []
        self._numbers: dict[tuple[str, int], int] = {}
        """The last number of each list style and level, for lists that go on."""

    def blocks(self, container: etree._Element) -> None:
        """The blocks in the container."""
        for child in container:
            tag = child.tag
            if tag in _NO_TEXT:
                continue
            if tag == PARAGRAPH and self._styles.is_code(child.get(_STYLE)):
                self._code.append(self.reader.text(child))
                continue
            self._end_code()
            if tag in (PARAGRAPH, HEADING):
                self._paragraph(child)
            elif tag == LIST:
                self._list(child, 1, child.get(_STYLE))
            elif tag == TABLE:
                self._table(child)
            elif tag == _CHANGES:
                for deletion in child.iter(_DELETION):
                    for text in deletion.iter(PARAGRAPH, HEADING):
                        self.reader.omit(text)
            elif tag == _SECTION and self._is_hidden(child):
                self.reader.omit(child)
            else:
                self.blocks(child)
        self._end_code()

    def slide(self, number: int, slide: etree._Element) -> None:
        """A slide with its notes and comments."""
        hidden = self._styles.hides_slide(slide.get(q("draw:style-name")))
        self.writer.page(number, f"{number} (hidden)" if hidden else None)
        shapes = list(_shapes(slide))
        opens_part = any(shape.get(_CLASS) == "subtitle" for shape in shapes)
        for shape in shapes:
            if shape.get(_CLASS) == "title":
                self._heading(1 if opens_part else 2, " ".join(self.reader.flat(shape).split()))
        for shape in shapes:
            if shape.get(_CLASS) != "title":
                self._shape(shape)
        self._slide_notes(slide)

    def finish(self, styles: etree._Element | None) -> None:
        """What stands outside the text."""
        margins = list(self._margins(styles)) if styles is not None else []
        notes = [self.reader.flat(note) for note in self.reader.notes]
        if any(notes):
            self.writer.heading(1, "Notes")
        for number, text in enumerate(notes, 1):
            self.writer.item(text, marker=f"[^{number}]:")
        if any(text for _, text in self.reader.comments):
            self.writer.heading(1, "Comments")
            self._comments()
        if margins:
            self.writer.heading(1, "Headers and footers")
            for text in margins:
                self.writer.paragraph(text)

    def _paragraph(self, paragraph: etree._Element) -> None:
        text = self.reader.text(paragraph)
        level = paragraph.get(q("text:outline-level")) or "1"
        if paragraph.tag == HEADING:
            self._heading(int(level) if level.isdigit() else 1, text)
        elif self._styles.is_title(paragraph.get(_STYLE)):
            self._heading(1, text)
        else:
            self.writer.paragraph(text)
        self._attached()

    def _heading(self, level: int, text: str) -> None:
        self.writer.heading(level, text)
        self.first_heading = self.first_heading or text.strip()

    def _attached(self) -> None:
        """The text boxes and tables that hang on the last paragraph."""
        for drawing in self.reader.take_drawings():
            self.blocks(drawing)

    def _list(self, element: etree._Element, depth: int, style: str | None) -> None:
        level = self._styles.list_level(style, depth)
        key = (style or "", depth)
        goes_on = element.get(q("text:continue-numbering")) == "true" or element.get(q("text:continue-list"))
        number = self._numbers.get(key, level.start - 1) if goes_on else level.start - 1
        for item in element:
            if item.tag == q("text:list-item"):
                start = item.get(q("text:start-value")) or ""
                number = int(start) if start.isdigit() else number + 1
                self._numbers[key] = number
                self._item(item, level, number, depth, style)
            elif item.tag == q("text:list-header"):
                self._item(item, BULLETS, 0, depth, style)

    def _item(self, item: etree._Element, level: ListLevel, number: int, depth: int, style: str | None) -> None:
        lines: list[str] = []
        for child in item:
            if child.tag == PARAGRAPH:
                lines.append(self.reader.text(child))
            elif child.tag in (LIST, HEADING, TABLE):
                self._put_item(lines, level, number, depth)
                if child.tag == LIST:
                    self._list(child, depth + 1, child.get(_STYLE) or style)
                elif child.tag == HEADING:
                    self._paragraph(child)
                else:
                    self._table(child)
        self._put_item(lines, level, number, depth)

    def _put_item(self, lines: list[str], level: ListLevel, number: int, depth: int) -> None:
        self.writer.item("\n".join(lines), depth - 1, level.marker(number))
        lines.clear()
        self._attached()

    def _table(self, table: etree._Element) -> None:
        cells = laid_out_cells(table)
        if cells is not None:
            for cell in cells:
                self.blocks(cell)
            return
        header, rows = read_grid(table, self.reader)
        self.writer.table(table.get(q("table:name")) or "", header, rows)
        self._attached()

    def _shape(self, shape: etree._Element) -> None:
        if shape.get(q("presentation:placeholder")) == "true" or shape.get(_CLASS) in _OFF_SLIDE:
            return
        if shape.tag == FRAME and shape.find(q("draw:image")) is not None:
            self.writer.paragraph(shape.findtext(q("svg:desc")) or "")
        self.blocks(shape)

    def _slide_notes(self, slide: etree._Element) -> None:
        texts = [
            self.reader.flat(frame)
            for notes in slide.iterchildren(_NOTES)
            for frame in notes.iter(FRAME)
            if frame.get(_CLASS) == "notes" and frame.get(q("presentation:placeholder")) != "true"
        ]
        if any(texts):
            self.writer.paragraph("Notes:")
            for text in texts:
                self.writer.paragraph(text)
        for annotation in slide.iterchildren(q("office:annotation")):
            author = annotation.findtext(q("dc:creator")) or ""
            self.reader.comments.append((author.strip(), self.reader.flat(annotation)))
        if self.reader.comments:
            self.writer.paragraph("Comments:")
            self._comments()

    def _comments(self) -> None:
        for author, text in self.reader.comments:
            self.writer.item(f"{author}: {text}" if author and text else text)
        self.reader.comments.clear()

    def _margins(self, styles: etree._Element) -> Iterator[str]:
        seen: set[str] = set()
        for margin in styles.iter(*_MARGINS):
            text = self.reader.flat(margin)
            if text not in seen and any(character.isalpha() for character in text):
                seen.add(text)
                yield text

    def _is_hidden(self, section: etree._Element) -> bool:
        return section.get(q("text:display")) == "none" or self._styles.hides(section.get(_STYLE))

    def _end_code(self) -> None:
        if self._code:
            self.writer.code("\n".join(self._code))
            self._code = []
            self._attached()


def _shapes(element: etree._Element) -> Iterator[etree._Element]:
    """The shapes in their order, those in groups where the group is."""
    for child in element:
        if child.tag == _GROUP:
            yield from _shapes(child)
        elif child.tag not in _NO_TEXT:
            yield child
