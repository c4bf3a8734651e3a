"""The text of an OpenDocument paragraph, and what hangs on it."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from docindex.loaders.office_drawings import description
from docindex.loaders.office_opendocument import q
from docindex.loaders.office_opendocument_styles import OpenDocumentStyles

PARAGRAPH, HEADING, LIST, TABLE, FRAME = (
    q(name) for name in ("text:p", "text:h", "text:list", "table:table", "draw:frame")
)
_SPACES, _TAB, _BREAK = q("text:s"), q("text:tab"), q("text:line-break")
_NOTE, _NOTE_BODY, _ANNOTATION = q("text:note"), q("text:note-body"), q("office:annotation")
_HIDDEN_TEXT, _HIDDEN_PARAGRAPH = q("text:hidden-text"), q("text:hidden-paragraph")
_RUBY_TEXT, _ANNOTATION_END = q("text:ruby-text"), q("office:annotation-end")
_DRAWING = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"
_DESCRIPTION = q("svg:desc")
_STYLE = q("text:style-name")
_MOST_SPACES = 1000


class OpenDocumentReader:
    """Reads the text of paragraphs, and keeps what it finds on the way."""

    def __init__(self, styles: OpenDocumentStyles) -> None:
        self._styles = styles
        self.hidden = 0
        """Characters that were left out."""
        self.notes: list[etree._Element] = []
        """The bodies of the footnotes and endnotes, in order."""
        self.comments: list[tuple[str, str]] = []
        """Authors and texts."""
        self._drawings: list[etree._Element] = []

    def text(self, paragraph: etree._Element) -> str:
        """What a reader sees of the paragraph."""
        if self._styles.hides(paragraph.get(_STYLE)) or _is_hidden_paragraph(paragraph):
            self.omit(paragraph)
            return ""
        return "".join(self._inline(paragraph))

    def flat(self, container: etree._Element) -> str:
        """The text of all paragraphs in the container, a line each."""
        lines = (self.text(paragraph).strip() for paragraph in container.iter(PARAGRAPH, HEADING))
        return "\n".join(line for line in lines if line)

    def omit(self, element: etree._Element) -> None:
        """Counts all text in the element as hidden."""
        self.hidden += len(" ".join("".join(map(str, element.itertext())).split()))

    def take_drawings(self) -> list[etree._Element]:
        """The drawings in the paragraphs since the last time."""
        drawings, self._drawings = self._drawings, []
        return drawings

    def _inline(self, element: etree._Element) -> Iterator[str]:
        yield _collapsed(element.text)
        for child in element:
            yield from self._child(child)
            yield _collapsed(child.tail)

    def _child(self, child: etree._Element) -> Iterator[str]:
        tag = child.tag
        if tag == _SPACES:
            count = child.get(q("text:c")) or "1"
            yield " " * min(int(count) if count.isdigit() else 1, _MOST_SPACES)
        elif tag in (_TAB, _BREAK):
            yield "\t" if tag == _TAB else "\n"
        elif tag == _NOTE:
            body = child.find(_NOTE_BODY)
            if body is not None:
                self.notes.append(body)
                yield f"[^{len(self.notes)}]"
        elif tag == _ANNOTATION:
            author = child.findtext(q("dc:creator")) or ""
            self.comments.append((author.strip(), self.flat(child)))
        elif tag.startswith(_DRAWING) and tag != q("draw:a"):
            self._drawings.append(child)
            yield from (description(text.text) for text in child.iterchildren(_DESCRIPTION))
        elif tag == _HIDDEN_TEXT and child.get(q("text:is-hidden"), "true") != "false":
            self.hidden += len(child.get(q("text:string-value")) or "")
        elif tag == q("text:span") and self._styles.hides(child.get(_STYLE)):
            self.omit(child)
        elif tag not in (_RUBY_TEXT, _ANNOTATION_END, _HIDDEN_PARAGRAPH):
            yield from self._inline(child)


def _is_hidden_paragraph(paragraph: etree._Element) -> bool:
    marks = paragraph.iterchildren(_HIDDEN_PARAGRAPH)
    return any(mark.get(q("text:is-hidden"), "true") != "false" for mark in marks)


def _collapsed(text: str | None) -> str:
    """Runs of white space are one space: further ones are elements."""
    if not text:
        return ""
    words = " ".join(text.split())
    if not words:
        return " "
    return f"{' ' if text[0].isspace() else ''}{words}{' ' if text[-1].isspace() else ''}"
