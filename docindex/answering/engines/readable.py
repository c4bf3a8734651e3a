"""The sentences of passages that are shown as they stand, and how."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from docindex.answering.fencing import as_shown
from docindex.answering.orders import cleared
from docindex.answering.questions import Kind
from docindex.answering.quotes import SourceSentence, quotable_sentences
from docindex.answering.terms import analyse
from docindex.protocols import StoredNode
from docindex.schema import Document, Hit, Scores

_MARK = re.compile(r"^(?:[-*+•]|\d{1,3}[.)])\s+")
"""Of a list item."""


def readable_sentences(place: int, hit: Hit, document: Document | None) -> Iterator[SourceSentence]:
    """The sentences of a hit that say something, but for orders to a language model."""
    for sentence in quotable_sentences(place, cleared(hit), document, Kind.OPEN, analyse("")):
        yield replace(sentence, hit=hit)


def plain(text: str) -> str:
    """A text of a document on one line, without the mark of a list item, and as an answer may show it."""
    return named(_MARK.sub("", " ".join(text.split())))


def named(name: str) -> str:
    """What a document, a thing or an aspect is called, on one line and as an answer may show it."""
    return as_shown(" ".join(name.split()))


def hit_of(rank: int, found: StoredNode) -> Hit:
    """A stored passage as a hit that nobody searched for."""
    return Hit(rank, 0.0, Scores(), found.node, found.source, found.title, found.metadata, found.also)
