"""Passages: nodes of at most so many tokens, cut where the text pauses."""

from __future__ import annotations

import zlib
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from docindex.chunking.atoms import Place, TextMeasure, halve, is_clean, split_atoms
from docindex.chunking.context import CONTEXT_TOKENS, SEPARATOR, context_line, context_parts
from docindex.chunking.packing import pack, thin
from docindex.chunking.sections import TINY, Section, find_sections, group_sections, trim
from docindex.chunking.sentences import Strength, find_breaks
from docindex.chunking.standing import standing_spans
from docindex.errors import ConfigError
from docindex.schema import Document, Node, digest

SPECIAL_TOKENS = 2
"""What embedders add to a text: one token before it and one after."""

_ATOMS_PER_NODE = 16
"""Lighter atoms than a node's share of this join a neighbour."""

_MOST_DRIFT = 1.2
"""When many edits have left so many times the nodes that fresh cutting would give, the document is cut afresh."""
_PARAGRAPHS_A_FIXED_POINT = 12
_BEGINNING = 32  # code points of a paragraph that tell whether it is one

TokenOffsets = Callable[[str], NDArray[np.int32]]
Span = tuple[int, int]


class PassageChunker:
    """Cuts documents at pages, headings, paragraphs and sentences, by the embedder's own tokens.

    A node never crosses a page. A heading begins a new node, except that sections much shorter than a node share one
    with a neighbour under the same parent, and that a document which fits into one node is one. Only a sentence that
    is longer than a node is cut: at a line break or clause if it has one, else between words.
    """

    def __init__(self, token_offsets: TokenOffsets, *, max_tokens: int, overlap_tokens: int) -> None:
        """Takes the tokenizer of the embedder that the nodes are for.

        Args:
            token_offsets: As `Embedder.token_offsets`. Called once with a document's text, and with short pieces where
                that can't tell their length: context headers, and nodes that begin or end inside a word.
            max_tokens: The most that a node's full text comes to, special tokens included. The count is exact for
                tokenizers that part words at spaces.
            overlap_tokens: The most that a node repeats of the one before it.

        Raises:
            ConfigError: A number is out of range.
        """
        if max_tokens < 16:
            raise ConfigError(f"max_tokens is {max_tokens}: give 16 or more.")
        if not 0 <= overlap_tokens <= max_tokens // 2:
            raise ConfigError(f"overlap_tokens is {overlap_tokens}: give a value from 0 to half of max_tokens.")
        self._token_offsets = token_offsets
        self._room = max_tokens - SPECIAL_TOKENS
        self._overlap = overlap_tokens

    def chunk(self, document: Document, before: Sequence[Node] = ()) -> list[Node]:
        """The document's nodes in order; together they hold all of its text that is not space.

        Args:
            document: The document.
            before: Its nodes in an earlier state, in order. Those whose text still stands are kept, and only what lies
                between them is cut anew: the edit of a paragraph changes the one to three nodes around it.
        """
        sections = find_sections(document)
        if not sections:
            return []
        headers = _Headers(document.title, self._token_offsets, self._room)
        measure = TextMeasure(document.text, self._token_offsets)
        start, end = sections[0].start, sections[-1].end
        one_page = not any(section.opens_page for section in sections[1:])
        if one_page and measure.weight(start, end) <= headers.budget(()):
            return _make_nodes(document, [(start, end)], sections, lambda _: headers.parts(()))

        cutter = _Cutter(document, sections, measure, headers, self._overlap)
        spans = cutter.cut(sections)
        if before:
            kept = cutter.cut_between(standing_spans(document.text, before))
            if len(kept) <= _MOST_DRIFT * len(spans) + 1:
                spans = kept
        return _make_nodes(document, spans, sections, lambda section: headers.parts(section.path))


