"""Questions from sentences: a few telling words of a sentence, as people type them who look for what it says."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from docindex.answering.terms import STOPWORDS, stem
from docindex.chunking.sentences import split_sentences
from docindex.evaluation.questions import LoadDocument, Question, question_id_of
from docindex.evaluation.sampling import sample, spread
from docindex.schema import Document

SHORTEST, LONGEST = 40, 320
"""Characters of a sentence that a question is made of."""
FEWEST_WORDS, MOST_WORDS = 3, 5
"""Words of a question."""
_WORD = re.compile(r"[^\W\d_][\w'’-]*[^\W_]")
_MARKUP = re.compile(r"[|{}<>\\=]|```|://|\.{3,}|[.!?:]\s*\n")
_ITEM = re.compile(r"[-*•‣◦–]\s+|\(?\d{1,3}[.)]\s+")
_SHORTEST_LINE = 30
"""Characters; what breaks off sooner is a heading that a page has no mark for."""
_LETTERS = 0.75
"""The share of letters and blanks; where it is lower, it is code or a table."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A whole sentence of a document."""

    doc_id: str
    start: int
    text: str


def keyword_questions(doc_ids: Sequence[str], load: LoadDocument, count: int, *, seed: int = 0) -> list[Question]:
    """At most `count` questions, spread over the documents: of each, first the sentence with the rarest words.

    Words that stand in one sentence only are left out while others are left, since a search by words finds that
    sentence at once. So are sentences that the documents hold twice.
    """
    chosen = sample(doc_ids, count, seed)
    frequencies: Counter[str] = Counter()
    copies: Counter[str] = Counter()
    for sentence in _sentences(chosen, load):
        frequencies.update({stem(word.lower()) for word in words_of(sentence.text)})
        copies[_normal(sentence.text)] += 1
    ranked: dict[str, list[tuple[float, Question]]] = {}
    for sentence in _sentences(chosen, load):
        words = _telling(sentence.text, frequencies)
        if copies[_normal(sentence.text)] == 1 and len(words) >= FEWEST_WORDS:
            rarity = sum(math.log(len(copies) / frequencies[stem(word.lower())]) for word in words) / len(words)
            ranked.setdefault(sentence.doc_id, []).append((-rarity, _question(sentence, " ".join(words))))
    best = {
        doc_id: [question for _, question in sorted(entries, key=lambda entry: (entry[0], entry[1].start))]
        for doc_id, entries in ranked.items()
    }
    return spread(best, count, seed)


def sentences_of(document: Document) -> Iterator[Sentence]:
    """The sentences of running text: no headings, table rows, code or lists of names."""
    for first, end in split_sentences(document.text):
        marker = _ITEM.match(document.text, first, end)
        start = marker.end() if marker else first
        text = document.text[start:end]
        letters = sum(character.isalpha() or character.isspace() for character in text)
        if (
            SHORTEST <= len(text) <= LONGEST
            and text[-1] in ".!?"
            and (text[0].isupper() or text[0].isdigit())
            and letters >= _LETTERS * len(text)
            and not _MARKUP.search(text)
            and all(len(line) >= _SHORTEST_LINE for line in text.splitlines()[:-1])
        ):
            yield Sentence(document.doc_id, start, text)


def words_of(text: str) -> list[str]:
    """The words that carry meaning, each once, in order."""
    found = {word.lower(): word for word in reversed(_WORD.findall(text)) if word.lower() not in STOPWORDS}
    return [word for word in reversed(found.values()) if len(word) > 2]


def _telling(text: str, frequencies: Mapping[str, int]) -> list[str]:
    words = words_of(text)
    shared = [word for word in words if frequencies[stem(word.lower())] > 1]
    usable = shared if len(shared) >= FEWEST_WORDS else words
    rarest = set(sorted(usable, key=lambda word: frequencies[stem(word.lower())])[:MOST_WORDS])
    return [word for word in words if word in rarest]


def _sentences(doc_ids: Sequence[str], load: LoadDocument) -> Iterator[Sentence]:
    for doc_id in doc_ids:
        document = load(doc_id)
        if document is not None:
            yield from sentences_of(document)


def _normal(text: str) -> str:
    return " ".join(text.lower().split())


def _question(sentence: Sentence, text: str) -> Question:
    return Question(
        question_id=question_id_of("sentence", sentence.doc_id, sentence.start, text),
        text=text,
        kind="sentence",
        doc_id=sentence.doc_id,
        start=sentence.start,
        end=sentence.start + len(sentence.text),
        answer=sentence.text,
    )
