"""The questions by which the scores of an index are calibrated: some that it answers, and some that it does not."""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from docindex.protocols import Snapshot
from docindex.retrieval.routes_stock import foreign_questions, stock_utterances
from docindex.schema import Node

FEWEST = 20
"""Sentences that an index must have to be calibrated."""

_DOCUMENTS = 150
_KEYWORDS = 3
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n\s*\n")
_WORD = re.compile(r"[^\W\d_]{3,}")
_SHORTEST, _LONGEST = 6, 40
"""Words of a sentence that may stand for a question."""
_LETTERS = 0.75
"""The share of a sentence's words that are words: tables and lists of numbers are not asked for like that."""


@dataclass(frozen=True, slots=True)
class KnownItem:
    """Something that is in the index for certain."""

    sentence: str
    keywords: str
    """Some of its words: as little as a short question shares with the passage that answers it."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What an index is to be asked."""

    known: tuple[KnownItem, ...]
    foreign: tuple[tuple[str, ...], ...]
    """By field."""
    random: tuple[str, ...]
    """Words of the index that do not belong together."""


def calibration_of(snapshot: Snapshot, *, known: int, foreign: int, random_queries: int) -> Calibration | None:
    """The questions for an index, the same ones each time; None where it has too few sentences."""
    documents = [record.doc_id for record in snapshot.documents()]
    chosen = _spread(documents, _DOCUMENTS)
    passages = [node for nodes in snapshot.nodes_of_all(chosen).values() for node in nodes if node.level == 0]
    sentences = list(dict.fromkeys(sentence for node in passages for sentence in sentences_of(node)))
    if len(sentences) < FEWEST:
        return None
    chance = random.Random(0)  # noqa: S311 - the same questions each time
    common = {word for group in stock_utterances().values() for text in group for word in _WORD.findall(text.lower())}
    items = [KnownItem(sentence, _keywords(sentence, common, chance)) for sentence in _spread(sentences, known)]
    words = [word for sentence in sentences for word in _WORD.findall(sentence) if word.lower() not in common]
    fields = list(foreign_questions().values())
    each = max(1, round(foreign / len(fields)))
    return Calibration(
        tuple(items),
        tuple(tuple(_spread(questions, each)) for questions in fields),
        tuple(" ".join(chance.choices(words, k=chance.randint(3, 8))) for _ in range(random_queries if words else 0)),
    )


def sentences_of(node: Node) -> list[str]:
    """The sentences of a passage that are prose and say enough to be asked for."""
    found = []
    for part in _SENTENCE.split(node.text):
        words = part.split()
        if _SHORTEST <= len(words) <= _LONGEST and "|" not in part:
            letters = sum(word.strip(".,;:!?()[]\"'“”’*_`").replace("-", "").isalpha() for word in words)
            if letters >= _LETTERS * len(words):
                found.append(" ".join(words))
    return found


def _keywords(sentence: str, common: Collection[str], chance: random.Random) -> str:
    words = list(dict.fromkeys(_WORD.findall(sentence)))
    telling = [word for word in words if word.lower() not in common] or words
    places = sorted(chance.sample(range(len(telling)), min(_KEYWORDS, len(telling))))
    return " ".join(telling[place] for place in places) or sentence


def _spread(items: Sequence[str], most: int) -> list[str]:
    """At most so many, at even distances."""
    if len(items) <= most:
        return list(items)
    return [items[place * len(items) // most] for place in range(most)]
