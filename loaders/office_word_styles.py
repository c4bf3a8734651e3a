"""What the styles and the numbering of a Word document say of a paragraph: heading, list item, code, hidden."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from docx.oxml.ns import qn
from lxml import etree

from docindex.loaders.office_numbers import shown_number

_HEADING_NAME = re.compile(
    r"(?:heading|überschrift|titre|título|titolo|kop|rubrik|overskrift|otsikko|nagłówek|nadpis|címsor|titlu|başlık"
    r"|επικεφαλίδα|заголовок|标题|標題|見出し|제목)\s*([1-9])",
    re.IGNORECASE,
)
"""Word keeps the English names of its own styles whatever its language; other programs write what they show."""
_TITLES = frozenset(("title", "titel", "titre", "título", "titolo", "название", "标题"))
_CODE_NAME = re.compile(
    r"(?:html preformatted|preformatted text|source code|code( block)?|macro text|listing)", re.IGNORECASE
)
_OFF = ("0", "false", "off", "none")
_BODY_LEVEL = 9
_MOST_LEVELS = 9
_VAL, _ID, _TYPE = qn("w:val"), qn("w:styleId"), qn("w:type")


@dataclass(frozen=True, slots=True)
class Label:
    """What stands before a paragraph of a list."""

    depth: int
    marker: str
    bullet: bool


@dataclass(frozen=True, slots=True)
class _Level:
    form: str
    """The number format: "bullet", "decimal", ..."""
    text: str
    """What is shown, with %1 for the number of the outermost level."""
    start: int
    style: str
    """The paragraph style that has this level."""


@dataclass(slots=True)
class _Numbering:
    """One numbering of the document and where it stands."""

    levels: dict[int, _Level]
    counters: dict[int, int] = field(default_factory=dict)


class WordStyles:
    """Reads a document's paragraphs in order: numbers count up with each one that is asked for."""

    def __init__(self, styles: etree._Element | None, numbering: etree._Element | None) -> None:
        """Takes the roots of the two parts, where the document has them."""
        self._styles: dict[str, etree._Element] = {}
        self._default = ""
        for style in styles if styles is not None else ():
            if style.tag == qn("w:style"):
                self._styles[style.get(_ID) or ""] = style
                if style.get(_TYPE) == "paragraph" and _is_on(style.get(qn("w:default"), "0")):
                    self._default = style.get(_ID) or ""
        self._numberings: dict[str, _Numbering] = {}
        self._restarts: dict[str, dict[int, int]] = {}
        if numbering is not None:
            self._read_numbering(numbering)
        self._hidden_styles = {name for name in self._styles if any(map(_vanishes, self._chain(name)))}

    def heading_level(self, paragraph: etree._Element) -> int | None:
        """The paragraph's outline level from 1, or None for body text."""
        own = _int_of(_child(_child(paragraph, "w:pPr"), "w:outlineLvl"))
        if own is not None and not 0 <= own < _BODY_LEVEL:
            return None
        name = self._style_of(paragraph)
        if own is None and name:
            own = self._style_level(name)
        return None if own is None else own + 1

    def is_code(self, paragraph: etree._Element) -> bool:
        """Whether the style is one for text whose spaces count."""
        return any(_CODE_NAME.fullmatch(_name_of(style)) for style in self._chain(self._style_of(paragraph)))

    def hides(self, run: etree._Element) -> bool:
        """Whether no reader sees the run."""
        properties = _child(run, "w:rPr")
        vanish = _child(properties, "w:vanish")
        if vanish is not None:
            return _is_on(vanish.get(_VAL))
        style = _child(properties, "w:rStyle")
        return style is not None and style.get(_VAL) in self._hidden_styles

    def hides_all(self, paragraph: etree._Element) -> bool:
        """Whether the paragraph's style hides it."""
        return self._style_of(paragraph) in self._hidden_styles

    def label(self, paragraph: etree._Element) -> Label | None:
        """The bullet or number of a paragraph in a list; the next one of the list will have the next number."""
        number, depth = self._place_in_list(paragraph)
        numbering = self._numberings.get(number)
        level = numbering.levels.get(depth) if numbering is not None else None
        if numbering is None or level is None:
            return None
        counters = numbering.counters
        for deeper in [at for at in counters if at > depth]:
            del counters[deeper]
        restart = self._restarts.get(number, {}).pop(depth, None)
        start = level.start if restart is None else restart
        counters[depth] = start if restart is not None or depth not in counters else counters[depth] + 1
        if level.form == "bullet":
            return Label(depth, "-", bullet=True)
        if level.form == "none":
            return None
        shown = re.sub(r"%([1-9])", lambda match: _shown_number(numbering, int(match[1]) - 1), level.text).strip()
        return Label(depth, shown, bullet=False) if shown else None

    def _read_numbering(self, root: etree._Element) -> None:
        abstract: dict[str, _Numbering] = {}
        for definition in root.iterchildren(qn("w:abstractNum")):
            levels = {
                depth: _level(level)
                for level in definition.iterchildren(qn("w:lvl"))
                if (depth := _depth(level.get(qn("w:ilvl")))) is not None
            }
            abstract[definition.get(qn("w:abstractNumId")) or ""] = _Numbering(levels)
        for number in root.iterchildren(qn("w:num")):
            name, definition_id = number.get(qn("w:numId")) or "", _child(number, "w:abstractNumId")
            numbering = abstract.get((definition_id.get(_VAL) or "") if definition_id is not None else "")
            if numbering is None:
                continue
            self._numberings[name] = numbering
            for override in number.iterchildren(qn("w:lvlOverride")):
                start = _int_of(_child(override, "w:startOverride"))
                depth = _depth(override.get(qn("w:ilvl")))
                if start is not None and depth is not None:
                    self._restarts.setdefault(name, {})[depth] = start

    def _place_in_list(self, paragraph: etree._Element) -> tuple[str, int]:
        """The numbering's id, which is empty for none, and the depth in it."""
        own = _child(_child(paragraph, "w:pPr"), "w:numPr")
        number, depth = _number_of(own)
        style_name = self._style_of(paragraph)
        for style in self._chain(style_name):
            if number is not None:
                break
            number, style_depth = _number_of(_child(_child(style, "w:pPr"), "w:numPr"))
            if number is not None and depth is None:
                depth = self._depth_of_style(number, style.get(_ID) or "", style_depth)
        return (number or "", min(depth or 0, _MOST_LEVELS - 1))

    def _depth_of_style(self, number: str, style: str, depth: int | None) -> int | None:
        numbering = self._numberings.get(number)
        levels = numbering.levels.items() if numbering is not None else ()
        return next((at for at, level in levels if level.style == style), depth)

    def _style_of(self, paragraph: etree._Element) -> str:
        style = _child(_child(paragraph, "w:pPr"), "w:pStyle")
        return (style.get(_VAL) or "") if style is not None else self._default

    def _chain(self, name: str) -> Iterator[etree._Element]:
        """The style and those that it is based on."""
        seen: set[str] = set()
        while name in self._styles and name not in seen:
            seen.add(name)
            yield self._styles[name]
            based = _child(self._styles[name], "w:basedOn")
            name = (based.get(_VAL) or "") if based is not None else ""

    def _style_level(self, name: str) -> int | None:
        """The level from 0 that the style gives, or None for body text."""
        if name not in self._styles:
            named = _HEADING_NAME.fullmatch(name)
            return int(named[1]) - 1 if named else None
        for style in self._chain(name):
            level = _int_of(_child(_child(style, "w:pPr"), "w:outlineLvl"))
            if level is not None:
                return level if 0 <= level < _BODY_LEVEL else None
            shown = _name_of(style)
            named = _HEADING_NAME.fullmatch(shown)
            if named:
                return int(named[1]) - 1
            if shown.lower() in _TITLES:
                return 0
        return None