class _Headers:
    """The context headers of one document, each made and measured once."""

    def __init__(self, title: str, token_offsets: TokenOffsets, room: int) -> None:
        self._title = title
        self._token_offsets = token_offsets
        self._room = room
        self._made: dict[tuple[str, ...], tuple[tuple[str, ...], int]] = {}

    def parts(self, path: tuple[str, ...]) -> tuple[str, ...]:
        return self._header(path)[0]

    def budget(self, path: tuple[str, ...]) -> int:
        """What the header leaves for the text, in tokens."""
        return self._room - self._header(path)[1]

    def _header(self, path: tuple[str, ...]) -> tuple[tuple[str, ...], int]:
        if path not in self._made:
            most = min(CONTEXT_TOKENS, self._room // 4)
            parts = context_parts(self._title, path, self._token_ends, most=most)
            self._made[path] = parts, len(self._token_ends(SEPARATOR.join(parts)))
        return self._made[path]

    def _token_ends(self, text: str) -> list[int]:
        ends: list[int] = self._token_offsets(text)[:, 1].tolist() if text else []
        return ends


class _Cutter:
    """Cuts one document, or parts of it, into spans."""

    def __init__(
        self,
        document: Document,
        sections: Sequence[Section],
        measure: TextMeasure,
        headers: _Headers,
        overlap: int,
    ) -> None:
        self._document = document
        self._sections = sections
        self._measure = measure
        self._headers = headers
        self._overlap = overlap
        self._breaks = find_breaks(document.text)

    def cut(self, sections: Sequence[Section]) -> list[Span]:
        """The best spans for the sections, each within the budget."""
        measure, headers = self._measure, self._headers
        groups = group_sections(
            sections, lambda section: (measure.weight(section.start, section.end), headers.budget(section.path))
        )
        spans: list[Span] = []
        for group in groups:
            budget = min(headers.budget(section.path) for section in group)
            for span in _cut(group, measure, self._breaks, budget, min(self._overlap, budget // 2)):
                for fitted in _fitted(measure, *span, budget):
                    _append(spans, fitted)
        return spans

    def cut_between(self, standing: Sequence[Span]) -> list[Span]:
        """Those of the spans that may stay, and the best ones for the text between them."""
        text = self._document.text
        end = (len(text), len(text))
        spans: list[Span] = []
        reached = 0
        for following in [*self._apart([span for span in standing if self._may_stay(*span)]), end]:
            gap = trim(text, reached, max(reached, following[0]))
            if gap[0] < gap[1]:
                for span in self.cut(self._clipped(*gap)):
                    _append(spans, span)
            if following is not end:
                _append(spans, following)
            reached = max(reached, following[1])
        return spans

    def _apart(self, stays: Sequence[Span]) -> list[Span]:
        """The spans without those that stand after too little text for a node: it takes them in."""
        kept: list[Span] = []
        reached = 0
        for span in stays:
            start, end = trim(self._document.text, reached, max(reached, span[0]))
            section = self._section_at(start)
            tiny = start < end and self._measure.weight(start, end) < TINY * self._headers.budget(section.path)
            if not tiny or span[1] > section.end:
                kept.append(span)
                reached = max(reached, span[1])
        return kept

    def _may_stay(self, start: int, end: int) -> bool:
        """It fits under its headings as they are now, and no page begins in it."""
        section = self._section_at(start)
        first = bisect_right(self._sections, start, key=_start_of)
        last = bisect_left(self._sections, end, key=_start_of)
        if any(inside.opens_page for inside in self._sections[first:last]):
            return False
        budget = self._headers.budget(section.path)
        measure = self._measure
        exact = is_clean(measure.text, start, end) and measure.weight(start, end) <= budget
        return exact or measure.count(start, end) <= budget

    def _section_at(self, offset: int) -> Section:
        at = bisect_right(self._sections, offset, key=_start_of) - 1
        return self._sections[max(0, at)]

    def _clipped(self, start: int, end: int) -> list[Section]:
        """The sections, as far as they lie in a stretch of the text."""
        inside = []
        for section in self._sections:
            first, last = trim(self._document.text, max(start, section.start), min(end, section.end))
            if section.start < end and section.end > start and first < last:
                body = min(max(first, section.body), last)
                opens = section.opens_page and first == section.start
                inside.append(Section(first, last, section.path, opens, body))
        return inside


def _cut(
    group: Sequence[Section], measure: TextMeasure, breaks: Sequence[Place], budget: int, overlap: int
) -> Iterator[Span]:
    """The spans of the nodes of sections that share them."""
    start, end = group[0].start, group[-1].end
    if measure.weight(start, end) <= budget:
        yield start, end
        return
    places = _with_fixed_points(_places(group, breaks), measure, end, budget)
    atoms = split_atoms(measure, places, end, budget)
    kept = thin(atoms.weights, atoms.strengths, least=max(1, budget // _ATOMS_PER_NODE), most=budget)
    starts = [atoms.starts[index] for index in kept]
    weights = [sum(atoms.weights[a:b]) for a, b in zip(kept, [*kept[1:], len(atoms.weights)], strict=True)]
    strengths = [atoms.strengths[index] for index in kept]
    borders = [*starts, end]
    for first, stop in pack(weights, strengths, budget=budget, overlap=overlap):
        span = trim(measure.text, borders[first], borders[stop])
        if span[0] < span[1]:
            yield span


def _places(group: Sequence[Section], breaks: Sequence[Place]) -> list[Place]:
    """Where the text of the sections may be cut: not between a heading and what it stands above."""
    start, end = group[0].start, group[-1].end
    inside = breaks[bisect_right(breaks, start, key=_offset) : bisect_left(breaks, end, key=_offset)]
    places = dict(inside)
    for section in group:
        places.pop(section.body, None)
    for before, section in pairwise(group):
        if not before.bare:
            places[section.start] = Strength.SECTION
        elif section.bare:
            places[section.start] = Strength.SENTENCE
        else:
            places.pop(section.start, None)
    places[start] = Strength.SECTION
    return sorted(places.items())


def _with_fixed_points(places: Sequence[Place], measure: TextMeasure, end: int, budget: int) -> list[Place]:
    """The places, where about one paragraph in twelve has become the start of a section.

    Which ones depends on how they begin, and not on what stands before: so the nodes after an edit soon are those from
    before it, in long text without headings, too.
    """
    found: list[Place] = []
    last = places[0][0]
    for place, strength in places:
        if strength == Strength.SECTION:
            last = place
        elif strength == Strength.PARAGRAPH and _is_fixed(measure.text, place):
            room = min(measure.weight(last, place), measure.weight(place, end))
            if room >= budget:
                last, strength = place, Strength.SECTION
        found.append((place, strength))
    return found


def _is_fixed(text: str, place: int) -> bool:
    beginning = text[place : place + _BEGINNING].encode("utf-8", "surrogatepass")
    return zlib.crc32(beginning) % _PARAGRAPHS_A_FIXED_POINT == 0


def _offset(place: Place) -> int:
    return place[0]


def _start_of(section: Section) -> int:
    return section.start


def _fitted(measure: TextMeasure, start: int, end: int, budget: int) -> Iterator[Span]:
    """The span, halved until it fits where cuts inside words have made it longer than it was in the whole text."""
    exact = is_clean(measure.text, start, end) and measure.weight(start, end) <= budget
    middle = None if exact or measure.count(start, end) <= budget else halve(measure, start, end)
    if middle is None:
        yield start, end
        return
    for half in ((start, middle), (middle, end)):
        first, last = trim(measure.text, *half)
        if first < last:
            yield from _fitted(measure, first, last, budget)


def _append(spans: list[Span], span: Span) -> None:
    """Adds the span unless another holds it, and removes those that it holds: where halving met an overlap."""
    while spans and spans[-1][0] >= span[0]:
        spans.pop()
    if not spans or spans[-1][1] < span[1]:
        spans.append(span)


def _make_nodes(
    document: Document,
    spans: Sequence[Span],
    sections: Sequence[Section],
    parts: Callable[[Section], tuple[str, ...]],
) -> list[Node]:
    """The spans as nodes. An id depends on the document's id and what the node says, not on where it stands."""
    starts = [section.start for section in sections]
    seen: Counter[str] = Counter()
    nodes = []
    for order, (start, end) in enumerate(spans):
        section = sections[max(0, bisect_right(starts, start) - 1)]
        text = document.text[start:end]
        page = document.page_at(start)
        node = Node(
            node_id="",
            doc_id=document.doc_id,
            order=order,
            start=start,
            end=end,
            text=text,
            context=context_line(parts(section), text),
            headings=section.path,
            page=page.number if page else None,
            page_label=page.label if page else None,
        )
        content = node.content_hash
        nodes.append(replace(node, node_id=digest(node.doc_id, content, str(seen[content]))))
        seen[content] += 1
    return nodes
