"""The shapes of a slide and their text, in DrawingML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lxml import etree
from pptx.oxml.ns import qn

from docindex.loaders.html_tables import joined_names
from docindex.loaders.office_math import FORMULA, formula_text
from docindex.loaders.office_numbers import shown_number
from docindex.loaders.superscripts import LOWERED, RAISED, with_exponents
from docindex.loaders.symbol_fonts import in_symbol_font, is_symbol_font
from docindex.loaders.values import typed

_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_SHAPES = frozenset(map(qn, ("p:sp", "p:pic", "p:graphicFrame", "p:cxnSp")))
_GROUPS = frozenset((*map(qn, ("p:cSld", "p:spTree", "p:grpSp")), f"{_MC}Choice"))
_ALTERNATES = f"{_MC}AlternateContent"
_PARAGRAPH, _TEXT, _BREAK, _FIELD, _RUN = qn("a:p"), qn("a:t"), qn("a:br"), qn("a:fld"), qn("a:r")
_FONTS = tuple(map(qn, ("a:sym", "a:latin")))
_OFF_SLIDE = ("dt", "sldNum", "sldImg", "hdr")
_FORMS = {
    "alphaLc": "lowerLetter",
    "alphaUc": "upperLetter",
    "romanLc": "lowerRoman",
    "romanUc": "upperRoman",
    "arabic": "decimal",
}
_LEVELS = tuple("012345678")
_WIDEST = 1000


@dataclass(frozen=True, slots=True)
class SlideParagraph:
    """A paragraph of a shape."""

    text: str
    depth: int
    marker: str | None
    """Its bullet or number; empty for none, None where only the placeholder's kind says."""


def shapes_of(element: etree._Element) -> Iterator[etree._Element]:
    """The shapes in their order, those in groups where the group is; of alternatives the first."""
    for child in element:
        if child.tag in _SHAPES:
            yield child
        elif child.tag in _GROUPS:
            if not is_hidden(child):
                yield from shapes_of(child)
            else:
                yield child
        elif child.tag == _ALTERNATES:
            form = next(child.iterchildren(f"{_MC}Choice", f"{_MC}Fallback"), None)
            if form is not None:
                yield from shapes_of(form)


def is_hidden(shape: etree._Element) -> bool:
    """Whether the shape, or the group, is there but not shown."""
    properties = shape.find("{*}*/{*}cNvPr")
    return properties is not None and properties.get("hidden") in ("1", "true")


def is_off_slide(kind: str | None) -> bool:
    """Whether a placeholder holds dates, numbers and the like, which tell nothing."""
    return kind in _OFF_SLIDE


def placeholder_type(shape: etree._Element) -> str | None:
    """The type of the placeholder that the shape fills: "title", "body", ...; None for other shapes."""
    holder = shape.find(f"*/{qn('p:nvPr')}/{qn('p:ph')}")
    return holder.get("type", "obj") if holder is not None else None


def shown_text(element: etree._Element) -> str:
    """All text in the element, a line a paragraph."""
    return "\n".join(_text_of(paragraph) for paragraph in element.iter(_PARAGRAPH))


def shape_paragraphs(shape: etree._Element, layout: etree._Element | None) -> Iterator[SlideParagraph]:
    """The paragraphs of a shape that hold text; the layout says which levels of its placeholders have bullets."""
    unbulleted = _levels_without_bullets(shape, layout)
    counters: dict[int, int] = {}
    body = shape.find(qn("p:txBody"))
    for paragraph in body.iterchildren(_PARAGRAPH) if body is not None else ():
        text = _text_of(paragraph)
        if not text.strip():
            continue
        properties = paragraph.find(qn("a:pPr"))
        level = (properties.get("lvl") or "") if properties is not None else ""
        depth = int(level) if level in _LEVELS else 0
        for deeper in [at for at in counters if at > depth]:
            del counters[deeper]
        marker: str | None = "" if depth in unbulleted else None
        if properties is not None:
            marker = _marker(properties, counters, depth, marker)
        yield SlideParagraph(text, depth, marker)


