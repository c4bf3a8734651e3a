"""A chapter of a book: XHTML made HTML, with marks in its text at the places that the book points to."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Mapping
from dataclasses import replace
from html.entities import name2codepoint
from itertools import accumulate

from lxml import etree

from docindex.loaders.epub_package import local_name, parse_xml
from docindex.schema import Document, DocumentTable, Heading, digest

_NAMED_ENTITY = re.compile(rb"&([A-Za-z][A-Za-z0-9]*);")
_XML_ENTITIES = frozenset((b"amp", b"lt", b"gt", b"quot", b"apos"))
_OPAQUE = frozenset(("table", "svg", "math", "pre", "head", "script", "style", "object", "audio", "video"))
"""Elements whose content is left alone: a place in one is taken to be before it."""

_NEAR = 4
"""How many characters around a mark tell how it is parted from the text."""


class MarkedChapter:
    """HTML with a mark at the beginning of some elements. A loader makes text of it, `unmark` takes the marks out."""

    def __init__(self, data: bytes, fragments: Collection[str]) -> None:
        """`data` is the chapter as the book holds it, `fragments` the ids of the elements."""
        self._key = f"zq{digest(data)[:12]}x"  # letters and digits, which no loader takes for markup
        self._fragments: list[str] = []
        root = parse_xml(_NAMED_ENTITY.sub(_numeric, data), recover=False)
        if root is None or local_name(root) != "html":
            self.html = data  # not well-formed: readers make of it what browsers do, and so does the loader
            return
        self._mark(root, set(fragments))
        # Browsers, and so the loader, take <a/> for the beginning of a link: as HTML it is written <a></a>.
        self.html = b"\xef\xbb\xbf" + etree.tostring(root, method="html", encoding="utf-8", doctype="<!DOCTYPE html>")

    def unmark(self, document: Document) -> tuple[Document, Mapping[str, int]]:
        """The document as it would be without marks, and where in its text the marked elements begin."""
        mark = re.compile(rf"{self._key}(\d+)qz")
        cuts: list[tuple[int, int]] = []
        found: dict[str, int] = {}
        kept, end = "", 0  # the last characters that stay, and where the last cut ended
        for run in re.finditer(rf"(?:{mark.pattern})+", document.text):
            kept = (kept + document.text[end : run.start()])[-_NEAR:]
            before, after = _around(kept, document.text[run.end() : run.end() + _NEAR])
            start = run.start() - before
            while cuts and start < cuts[-1][1]:  # what goes along stood before the last cut
                first, last = cuts.pop()
                start = first - (last - start)
            cuts.append((start, run.end() + after))
            kept, end = kept[: len(kept) - before], cuts[-1][1]
            found.update((self._fragments[int(number)], end) for number in mark.findall(run[0]))
        if not cuts:
            return document, {}
        moved = _Moved(cuts)
        headings = []
        for heading in document.headings:
            text = " ".join(mark.sub("", heading.text).split())
            if text:
                headings.append(Heading(heading.level, moved(heading.start), text))
        clean = replace(
            document,
            text=moved.cut(document.text),
            headings=tuple(headings),
            tables=tuple(_moved_table(table, moved) for table in document.tables),
        )
        return clean, {fragment: moved(at) for fragment, at in found.items()}

    def _mark(self, root: etree._Element, fragments: set[str]) -> None:
        for element in root.iter(etree.Element):
            here = {element.get("id"), element.get("name") if local_name(element) == "a" else None} & fragments
            for fragment in sorted(filter(None, here)):
                fragments.discard(fragment)
                _insert(element, f"{self._key}{len(self._fragments)}qz")
                self._fragments.append(fragment)


class _Moved:
    """Where offsets are once parts of the text are cut out."""

    def __init__(self, cuts: list[tuple[int, int]]) -> None:
        self._cuts = cuts
        self._ends = [end for _, end in cuts]
        self._gone = [0, *accumulate(end - start for start, end in cuts)]

    def __call__(self, offset: int) -> int:
        before = bisect_right(self._ends, offset)
        partly = max(0, offset - self._cuts[before][0]) if before < len(self._cuts) else 0
        return offset - self._gone[before] - partly

    def cut(self, text: str) -> str:
        starts, ends = [0, *self._ends], [*(start for start, _ in self._cuts), len(text)]
        return "".join(text[start:end] for start, end in zip(starts, ends, strict=True))


def _around(before: str, after: str) -> tuple[int, int]:
    """How many characters on each side go along with a mark, so that neither empty lines nor double spaces stay."""
    above, below = len(before) - len(before.rstrip("\n")), len(after) - len(after.lstrip("\n"))
    if (above or not before) and (below or not after):
        return (0, below) if not before or above >= below > 0 else (above, 0)
    if after.startswith(" ") and (not before or before[-1].isspace()):
        return 0, 1
    return (1, 0) if before.endswith(" ") and (below or not after) else (0, 0)


def _insert(element: etree._Element, mark: str) -> None:
    """Puts the mark where the element's text begins."""
    if local_name(element) == "html":
        element = next((child for child in element if local_name(child) == "body"), element)
    for ancestor in element.iterancestors():
        if local_name(ancestor) in _OPAQUE:
            element = ancestor
    if local_name(element) in _OPAQUE or not _has_text(element):
        _insert_before(element, mark)
        return
    while not (element.text or "").strip():
        first = next(element.iterchildren(etree.Element), None)
        if first is None or local_name(first) in _OPAQUE or not _has_text(first):
            break
        element = first
    element.text = f"{mark}{element.text or ''}"


def _insert_before(element: etree._Element, mark: str) -> None:
    previous, parent = element.getprevious(), element.getparent()
    if previous is not None:
        previous.tail = f"{previous.tail or ''}{mark}"
    elif parent is not None:
        parent.text = f"{parent.text or ''}{mark}"


def _has_text(element: etree._Element) -> bool:
    return any(str(part).strip() for part in element.itertext())


def _moved_table(table: DocumentTable, moved: _Moved) -> DocumentTable:
    rows = tuple(replace(row, start=moved(row.start), end=moved(row.end)) for row in table.rows)
    return replace(table, rows=rows, start=moved(table.start), end=moved(table.end))


def _numeric(entity: re.Match[bytes]) -> bytes:
    """The reference by number, which needs no declaration."""
    code = name2codepoint.get(entity[1].decode())
    return entity[0] if code is None or entity[1] in _XML_ENTITIES else b"&#%d;" % code
