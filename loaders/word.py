"""Word documents (.docx and its kin): text, lists and tables in order, then notes, comments, headers and footers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile

from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.part import Part, XmlPart
from docx.oxml.ns import qn
from docx.package import Package
from lxml import etree

from docindex.errors import LoadError
from docindex.loaders.decoding import decode
from docindex.loaders.html import parsed_page, seen_of
from docindex.loaders.html_tables import joined_names
from docindex.loaders.office_drawings import chart_table, diagram_lines
from docindex.loaders.office_package import load_package, parsing, xml_root
from docindex.loaders.office_properties import chosen_title, core_metadata
from docindex.loaders.office_word_styles import WordStyles
from docindex.loaders.office_word_text import (
    ALTERNATES,
    CONTAINERS,
    CONTENT,
    DELETED,
    PARAGRAPH,
    TABLE,
    ParagraphReader,
    chosen,
    runs_on,
)
from docindex.loaders.values import typed
from docindex.loaders.writing import DocumentWriter
from docindex.schema import Document, Source, Unread

_KIND = "a Word document"
_ROW, _CELL, _ROW_PROPERTIES, _CELL_PROPERTIES = qn("w:tr"), qn("w:tc"), qn("w:trPr"), qn("w:tcPr")
_VAL, _ID = qn("w:val"), qn("w:id")
_IMPORT = qn("w:altChunk")
_PAGES = ("text/html", "application/xhtml+xml")
_WIDEST = 1000
"""Columns of a table; Word itself draws 63."""


class DocxLoader:
    """One document a file, as a reader of it sees it with all changes accepted.

    Left out and counted are hidden text and tracked deletions. Numbers of headings and lists, which Word computes,
    are in the text. Footnotes stand at the end and are marked `[^1]`; so do comments, headers and footers. There are no
    pages: where a page ends is for the program that shows the file to say.
    """

    def load(self, source: Source) -> Iterator[Document | Unread]:
        """The file as one document, then what it imports in formats that are not read here.

        Raises:
            LoadError: The file is no Word document, is damaged, encrypted, or exceeds a limit.
        """
        package = load_package(source, _KIND, Package.open)
        with parsing(source, _KIND):
            document, unread = _read(source, package)
        yield document
        yield from unread


def _read(source: Source, package: Package) -> tuple[Document, list[Unread]]:
    relations = {relation.reltype: relation for relation in package.rels.values() if not relation.is_external}
    if RELATIONSHIP_TYPE.OFFICE_DOCUMENT not in relations:
        raise LoadError(source.name, f"is not {_KIND}")
    main = relations[RELATIONSHIP_TYPE.OFFICE_DOCUMENT].target_part
    body = _root(main).find(qn("w:body"))
    if body is None:
        raise LoadError(source.name, f"is not {_KIND}")
    writer = DocumentWriter()
    walk = _Walk(source, main, writer)
    walk.blocks(body)
    walk.finish()
    named = RELATIONSHIP_TYPE.CORE_PROPERTIES in relations  # the library would make up what is missing
    properties = package.core_properties if named else None
    title = chosen_title(properties.title if properties else "", walk.first_heading)
    metadata = core_metadata(properties) if properties else {}
    return writer.document(source, title=title, metadata=metadata), walk.unread


def _root(part: Part) -> etree._Element:
    return part.element if isinstance(part, XmlPart) else xml_root(part.blob)


class _Walk:
    """One pass over the parts of a document."""

    def __init__(self, source: Source, main: Part, writer: DocumentWriter) -> None:
        self.unread: list[Unread] = []
        """What is part of the text and was not read."""
        self._source = source
        self._main = main
        self._writer = writer
        self._styles = WordStyles(self._related(RELATIONSHIP_TYPE.STYLES), self._related(RELATIONSHIP_TYPE.NUMBERING))
        self._reader = ParagraphReader(self._styles)
        self._code: list[str] = []
        self.first_heading = ""

    def blocks(self, container: etree._Element) -> None:
        """The paragraphs and tables in the container."""
        for child in container:
            tag = child.tag
            if tag == PARAGRAPH:
                self._paragraph(child)
            elif tag == TABLE:
                self._table(child)
            elif tag in CONTAINERS or tag == CONTENT:
                self.blocks(child)
            elif tag in DELETED:
                self._reader.omit(child)
            elif tag == _IMPORT:
                self._import(child)
            elif tag == ALTERNATES:
                for form in chosen(child):
                    self.blocks(form)
        self._end_code()

    def _import(self, chunk: etree._Element) -> None:
        """A part in a format of its own, which Word would make paragraphs of."""
        self._end_code()
        part = self._main.related_parts.get(chunk.get(qn("r:id")) or "")
        if part is None or not self._read_part(part):
            name = part.partname.lstrip("/") if part is not None else "a part outside of the file"
            self.unread.append(Unread(self._source.name, f"the text that it imports from {name} is not read"))

    def _read_part(self, part: Part) -> bool:
        """Writes the text of a part, if it is in a format that is read here."""
        try:
            if part.content_type in _PAGES:
                written, hidden = seen_of(parsed_page(self._source, part.blob))
                self._writer.laid_out(written.text, written.headings, written.tables)
                self._writer.hidden(hidden)
            elif part.content_type == "text/plain":
                self._writer.paragraph(decode(self._source, part.blob))
            else:
                return False
        except LoadError:
            return False
        return True

    def finish(self) -> None:
        """What stands outside the text."""
        headers = list(self._headers())
        self._notes()
        self._comments()
        if headers:
            self._writer.heading(1, "Headers and footers")
            for text in headers:
                self._writer.paragraph(text)
        self._writer.hidden(self._reader.hidden)

    def _paragraph(self, paragraph: etree._Element) -> None:
        text = self._reader.text(paragraph)
        if runs_on(paragraph):
            return
        if self._styles.is_code(paragraph):
            self._code.append(text)
        else:
            self._end_code()
            self._put(paragraph, text)
        self._attached()

    def _put(self, paragraph: etree._Element, text: str) -> None:
        label, level = self._styles.label(paragraph), self._styles.heading_level(paragraph)
        if level is not None and text.strip():
            numbered = f"{label.marker} {text}" if label and not label.bullet else text
            self._writer.heading(level, numbered)
            self.first_heading = self.first_heading or numbered
        elif label is not None:
            self._writer.item(text, label.depth, label.marker)
        else:
            self._writer.paragraph(text)

    def _end_code(self) -> None:
        if self._code:
            self._writer.code("\n".join(self._code))
            self._code = []

    def _attached(self) -> None:
        """Text boxes, charts and SmartArt that hang on the last paragraph."""
        for box in self._reader.take_boxes():
            self.blocks(box)
        for relation in self._reader.take_parts():
            part = self._main.related_parts.get(relation)
            if part is None:
                continue
            root = _root(part)
            if etree.QName(root).localname == "chartSpace":
                chart = chart_table(root)
                self._writer.paragraph(chart.title)
                self._writer.table(chart.title, chart.header, chart.rows)
            else:
                for line in diagram_lines(root):
                    self._writer.item(line)

    def _table(self, table: etree._Element) -> None:
        self._end_code()
        rows = [row for row in _inside(table, _ROW) if not self._is_deleted(row)]
        cells = [list(_inside(row, _CELL)) for row in rows]
        nested = any(True for row in cells for cell in row for _ in _inside(cell, TABLE))
        if max(map(len, cells), default=0) < 2 or (nested and len(rows) == 1):
            for cell in (cell for row in cells for cell in row):
                self.blocks(cell)  # it only lays out the page
            return
        naming = _naming_rows(rows)
        grid = self._grid(rows, cells, naming)
        names = joined_names([line for _, line in grid[:naming]]) if naming else None
        self._writer.table("", names, grid[naming:])
        self._attached()

    def _grid(
        self, rows: list[etree._Element], cells: list[list[etree._Element]], naming: int
    ) -> list[tuple[int, list[str]]]:
        """The texts of the cells, by row with its number and by column of the grid that merged cells span."""
        above: dict[int, str] = {}
        grid = []
        for number, (row, row_cells) in enumerate(zip(rows, cells, strict=True), 1):
            line = [""] * _span(row.find(f"{_ROW_PROPERTIES}/{qn('w:gridBefore')}"), 0)
            for cell in row_cells:
                properties = cell.find(_CELL_PROPERTIES)
                merge = properties.find(qn("w:vMerge")) if properties is not None else None
                column, text = len(line), self._cell_text(cell)
                if merge is not None and merge.get(_VAL, "continue") == "continue":
                    text = above.get(column, "")
                elif merge is not None:
                    # What a tall cell says holds for each of its rows; a number in each would add up to too much.
                    above[column] = text if isinstance(typed(text.strip()), str) else ""
                span = properties.find(qn("w:gridSpan")) if properties is not None else None
                across = text if number <= naming and len(row_cells) > 1 else ""  # a wide cell names all its columns
                line += [text, *[across] * (max(1, _span(span, 1)) - 1)]
            grid.append((number, line[:_WIDEST]))
        return grid

    def _cell_text(self, cell: etree._Element) -> str:
        lines: list[str] = []
        for child in _inside(cell, PARAGRAPH, TABLE):
            if child.tag == TABLE:
                for row in _inside(child, _ROW):
                    texts = (self._cell_text(inner) for inner in _inside(row, _CELL))
                    lines.append(", ".join(text for text in texts if text))
                continue
            text = self._reader.text(child).strip()
            label = self._styles.label(child) if not runs_on(child) else None
            lines.append(f"{label.marker} {text}" if label and text else text)
        return "\n".join(line for line in lines if line)

    def _is_deleted(self, row: etree._Element) -> bool:
        deleted = row.find(f"{_ROW_PROPERTIES}/{qn('w:del')}") is not None
        if deleted:
            self._reader.omit(row)
        return deleted

    def _notes(self) -> None:
        found: dict[tuple[str, str], etree._Element] = {}
        for kind, relation in (("footnote", RELATIONSHIP_TYPE.FOOTNOTES), ("endnote", RELATIONSHIP_TYPE.ENDNOTES)):
            root = self._related(relation)
            for note in root if root is not None else ():
                found[kind, note.get(_ID) or ""] = note
        texts = [(number, self._flat(found[key])) for key, number in list(self._reader.notes.items()) if key in found]
        if texts:
            self._writer.heading(1, "Notes")
        for number, text in texts:
            self._writer.item(text, marker=f"[^{number}]:")

    def _comments(self) -> None:
        root = self._related(RELATIONSHIP_TYPE.COMMENTS)
        texts = (
            [(comment.get(qn("w:author")) or "", self._flat(comment)) for comment in root if len(comment)]
            if (root is not None)
            else []
        )
        if any(text for _, text in texts):
            self._writer.heading(1, "Comments")
        for author, text in texts:
            self._writer.item(f"{author}: {text}" if author and text else text)

    def _headers(self) -> Iterator[str]:
        seen: set[str] = set()
        for reference in _root(self._main).iter(qn("w:headerReference"), qn("w:footerReference")):
            part = self._main.related_parts.get(reference.get(qn("r:id")) or "")
            text = self._flat(_root(part)) if part is not None else ""
            if text not in seen and any(character.isalpha() for character in text):
                seen.add(text)
                yield text

    def _flat(self, container: etree._Element) -> str:
        """The text of all paragraphs in the container, one a line."""
        lines = (self._reader.text(paragraph).strip() for paragraph in container.iter(PARAGRAPH))
        return "\n".join(line for line in lines if line)

    def _related(self, relation_type: str) -> etree._Element | None:
        """The root of the first part that the main part is related to in that way."""
        for relation in self._main.rels.values():
            if relation.reltype == relation_type and not relation.is_external:
                return _root(relation.target_part)
        return None


def _inside(element: etree._Element, *tags: str) -> Iterator[etree._Element]:
    """The children of those tags, also in what only wraps them."""
    for child in element:
        if child.tag in tags:
            yield child
        elif child.tag in CONTAINERS or child.tag == CONTENT:
            yield from _inside(child, *tags)


def _naming_rows(rows: list[etree._Element]) -> int:
    """How many rows at the top name the columns; a table has at least one more."""
    count = sum(1 for _ in takewhile(_names_columns, rows))
    return count if count < len(rows) else min(1, len(rows) - 1)


def _names_columns(row: etree._Element) -> bool:
    header = row.find(f"{_ROW_PROPERTIES}/{qn('w:tblHeader')}")
    return header is not None and header.get(_VAL, "true") not in ("0", "false", "off")


def _span(element: etree._Element | None, default: int) -> int:
    value = (element.get(_VAL) or "") if element is not None else ""
    return min(int(value), _WIDEST) if value.isascii() and value.isdigit() else default