def table_grid(table: etree._Element) -> tuple[list[str] | None, list[tuple[int, list[str]]]]:
    """The header, where the table says that it has one, and the other rows with their numbers from 1."""
    rows = list(table.iterchildren(qn("a:tr")))
    naming = _naming_rows(table, rows)
    grid: list[tuple[int, list[str]]] = []
    above: dict[int, str] = {}
    for number, row in enumerate(rows, 1):
        line: list[str] = []
        for column, cell in enumerate(row.iterchildren(qn("a:tc"))):
            text = shown_text(cell).strip()
            if cell.get("vMerge") in ("1", "true"):
                text = above.get(column, "")
            elif number <= naming and line and cell.get("hMerge") in ("1", "true"):
                text = line[-1]  # a wide cell names each of its columns
            elif (cell.get("rowSpan") or "1") != "1":
                # What a tall cell says holds for each of its rows; a number in each would add up to too much.
                above[column] = text if isinstance(typed(text), str) else ""
            line.append(text)
        grid.append((number, line[:_WIDEST]))
    names = joined_names([line for _, line in grid[:naming]]) if naming else None
    return names, grid[naming:]


def _naming_rows(table: etree._Element, rows: Sequence[etree._Element]) -> int:
    """How many rows at the top name the columns: one, or as many as its highest cell spans."""
    properties = table.find(qn("a:tblPr"))
    if properties is None or properties.get("firstRow") not in ("1", "true") or len(rows) < 2:
        return 0
    spans = (cell.get("rowSpan") or "1" for cell in rows[0].iterchildren(qn("a:tc")))
    tallest = max((int(span) for span in spans if span.isascii() and span.isdecimal()), default=1)
    return max(1, tallest) if tallest < len(rows) else 1


def _text_of(paragraph: etree._Element) -> str:
    parts = []
    for child in paragraph:
        if child.tag in (_RUN, _FIELD):
            parts.append(_text_of_run(child))
        elif child.tag == _BREAK:
            parts.append("\n")
        elif child.tag == _ALTERNATES or child.tag == "{http://schemas.microsoft.com/office/drawing/2010/main}m":
            form = next(child.iterchildren(f"{_MC}Choice"), child)
            formulas = list(form.iter(FORMULA))
            parts += map(formula_text, formulas) if formulas else (text.text or "" for text in form.iter(_TEXT))
    return with_exponents("".join(parts))


def _text_of_run(run: etree._Element) -> str:
    text = run.findtext(_TEXT) or ""
    properties = run.find(qn("a:rPr"))
    if properties is None:
        return text
    fonts = (font.get("typeface", "") for font in properties.iterchildren(*_FONTS))
    text = in_symbol_font(next(filter(is_symbol_font, fonts), ""), text)
    return f"{RAISED}{text}{LOWERED}" if _is_raised(properties) else text


def _is_raised(properties: etree._Element) -> bool:
    offset = properties.get("baseline") or ""
    return offset[:1].isdecimal() and offset.strip("0%") != ""


def _marker(properties: etree._Element, counters: dict[int, int], depth: int, default: str | None) -> str | None:
    number = properties.find(qn("a:buAutoNum"))
    if number is None:
        counters.pop(depth, None)
        if properties.find(qn("a:buNone")) is not None:
            return ""
        bullet = properties.find(qn("a:buChar"))
        return "-" if bullet is not None or properties.find(qn("a:buBlip")) is not None else default
    start = number.get("startAt") or "1"
    first = int(start) if start.isascii() and start.isdigit() else 1
    counters[depth] = counters[depth] + 1 if depth in counters else first
    kind = number.get("type") or ""
    form = next((form for prefix, form in _FORMS.items() if kind.startswith(prefix)), "decimal")
    shown = shown_number(counters[depth], form)
    return f"({shown})" if kind.endswith("ParenBoth") else f"{shown})" if kind.endswith("ParenR") else f"{shown}."


def _levels_without_bullets(shape: etree._Element, layout: etree._Element | None) -> set[int]:
    """The depths at which the shape, or its placeholder on the layout, has no bullets."""
    holders = [shape]
    index = shape.find(f"*/{qn('p:nvPr')}/{qn('p:ph')}")
    if layout is not None and index is not None:
        place = index.get("idx", "0")
        holders += [
            other
            for other in shapes_of(layout)
            if (holder := other.find(f"*/{qn('p:nvPr')}/{qn('p:ph')}")) is not None and holder.get("idx", "0") == place
        ]
    return {
        level - 1
        for holder in holders
        for level in range(1, 10)
        if holder.find(f"{qn('p:txBody')}/{qn('a:lstStyle')}/{qn(f'a:lvl{level}pPr')}/{qn('a:buNone')}") is not None
    }
