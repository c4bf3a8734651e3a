"""What is looked for: questions made by rule, each with a section."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from docindex.evaluation.headings import SHORTEST_SECTION, Section, clean, heading_questions, sections_of
from docindex.evaluation.keywords import keyword_questions
from docindex.evaluation.questions import Question
from docindex.schema import Document

LONGEST_SECTION = 16_000
"""Characters; longer ones are indexes and tables of contents, or no section that anybody reads as one."""
MORE = 2
"""So many times more questions are made than are wanted, since those of sections that are too long are left out."""
_LINE = re.compile(r"[^\n]+")
_WORD = re.compile(r"[^\W\d_]+")
_COUNTED = frozenset(("chapter", "section", "appendix", "part"))


@dataclass(frozen=True)
class Item:
    """A question, and the section that is looked for."""

    question: Question
    """Its place is what a right hit overlaps: the section, or a sentence in it."""
    start: int
    end: int
    """Of the section."""


def items_of(documents: Sequence[Document], kind: str, count: int) -> list[Item]:
    """Questions with their sections, always the same ones."""
    by_id = {document.doc_id: document for document in documents}
    sections = {doc_id: list(sections_of(document)) for doc_id, document in by_id.items()}
    make = keyword_questions if kind == "sentence" else heading_questions
    titled = [doc_id for doc_id, there in sections.items() if there]
    items = []
    for question in make(titled, by_id.get, MORE * count):
        section = _holding(sections[question.doc_id or ""], question.start)
        if section is not None and section.end - section.start <= LONGEST_SECTION:
            items.append(Item(question, section.start, section.end))
    return _spread(items, count)


def unseen(items: Sequence[Item], documents: Sequence[Document]) -> list[Item]:
    """The items in the documents without headings; those of which too little is left there are left out."""
    moves = {document.doc_id: without_headings(document)[1] for document in documents}
    found = []
    for item in items:
        move = moves[item.question.doc_id or ""]
        start, end = move(item.start), move(item.end)
        if end - start >= SHORTEST_SECTION:
            found.append(Item(replace(item.question, start=start, end=end), start, end))
    return found


def without_headings(document: Document) -> tuple[str, Callable[[int], int]]:
    """The text without the lines in which a heading stands alone or begins; and from places in the one to the other.

    Empty lines stay where they were. Numbers and marks don't count, so that page heads and tables of contents go, too.
    """
    text = document.text
    names = {name for heading in document.headings if (name := _name(clean(heading.text)))}
    starts = sorted(heading.start for heading in document.headings)
    cuts: list[tuple[int, int]] = []
    for line in _LINE.finditer(text):
        begins = bisect_right(starts, line.end() - 1) > bisect_right(starts, line.start() - 1)
        if begins or _name(line[0]) in names:
            cuts.append(line.span())
    ends = [end for _, end in cuts]
    gone = [0, *accumulate(end - start for start, end in cuts)]

    def move(place: int) -> int:
        before = bisect_right(ends, place)
        inside = place - cuts[before][0] if before < len(cuts) else 0
        return place - gone[before] - max(inside, 0)

    kept = [text[start:end] for start, end in zip([0, *ends], [*(start for start, _ in cuts), len(text)], strict=True)]
    return "".join(kept), move


def _holding(sections: Sequence[Section], place: int) -> Section | None:
    at = bisect_right(sections, place, key=lambda section: section.start) - 1
    return sections[at] if at >= 0 and place < sections[at].end else None


def _spread(items: Sequence[Item], count: int) -> list[Item]:
    """Evenly from all of them, which are in the order of the documents."""
    if len(items) <= count:
        return list(items)
    return [items[number * len(items) // count] for number in range(count)]


def _name(line: str) -> str:
    """The words of a line without numbers, marks, and what it counts by."""
    words = [word.casefold() for word in _WORD.findall(line)]
    return " ".join(words[1:] if len(words) > 1 and words[0] in _COUNTED else words)
