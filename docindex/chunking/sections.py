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
    groups: list[_Group] = []
    for section in sections:
        weight, budget = weigh(section)
        if groups and _related(groups[-1].members[0], section):
            last = groups[-1]
            fits = last.weight + weight <= min(last.budget, budget)
            if (fits and last.weight < TINY * min(last.budget, budget)) or last.bare:
                last.add([section], weight, budget, bare=section.bare)
                continue
        groups.append(_Group([section], weight, budget, section.bare))

    merged: list[_Group] = []
    for group in groups:
        if merged and _related(merged[-1].members[0], group.members[0]):
            before = merged[-1]
            room = min(before.budget, group.budget)
            if group.weight < TINY * room and before.weight + group.weight <= room:
                before.add(group.members, group.weight, group.budget, bare=group.bare)
                continue
        merged.append(group)
    return [group.members for group in merged]


@dataclass(slots=True)
class _Group:
    """Sections that share nodes."""

    members: list[Section]
    weight: int
    budget: int
    bare: bool
    """All of them are."""

    def add(self, members: Sequence[Section], weight: int, budget: int, *, bare: bool) -> None:
        self.members += members
        self.weight += weight
        self.budget = min(self.budget, budget)
        self.bare = self.bare and bare


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
