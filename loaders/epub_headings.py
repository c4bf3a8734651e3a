"""Headings of a book: where its chapters have them, at the levels that its table of contents gives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from docindex.loaders.epub_package import Place
from docindex.schema import Document, Heading


@dataclass(frozen=True, slots=True)
class _Anchor:
    """A heading that the table of contents names: what other headings are measured by."""

    start: int
    text: str
    level: int
    """In the table of contents."""
    written: int
    """In the chapter's markup; one less than the highest of the chapter's where only the contents have it."""


class ChapterHeadings:
    """Works from chapter to chapter: one without an entry belongs to the last that had one."""

    def __init__(self) -> None:
        self._level = 0

    def of(self, document: Document, entries: Sequence[tuple[Place, int | None]]) -> tuple[Heading, ...]:
        """The headings of a chapter.

        Args:
            document: The chapter, its headings at the levels of its markup.
            entries: What the table of contents names in it, with its place in the text where that is known.
        """
        top = min((heading.level for heading in document.headings), default=1) - 1
        anchors = _anchors(document, entries, top)
        if not anchors and not self._level:
            return document.headings
        headings: list[Heading] = []
        claimed = {(anchor.start, anchor.text) for anchor in anchors}
        others = [heading for heading in document.headings if (heading.start, heading.text) not in claimed]
        level, written = self._level, top
        waiting = sorted(anchors, key=lambda anchor: anchor.start)
        for heading in [*others, None]:
            while waiting and (heading is None or waiting[0].start <= heading.start):
                anchor = waiting.pop(0)
                headings.append(Heading(anchor.level, anchor.start, anchor.text))
                level, written = anchor.level, anchor.written
            if heading is not None:
                headings.append(Heading(max(1, level + heading.level - written), heading.start, heading.text))
        self._level = level
        return tuple(headings)


def _anchors(document: Document, entries: Sequence[tuple[Place, int | None]], top: int) -> list[_Anchor]:
    free = list(document.headings)
    anchors: dict[int, _Anchor] = {}
    # By their words first: an entry may point to the place before its heading, or a part to its first chapter.
    for number, (place, _) in enumerate(entries):
        same = next((heading for heading in free if _key(heading.text) == _key(place.label)), None)
        if same is not None:
            free.remove(same)
            anchors[number] = _Anchor(same.start, same.text, place.level, same.level)
    for number, (place, at) in enumerate(entries):
        if number in anchors:
            continue
        here = next((heading for heading in free if heading.start == at), None)
        if here is not None:
            free.remove(here)
            anchors[number] = _Anchor(here.start, here.text, place.level, here.level)
        else:
            start = min(at or 0, max(0, len(document.text) - 1))
            anchors[number] = _Anchor(start, place.label, place.level, top)
    return [anchors[number] for number in range(len(entries))]


def _key(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))
