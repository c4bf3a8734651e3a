"""The sentences of a document that say best what it says, each part of it in its turn."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from docindex.answering.engines.readable import hit_of, readable_sentences
from docindex.answering.quotes import SourceSentence
from docindex.answering.support import Relevance
from docindex.answering.terms import Terms, analyse
from docindex.chunking.sentences import split_sentences
from docindex.indices.document_summaries import KIND as SUMMARIES
from docindex.indices.sentences import read_sentence_vectors
from docindex.protocols import Snapshot, StoredNode, Vectors
from docindex.schema import Document

Floats = NDArray[np.floating]

_MOST_NODES = 200
"""Of a longer document, the most central passage of each of so many stretches is read."""
_SHORTEST, _LONGEST = 5, 45
"""Words of a sentence that stands for others."""
_STRETCHES = 4
"""A document without headings is taken in so many parts."""
_CENTRAL, _FIRST, _OPENING, _IN_SUMMARY = 0.4, 0.3, 0.2, 0.15
"""What it is worth that the passage, or the words, are like the whole; that the document, or a part of it, begins with
the sentence; that the stored summary has it."""
_DANGLING, _LENGTH = 0.35, 0.3
"""What is taken off for a sentence that leans on the one before it, and for one that is too short or long."""
_REDUNDANCY, _SAME_PART, _SAME_SECTION = 0.5, 0.5, 0.25
"""What is taken off for words that were said, and for a part that has had its share."""
_RELEVANT = 0.35
"""The share of the words of a subject that a sentence about it has."""
_LEANS = re.compile(
    r"^\W*(?:(?:it|they|he|she|them|its|their|but|and|or|so|then|otherwise|yes|no|however|therefore|also|instead)\b"
    r"|(?:this|that|these|those)\s+(?:is|are|was|were|can|can['’]t|cannot|will|does|means|has|may|must)\b"
    r"|\w+\s+(?:it|them)\b)",
    re.IGNORECASE,
)
_ENDS = re.compile(r"[.!?。！？][\"'”’»)\]]*$")


@dataclass(frozen=True, slots=True)
class KeySentence:
    """A sentence and what speaks for it."""

    source: SourceSentence
    part: str
    """The section of the highest level that it is in, or the stretch of a text without headings."""
    section: tuple[str, ...]
    """The headings that it stands under, without one that all of the document stands under."""
    score: float

    @property
    def heading(self) -> str:
        """The heading right above it."""
        return self.section[-1] if self.section else ""

    @property
    def whole(self) -> bool:
        """Whether it ends as a sentence does; where one in a document does, all do."""
        return _ENDS.search(self.source.text) is not None


def key_sentences(snapshot: Snapshot, document: Document, about: Terms) -> list[KeySentence]:
    """All sentences of a document that can be quoted, in order; only those about a subject where one is given.

    The vectors are those that are stored: of the passages, and of sentences where the index has them. Nothing is
    embedded.
    """
    stored = [found for found in snapshot.nodes_of(document.doc_id) if found.node.level == 0]
    if not stored:
        return []
    vectors = snapshot.vectors([found.node.node_id for found in stored])
    nearness = _scaled(vectors @ vectors.mean(axis=0))
    chosen = _stretched(nearness, _MOST_NODES)
    sentences = _whole(_sentences([stored[place] for place in chosen], document))
    if not sentences:
        return []
    central = {stored[place].node.node_id: float(nearness[place]) for place in chosen}
    words = _likeness(snapshot, sentences, vectors.mean(axis=0))
    sections = _sections(document, sentences)
    length = max(1, len(document.text))
    summary = _summary(snapshot, document.doc_id)
    relevance = Relevance(about, [sentence.terms for sentence in sentences])
    keys: list[KeySentence] = []
    opened: set[tuple[str, tuple[str, ...]]] = set()
    for sentence, likeness, section in zip(sentences, words, sections, strict=True):
        score = _CENTRAL * (central[sentence.hit.node_id] + likeness) - _flaws(sentence.text)
        part = section[0] if section else f"{_STRETCHES * sentence.start // length}"
        score += _FIRST * (not opened) + _OPENING * ((part, section) not in opened)
        score += _IN_SUMMARY * (" ".join(sentence.text.split()) in summary)
        opened.add((part, section))
        score += 2 * relevance(sentence.terms, sentence.context, sentence.lead, follows=sentence.follows)
        keys.append(KeySentence(sentence, part, section, score))
    return _about(keys, relevance) if about.size else keys


def spread(keys: Sequence[KeySentence], count: int) -> list[KeySentence]:
    """The best few, in their order: of each part what its size asks for, and nothing twice.

    Source: maximal marginal relevance (Carbonell and Goldstein, 1998), with words for vectors.
    """
    sizes = Counter(key.part for key in keys)
    parts: Counter[str] = Counter()
    sections: Counter[tuple[str, ...]] = Counter()
    open_ = list(keys)
    chosen: list[KeySentence] = []

    def gain(key: KeySentence) -> float:
        if count == 1 and key is keys[0]:
            return key.score + _FIRST  # what a document begins with often says what it is
        share = max(1.0, count * sizes[key.part] / len(keys))
        said = max((_overlap(key.source.terms, other.source.terms) for other in chosen), default=0.0)
        crowded = _SAME_PART * parts[key.part] / share + _SAME_SECTION * sections[key.section]
        return key.score - _REDUNDANCY * said - crowded

    while open_ and len(chosen) < count:
        best = max(open_, key=gain)
        open_.remove(best)
        chosen.append(best)
        parts[best.part] += 1
        if best.section:
            sections[best.section] += 1
    return sorted(chosen, key=lambda key: key.source.start)


def _about(keys: Sequence[KeySentence], relevance: Relevance) -> list[KeySentence]:
    def relevant(key: KeySentence) -> bool:
        source = key.source
        return relevance(source.terms, source.context, source.lead, follows=source.follows) >= _RELEVANT

    return [key for key in keys if relevant(key)]


def _sentences(stored: Sequence[StoredNode], document: Document) -> list[SourceSentence]:
    """Every sentence once: passages overlap."""
    found: dict[int, SourceSentence] = {}
    for place, one in enumerate(stored, 1):
        for sentence in readable_sentences(place, hit_of(place, one), document):
            bare = _untitled(sentence, document.title)
            known = found.get(bare.start)
            if known is None or known.end < bare.end:
                found[bare.start] = bare
    return [found[start] for start in sorted(found)]


def _untitled(sentence: SourceSentence, title: str) -> SourceSentence:
    """The sentence without the document's title, which no full stop divides from it."""
    match = re.match(r"\s+".join(map(re.escape, title.split())) + r"\s+", sentence.text) if title else None
    if match is None:
        return sentence
    text = sentence.text[match.end() :]
    return replace(sentence, start=sentence.start + match.end(), text=text, terms=analyse(text))


