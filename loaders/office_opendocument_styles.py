"""What the styles of an OpenDocument file say: which text is hidden, code or a title, and how lists are numbered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from docindex.loaders.office_numbers import shown_number
from docindex.loaders.office_opendocument import q

_CODE = re.compile(r"Preformatted_20_Text|Source_20_Code|Code", re.IGNORECASE)
_TITLE = "Title"
_FORMS = {"a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}
_NUMBER, _BULLET = q("text:list-level-style-number"), q("text:list-level-style-bullet")
_NAME, _PARENT = q("style:name"), q("style:parent-style-name")


@dataclass(frozen=True, slots=True)
class ListLevel:
    """How the items of one level of a list are marked."""

    form: str
    """Empty for bullets."""
    prefix: str
    suffix: str
    start: int

    def marker(self, number: int) -> str:
        """What stands before the item of that number."""
        return f"{self.prefix}{shown_number(number, self.form)}{self.suffix}".strip() if self.form else "-"


BULLETS = ListLevel("", "", "", 1)


class OpenDocumentStyles:
    """The styles of the content and styles parts."""

    def __init__(self, *roots: etree._Element | None) -> None:
        self._styles: dict[str, etree._Element] = {}
        self._lists: dict[str, dict[int, ListLevel]] = {}
        for root in roots:
            for style in root.iter(q("style:style")) if root is not None else ():
                self._styles[style.get(_NAME) or ""] = style
            for style in root.iter(q("text:list-style")) if root is not None else ():
                self._lists[style.get(_NAME) or ""] = dict(_levels(style))

    def hides(self, name: str | None) -> bool:
        """Whether text of the style is not shown."""
        for style in self._chain(name):
            kinds = (q("style:text-properties"), q("style:section-properties"))
            display = [properties.get(q("text:display")) for properties in style.iterchildren(*kinds)]
            if any(display):
                return "none" in display
        return False

    def is_title(self, name: str | None) -> bool:
        """Whether the style is that of the document's title."""
        return name == _TITLE or any(style.get(_PARENT) == _TITLE for style in self._chain(name))

    def is_code(self, name: str | None) -> bool:
        """Whether the style is one for text whose spaces count."""
        names = (name, *(style.get(_PARENT) for style in self._chain(name)))
        return any(_CODE.fullmatch(each or "") for each in names)

    def hides_slide(self, name: str | None) -> bool:
        """Whether the show leaves out the slides of the style."""
        return any(
            properties.get(q("presentation:visibility")) == "hidden"
            for style in self._chain(name)
            for properties in style.iterchildren(q("style:drawing-page-properties"))
        )

    def list_level(self, name: str | None, level: int) -> ListLevel:
        """How the items of the level, from 1, are marked."""
        return self._lists.get(name or "", {}).get(level, BULLETS)

    def _chain(self, name: str | None) -> Iterator[etree._Element]:
        """The style and those that it is based on."""
        seen: set[str] = set()
        while name in self._styles and name not in seen:
            seen.add(name)
            yield self._styles[name]
            name = self._styles[name].get(_PARENT) or ""


def _levels(style: etree._Element) -> Iterator[tuple[int, ListLevel]]:
    for level in style.iterchildren(_NUMBER, _BULLET):
        number = level.get(q("text:level")) or ""
        if not number.isdigit():
            continue
        shown = level.get(q("style:num-format")) or ""
        if level.tag == _BULLET or not shown:
            yield int(number), BULLETS
        else:
            start = level.get(q("text:start-value")) or ""
            prefix, suffix = level.get(q("style:num-prefix")) or "", level.get(q("style:num-suffix")) or ""
            form = _FORMS.get(shown, "decimal")
            yield int(number), ListLevel(form, prefix, suffix, int(start) if start.isdigit() else 1)
