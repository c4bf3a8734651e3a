"""The sentences of the sources: what an answer may be tied to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from docindex.answering.questions import Kind, adds_nothing
from docindex.answering.terms import IRREGULAR, Terms, analyse
from docindex.chunking.sentences import split_sentences
from docindex.schema import Document, Hit

_FIELD = re.compile(r"^[ \t]*\"?(?P<name>\w[\w .\-]{0,40})\"?[ \t]*:[ \t]+(?=\S)", re.MULTILINE)
"""The name in front of a field's value, in records and in JSON."""
_FEWEST_FIELDS = 2
_IDLE = re.compile(r"\A#{1,6}\s|\?[\"'”’»)\]*_]*\Z|\A\W*\w*\W*\Z")
"""Markdown headings, questions and single words."""
_POINTS_BACK = re.compile(r"\W*(?:It|Its|They|Their|He|His|She|Her)\b")
_SUBJECT = re.compile(
    r"\W*(?P<subject>(?:[\w'’-]+ ){1,6}?)(?:is|are|was|were|has|have|had|do|does|did"
    rf"|can|could|will|would|may|might|must|shall|should|\w+ed|{'|'.join(IRREGULAR)})\b"
)
"""What an English sentence begins with, up to its verb where that shows by its form."""


@dataclass(frozen=True)
class SourceSentence:
    """A sentence of a packed hit."""

    place: int
    """The number of its source in the prompt, from 1."""
    hit: Hit
    start: int
    """In the document."""
    end: int
    text: str
    terms: Terms
    context: Terms
    """Of what it stands under: title, headings, the field's name, the lead, and what its "it" or "they" stands for."""
    lead: Terms
    """Of the heading or question that it follows."""
    follows: bool
    """It is the first sentence after its lead."""
    preface: str = ""
    """The lead in its own words, where the sentence is the first after it."""

    @property
    def meant(self) -> str:
        """What it says to a reader, who has read the question or heading right before it."""
        return f"{self.preface} {self.text}".lstrip()


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A part of a hit's text, in offsets of the hit."""

    start: int
    end: int
    label: str
    """The heading that it is, or the name of the field that it is in."""
    is_heading: bool = False


def quotable_sentences(
    place: int, hit: Hit, document: Document | None, kind: Kind, question: Terms
) -> Iterator[SourceSentence]:
    """The sentences of a hit that say something.

    Headings, the title, questions and what only repeats the question asked are not among them: they are context to the
    sentence that follows.
    """
    node = hit.node
    standing = "\n".join([hit.title, *node.headings, node.context])
    lead = ""
    follows = False
    for stretch in _stretches(hit, document):
        if stretch.is_heading:
            lead, follows = stretch.label, True
            continue
        subject = ""
        for start, end in split_sentences(node.text[stretch.start : stretch.end]):
            first = stretch.start + start
            text = node.text[first : stretch.start + end]
            terms = analyse(text)
            if text == hit.title or _IDLE.search(text) or adds_nothing(kind, question, text, terms):
                lead, follows = (f"{lead}\n{text}" if follows else text), True
                subject = _subject(text, subject)
                continue
            pointed_at = subject if _POINTS_BACK.match(text) else ""
            context = analyse("\n".join([standing, lead, stretch.label, pointed_at]))
            subject = _subject(text, subject)
            last = node.start + first + len(text)
            yield SourceSentence(
                place,
                hit,
                node.start + first,
                last,
                text,
                terms,
                context,
                analyse(lead),
                follows=follows,
                preface=lead if follows else "",
            )
            follows = False


def _subject(sentence: str, before: str) -> str:
    """What the next sentence may point back at, where the subject of the one before is known."""
    if _POINTS_BACK.match(sentence):
        return before
    found = _SUBJECT.match(sentence)
    return found["subject"] if found else ""


def _stretches(hit: Hit, document: Document | None) -> Iterator[_Stretch]:
    """The text cut at headings and at the names of fields."""
    text = hit.text
    at = 0
    for start, end in [*_headings(hit, document), (len(text), len(text))]:
        if start >= at:
            yield from _fields(text, at, start)
            yield _Stretch(start, end, text[start:end], is_heading=True)
            at = end


def _headings(hit: Hit, document: Document | None) -> Iterator[tuple[int, int]]:
    for heading in document.headings if document else ():
        start = heading.start - hit.node.start
        if 0 <= start < len(hit.text) and hit.text.startswith(heading.text, start):
            yield start, start + len(heading.text)


def _fields(text: str, start: int, end: int) -> Iterator[_Stretch]:
    names = list(_FIELD.finditer(text, start, end))
    if len(names) < _FEWEST_FIELDS:
        names = []
    label = ""
    at = start
    for name in names:
        yield _Stretch(at, name.start(), label)
        at, label = name.end(), name["name"]
    yield _Stretch(at, end, label)
