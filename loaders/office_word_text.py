"""The text of a Word paragraph: what is shown of its runs, and what hangs on them."""

from __future__ import annotations

from collections.abc import Iterator

from docx.oxml.ns import qn
from lxml import etree

from docindex.loaders.office_drawings import CHART, SMART_ART, description
from docindex.loaders.office_math import FORMULA, formula_text
from docindex.loaders.office_word_styles import WordStyles
from docindex.loaders.superscripts import LOWERED, RAISED, with_exponents
from docindex.loaders.symbol_fonts import PRIVATE, in_symbol_font, is_symbol_font, symbol

_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_VML_TEXT_PATH = "{urn:schemas-microsoft-com:vml}textpath"
_WORD_2010 = "{http://schemas.microsoft.com/office/word/2010/wordml}"

PARAGRAPH, TABLE, CONTENT = qn("w:p"), qn("w:tbl"), qn("w:sdtContent")
ALTERNATES = f"{_MC}AlternateContent"
CONTAINERS = frozenset(
    map(qn, ("w:ins", "w:moveTo", "w:smartTag", "w:customXml", "w:sdt", "w:sdtContent", "w:dir", "w:bdo"))
)
"""What only wraps other content: tracked insertions, content controls."""
DELETED = frozenset(map(qn, ("w:del", "w:moveFrom")))
_INLINE = CONTAINERS | frozenset(map(qn, ("w:hyperlink", "w:fldSimple", "w:ruby", "w:rubyBase")))
_RUN, _TEXT, _DELETED_TEXT, _RUN_PROPERTIES = qn("w:r"), qn("w:t"), qn("w:delText"), qn("w:rPr")
_PARAGRAPH_PROPERTIES = qn("w:pPr")
_MATH = frozenset((f"{_M}oMath", f"{_M}oMathPara"))
_DRAWINGS = frozenset(map(qn, ("w:drawing", "w:pict", "w:object")))
_BOX, _DESCRIBED = qn("w:txbxContent"), qn("wp:docPr")
_RELATION = qn("r:id")
_DIAGRAM_DATA = qn("r:dm")
_NOTES = {qn("w:footnoteReference"): "footnote", qn("w:endnoteReference"): "endnote"}
_CHARACTERS = {
    qn("w:tab"): "\t",
    qn("w:ptab"): "\t",
    qn("w:br"): "\n",
    qn("w:cr"): "\n",
    qn("w:noBreakHyphen"): "-",
}
_FONTS = tuple(map(qn, ("w:ascii", "w:hAnsi", "w:cs")))


def chosen(alternates: etree._Element) -> Iterator[etree._Element]:
    """The content of the first of several forms of the same thing."""
    choice = alternates.find(f"{_MC}Choice")
    form = choice if choice is not None else alternates.find(f"{_MC}Fallback")
    if form is not None:
        yield from form


def runs_on(paragraph: etree._Element) -> bool:
    """Whether the end of the paragraph is deleted, so that the next one goes on in its line."""
    marks = paragraph.find(f"{_PARAGRAPH_PROPERTIES}/{_RUN_PROPERTIES}")
    if marks is None or not any(mark.tag in DELETED for mark in marks):
        return False
    after = next(paragraph.itersiblings(PARAGRAPH, TABLE, qn("w:sdt"), qn("w:customXml")), None)
    return after is not None and after.tag == PARAGRAPH