def _child(element: etree._Element | None, tag: str) -> etree._Element | None:
    return element.find(qn(tag)) if element is not None else None


def _is_on(value: str | None) -> bool:
    return value is None or value.lower() not in _OFF


def _int_of(element: etree._Element | None) -> int | None:
    value = element.get(_VAL) or "" if element is not None else ""
    return int(value) if re.fullmatch(r"\d{1,9}", value, re.ASCII) else None


def _depth(value: str | None) -> int | None:
    return int(value) if value is not None and re.fullmatch(r"[0-8]", value) else None


def _name_of(style: etree._Element) -> str:
    name = _child(style, "w:name")
    return (name.get(_VAL) or "") if name is not None else ""


def _vanishes(style: etree._Element) -> bool:
    vanish = _child(_child(style, "w:rPr"), "w:vanish")
    return vanish is not None and _is_on(vanish.get(_VAL))


def _number_of(properties: etree._Element | None) -> tuple[str | None, int | None]:
    number = _child(properties, "w:numId")
    return (number.get(_VAL) if number is not None else None, _int_of(_child(properties, "w:ilvl")))


def _level(element: etree._Element) -> _Level:
    form, text, style = (_child(element, tag) for tag in ("w:numFmt", "w:lvlText", "w:pStyle"))
    start = _int_of(_child(element, "w:start"))
    return _Level(
        (form.get(_VAL) or "decimal") if form is not None else "decimal",
        (text.get(_VAL) or "") if text is not None else "",
        1 if start is None else start,
        (style.get(_VAL) or "") if style is not None else "",
    )


def _shown_number(numbering: _Numbering, depth: int) -> str:
    level = numbering.levels.get(depth)
    if level is None:
        return ""
    if level.form in ("none", "bullet"):
        return ""
    return shown_number(numbering.counters.get(depth, level.start), level.form)
