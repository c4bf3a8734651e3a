"""Presentations (.pptx and its kin): a page a slide, with its notes and comments."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree
from pptx.opc.constants import RELATIONSHIP_TYPE
from pptx.oxml.ns import qn
from pptx.package import Package
from pptx.parts.presentation import PresentationPart
from pptx.slide import Slide

from docindex.errors import LoadError
from docindex.loaders.limits import cure
from docindex.loaders.office_drawings import CHART, SMART_ART, chart_table, description, diagram_lines
from docindex.loaders.office_package import load_package, parsing, xml_root
from docindex.loaders.office_properties import chosen_title, core_metadata
from docindex.loaders.office_slide_text import (
    SlideParagraph,
    is_hidden,
    is_off_slide,
    placeholder_type,
    shape_paragraphs,
    shapes_of,
    shown_text,
    table_grid,
)
from docindex.loaders.writing import DocumentWriter
from docindex.schema import Document, Source

_KIND = "a PowerPoint presentation"
_TITLES = ("title", "ctrTitle")
_TITLE_LAYOUTS = ("title", "secHead")
_BULLETED = ("obj", "body")
_PICTURE, _FRAME, _TABLE = qn("p:pic"), qn("p:graphicFrame"), qn("a:tbl")
_PROPERTIES = "{*}cNvPr"


class PptxLoader:
    """One document a file, a page a slide.

    A slide has its title first, as a heading, of level 1 on title and section slides and of level 2 on others; then
    its shapes in their order, which is the one that screen readers take. Slides that the show leaves out are read, and
    labelled "3 (hidden)"; shapes that are hidden are left out and counted. Charts are tables.
    """

    def load(self, source: Source) -> Iterator[Document]:
        """The file as one document.

        Raises:
            LoadError: The file is no presentation, is damaged, encrypted, or exceeds a limit.
        """
        package = load_package(source, _KIND, Package.open)
        with parsing(source, _KIND):
            yield _document(source, package)


def _document(source: Source, package: Package) -> Document:
    try:
        part = package.main_document_part
    except KeyError as error:
        raise LoadError(source.name, f"is not {_KIND}") from error
    if not isinstance(part, PresentationPart):
        raise LoadError(source.name, f"is not {_KIND}")
    slides = part.presentation.slides
    limit = source.options.limits.pages
    if len(slides) > limit:
        raise LoadError(source.name, f"has {len(slides)} slides, more than {limit}: {cure('pages')}")
    walk = _Walk()
    for number, slide in enumerate(slides, 1):
        walk.slide(number, slide)
    try:
        package.part_related_by(RELATIONSHIP_TYPE.CORE_PROPERTIES)
    except KeyError:  # the library would make up properties
        return walk.writer.document(source, title=walk.first_title)
    properties = package.core_properties
    title = chosen_title(properties.title, walk.first_title)
    return walk.writer.document(source, title=title, metadata=core_metadata(properties))


class _Walk:
    """One pass over the slides."""

    def __init__(self) -> None:
        self.writer = DocumentWriter()
        self.first_title = ""
        self._footers: set[str] = set()

    def slide(self, number: int, slide: Slide) -> None:
        """A slide with what belongs to it."""
        hidden = slide.element.get("show") in ("0", "false")
        self.writer.page(number, f"{number} (hidden)" if hidden else None)
        layout = slide.slide_layout.element
        shapes = list(shapes_of(slide.element))
        titles = [shape for shape in shapes if placeholder_type(shape) in _TITLES and not is_hidden(shape)]
        for shape in titles:
            self._title(shape, 1 if layout.get("type") in _TITLE_LAYOUTS else 2)
        for shape in shapes:
            if shape not in titles:
                self._shape(slide, shape, layout)
        self._notes(slide)
        self._comments(slide)

    def _title(self, shape: etree._Element, level: int) -> None:
        text = " ".join(paragraph.text for paragraph in shape_paragraphs(shape, None))
        self.writer.heading(level, text)
        self.first_title = self.first_title or text

    def _shape(self, slide: Slide, shape: etree._Element, layout: etree._Element) -> None:
        if is_hidden(shape):
            self.writer.hidden(len(shown_text(shape)))
            return
        kind = placeholder_type(shape)
        if shape.tag == _FRAME:
            self._frame(slide, shape)
        elif shape.tag == _PICTURE:
            properties = next(shape.iter(_PROPERTIES), None)
            self.writer.paragraph(description(properties.get("descr")) if properties is not None else "")
        elif kind == "ftr":
            text = shown_text(shape).strip()
            if text not in self._footers:
                self._footers.add(text)
                self.writer.paragraph(text)
        elif not is_off_slide(kind):
            for paragraph in shape_paragraphs(shape, layout if kind is not None else None):
                self._paragraph(paragraph, bulleted=kind in _BULLETED)

    def _paragraph(self, paragraph: SlideParagraph, *, bulleted: bool) -> None:
        if paragraph.marker or (bulleted and paragraph.marker is None):
            self.writer.item(paragraph.text, paragraph.depth, paragraph.marker or "-")
        else:
            self.writer.paragraph(paragraph.text)

    def _frame(self, slide: Slide, frame: etree._Element) -> None:
        for table in frame.iter(_TABLE):
            header, rows = table_grid(table)
            self.writer.table("", header, rows)
        for reference in frame.iter(CHART, SMART_ART):
            attribute = "r:id" if reference.tag == CHART else "r:dm"
            relation = slide.part.rels.get(reference.get(qn(attribute)) or "")
            if relation is None or relation.is_external:
                continue
            root = xml_root(relation.target_part.blob)
            if reference.tag == CHART:
                chart = chart_table(root)
                self.writer.paragraph(chart.title)
                self.writer.table(chart.title, chart.header, chart.rows)
            else:
                for line in diagram_lines(root):
                    self.writer.item(line)

    def _notes(self, slide: Slide) -> None:
        if not slide.has_notes_slide:
            return
        shapes = [shape for shape in shapes_of(slide.notes_slide.element) if placeholder_type(shape) == "body"]
        texts = [paragraph.text for shape in shapes for paragraph in shape_paragraphs(shape, None)]
        if any(text.strip() for text in texts):
            self.writer.paragraph("Notes:")
            for text in texts:
                self.writer.paragraph(text)

    def _comments(self, slide: Slide) -> None:
        texts = []
        for relation in slide.part.rels.values():
            if not relation.is_external and relation.reltype.endswith("/comments"):
                root = xml_root(relation.target_part.blob)
                texts += [text.strip() for comment in root for text in _comment_texts(comment)]
        if any(texts):
            self.writer.paragraph("Comments:")
            for text in texts:
                self.writer.item(text)


def _comment_texts(comment: etree._Element) -> Iterator[str]:
    """A comment's text in either of the forms that PowerPoint has written, then its replies'."""
    yield "".join(text.text or "" for text in comment.iterchildren(qn("p:text")))
    for body in comment.iter("{*}txBody"):
        yield shown_text(body)