class ParagraphReader:
    """Reads the text of paragraphs, and keeps what it finds on the way."""

    def __init__(self, styles: WordStyles) -> None:
        self._styles = styles
        self.hidden = 0
        """Characters that were left out: hidden runs and tracked deletions."""
        self.notes: dict[tuple[str, str], int] = {}
        """The footnotes and endnotes that were referred to, by kind and id, with their numbers in order."""
        self._boxes: list[etree._Element] = []
        self._parts: list[str] = []
        self._kept = ""
        """Of paragraphs whose ends are deleted."""

    def text(self, paragraph: etree._Element) -> str:
        """What a reader sees of the paragraph, after what was kept of those that it is joined to.

        That is empty, and the text is kept for the next paragraph, where that follows without an end between them.
        """
        if self._styles.hides_all(paragraph):
            self.omit(paragraph)
            return ""
        text = self._kept + with_exponents("".join(self._inline(paragraph)))
        self._kept = text if runs_on(paragraph) else ""
        return "" if self._kept else text

    def omit(self, element: etree._Element) -> None:
        """Counts all text in the element as hidden."""
        self.hidden += sum(len(text.text or "") for text in element.iter(_TEXT, _DELETED_TEXT))

    def take_boxes(self) -> list[etree._Element]:
        """The contents of the text boxes in the paragraphs since the last time."""
        boxes, self._boxes = self._boxes, []
        return boxes

    def take_parts(self) -> list[str]:
        """The ids of the relationships to charts and SmartArt in the paragraphs since the last time."""
        parts, self._parts = self._parts, []
        return parts

    def _inline(self, element: etree._Element) -> Iterator[str]:
        for child in element:
            tag = child.tag
            if tag == _RUN:
                if self._styles.hides(child):
                    self.omit(child)
                elif _is_raised(child):
                    yield f"{RAISED}{''.join(self._run(child))}{LOWERED}"
                else:
                    yield from self._run(child)
            elif tag in DELETED:
                self.omit(child)
            elif tag in _INLINE:
                yield from self._inline(child)
            elif tag == ALTERNATES:
                for form in chosen(child):
                    yield from self._inline(form)
            elif tag in _MATH:
                yield "\n".join(map(formula_text, child.iter(FORMULA)))

    def _run(self, run: etree._Element) -> Iterator[str]:
        for child in run:
            tag = child.tag
            if tag == _TEXT:
                yield in_symbol_font(_font(run), child.text or "")
            elif tag in _CHARACTERS:
                yield _CHARACTERS[str(tag)]
            elif tag == qn("w:sym"):
                yield _symbol(child.get(qn("w:font")) or "", child.get(qn("w:char")) or "")
            elif tag in _NOTES:
                key = (_NOTES[str(tag)], child.get(qn("w:id")) or "")
                yield f"[^{self.notes.setdefault(key, len(self.notes) + 1)}]"
            elif tag == qn("w:ruby"):
                yield from self._inline(child)
            elif tag in _DRAWINGS:
                yield from self._drawing(child)
            elif tag == ALTERNATES:
                for form in chosen(child):
                    yield from self._drawing(form)

    def _drawing(self, element: etree._Element) -> Iterator[str]:
        """The description of a picture; text boxes and charts are kept for later."""
        tag = element.tag
        if tag == _BOX:
            self._boxes.append(element)
            return
        if tag == _DESCRIBED:
            yield description(element.get("descr"))
        elif tag == _VML_TEXT_PATH:
            yield element.get("string") or ""
        elif tag in (CHART, SMART_ART):
            self._parts.append(element.get(_RELATION if tag == CHART else _DIAGRAM_DATA) or "")
        for child in chosen(element) if tag == ALTERNATES else element:
            yield from self._drawing(child)


def _is_raised(run: etree._Element) -> bool:
    position = run.find(f"{_RUN_PROPERTIES}/{qn('w:vertAlign')}")
    return position is not None and position.get(qn("w:val")) == "superscript"


def _font(run: etree._Element) -> str:
    """The font that the run names for itself, empty for none."""
    fonts = run.find(f"{_RUN_PROPERTIES}/{qn('w:rFonts')}")
    return next(filter(None, map(fonts.get, _FONTS)), "") if fonts is not None else ""


def _symbol(font: str, code: str) -> str:
    try:
        character = int(code, 16)
    except ValueError:
        return ""
    if is_symbol_font(font) or character in PRIVATE:
        return symbol(font, character)
    return chr(character) if 0x20 <= character < 0x110000 else ""