def _whole(sentences: Sequence[SourceSentence]) -> list[SourceSentence]:
    """The sentences that end as such, without lines of tables and the like; all where none does."""
    return [sentence for sentence in sentences if _ENDS.search(sentence.text)] or list(sentences)


def _likeness(snapshot: Snapshot, sentences: Sequence[SourceSentence], mean: Floats) -> list[float]:
    """From 0 to 1, how like the whole each sentence is: by its vector where there is one, and by its words."""
    counts = Counter(word for sentence in sentences for word in sentence.terms.words)
    weights = {word: math.log1p(count) for word, count in counts.items() if count > 1}
    raw = [
        sum(weights.get(word, 0.0) for word in sentence.terms.words) / math.sqrt(max(1, len(sentence.terms.words)))
        for sentence in sentences
    ]
    words = _scaled(np.array(raw))
    vectors = read_sentence_vectors(snapshot, {sentence.hit.node_id for sentence in sentences})
    if not vectors:
        return [float(value) for value in words]
    cosines = [_cosine(vectors, sentence, mean) for sentence in sentences]
    near = _scaled(np.array([0.0 if cosine is None else cosine for cosine in cosines]))
    return [
        float(word if cosine is None else (word + value) / 2)
        for word, value, cosine in zip(words, near, cosines, strict=True)
    ]


def _cosine(vectors: Mapping[str, Vectors], sentence: SourceSentence, mean: Floats) -> float | None:
    """Of the whole and the stored sentence in which this one begins; None where none is stored."""
    node = sentence.hit.node
    if node.node_id not in vectors:
        return None
    starts = [start for start, _ in split_sentences(node.text)]
    place = bisect_right(starts, sentence.start - node.start) - 1
    return float(vectors[node.node_id][max(place, 0)] @ mean)


def _scaled(values: Floats) -> Floats:
    """The values from 0 to 1, or all in the middle where they are the same."""
    low, high = float(values.min()), float(values.max())
    scaled: Floats = (values - low) / (high - low) if high > low else np.full(len(values), 0.5)
    return scaled


def _stretched(values: Floats, most: int) -> list[int]:
    """The places of all values, or of the highest of each of so many stretches."""
    if len(values) <= most:
        return list(range(len(values)))
    edges = np.linspace(0, len(values), most + 1).astype(int).tolist()
    return [start + int(values[start:end].argmax()) for start, end in pairwise(edges)]


def _sections(document: Document, sentences: Sequence[SourceSentence]) -> list[tuple[str, ...]]:
    """The headings that each sentence stands under."""
    starts = [heading.start for heading in document.headings]
    paths: list[tuple[str, ...]] = [()]
    path: list[tuple[int, str]] = []
    for heading in document.headings:
        path = [*(above for above in path if above[0] < heading.level), (heading.level, heading.text)]
        paths.append(tuple(text for _, text in path))
    sections = [paths[bisect_right(starts, sentence.start)] for sentence in sentences]
    whole = next((section[:1] for section in sections if section), ())
    shared = all(section[:1] == whole for section in sections if section)
    return [section[1:] if shared and section else section for section in sections]


def _summary(snapshot: Snapshot, doc_id: str) -> str:
    """The stored summary of the document, where the index keeps such."""
    record = next(iter(snapshot.derived(SUMMARIES, keys=[doc_id])), None)
    return str(record.data["text"]) if record else ""


def _flaws(text: str) -> float:
    words = len(text.split())
    return _LENGTH * (not _SHORTEST <= words <= _LONGEST) + _DANGLING * (_LEANS.match(text) is not None)


def _overlap(one: Terms, other: Terms) -> float:
    return len(one.words & other.words) / max(1, min(len(one.words), len(other.words)))
