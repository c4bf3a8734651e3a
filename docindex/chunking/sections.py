"""A document's sections: the stretches between headings and page borders, and which of them may share a node."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from docindex.schema import Document

_UNDERLINE = re.compile(r"\n[ \t]*(?:=+|-+)[ \t]*(?=\n|$)")

TINY = 0.25
"""The share of a node's budget below which a section joins its neighbour."""


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of the text under one heading and on one page, without the space around it."""

    start: int
    end: int
    path: tuple[str, ...]
    """The headings that it is under, outermost first."""
    opens_page: bool
    """It is the first of its page, and may not join what stands before."""
    body: int
    """Where the text after its heading line begins; `start` if it has none, `end` if it is nothing but a heading."""

    @property
    def bare(self) -> bool:
        """It is a heading line and nothing else."""
        return self.body == self.end


def find_sections(document: Document) -> list[Section]:
    """The sections in order: every code point that is not space is in exactly one."""
    text = document.text
    page_borders = {offset for page in document.pages for offset in (page.start, page.end)}
    starts = sorted({0} | {min(offset, len(text)) for offset in page_borders | {h.start for h in document.headings}})
    headings = sorted(document.headings, key=lambda heading: heading.start)

    sections: list[Section] = []
    stack: list[tuple[int, str]] = []
    seen = 0
    opens_page = False
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        own = False
        while seen < len(headings) and headings[seen].start <= start:
            heading = headings[seen]
            while stack and stack[-1][0] >= heading.level:
                stack.pop()
            stack.append((heading.level, " ".join(heading.text.split())))
            seen, own = seen + 1, True
        opens_page = opens_page or start in page_borders
        first, last = trim(text, start, end)
        if first == last:
            continue
        body = _after_heading(text, first, last) if own else first
        path = tuple(name for _, name in stack if name)
        sections.append(Section(first, last, path, opens_page, body))
        opens_page = False
    return sections


def group_sections(sections: Sequence[Section], weigh: Callable[[Section], tuple[int, int]]) -> list[list[Section]]:
    """Neighbours that share nodes: tiny sections join what follows under the same parent, or else what stands before.

    Args:
        sections: As `find_sections` returned them.
        weigh: A section's weight and the budget of a node that begins in it.
    """
    groups: list[tuple[list[Section], int, int]] = []
    for section in sections:
        weight, budget = weigh(section)
        if groups and _related(groups[-1][0][0], section):
            members, gathered, room = groups[-1]
            room = min(room, budget)
            fits = gathered + weight <= room
            if (fits and gathered < TINY * room) or all(member.bare for member in members):
                groups[-1] = ([*members, section], gathered + weight, room)
                continue
        groups.append(([section], weight, budget))

    merged: list[tuple[list[Section], int, int]] = []
    for members, weight, budget in groups:
        if merged and _related(merged[-1][0][0], members[0]):
            before, gathered, room = merged[-1]
            room = min(room, budget)
            if weight < TINY * room and gathered + weight <= room:
                merged[-1] = ([*before, *members], gathered + weight, room)
                continue
        merged.append((members, weight, budget))
    return [members for members, _, _ in merged]


def trim(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without the space at its ends; empty if there is nothing else."""
    piece = text[start:end]
    content = piece.lstrip()
    first = end - len(content)
    return first, first + len(content.rstrip())


def _related(first: Section, following: Section) -> bool:
    parent = first.path[:-1]
    return not following.opens_page and following.path[: len(parent)] == parent


def _after_heading(text: str, start: int, end: int) -> int:
    line_end = text.find("\n", start, end)
    if line_end < 0:
        return end
    underline = _UNDERLINE.match(text, line_end, end)
    return trim(text, underline.end() if underline else line_end, end)[0]
