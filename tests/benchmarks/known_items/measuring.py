"""Asks the questions in each way."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from building import Manual, say
from items import Item
from ways import DEEP, DEPTH, HITS, WAYS, Asking, Way

from docindex import wiring
from docindex.embedding.tokens import TextTokenizer
from docindex.evaluation.bootstrap import interval
from docindex.evaluation.passages import meets
from docindex.schema import Hit, Query

HALF = 0.5
BUDGETS = (500, 1000, 2000)
"""Tokens."""


@dataclass(frozen=True)
class Answer:
    """What came of a question."""

    hit: bool
    covered: float
    """The share of the section that the first hits hold."""
    tokens: int
    """Of those."""
    to_hit: float
    to_half: float
    """Tokens, best first; infinite where it never comes."""
    milliseconds: float


@dataclass(frozen=True)
class Measured:
    """A kind of question on a manual, asked in all ways."""

    manual: str
    passages: int
    kind: str
    section_tokens: float
    """The median."""
    answers: Mapping[str, Mapping[str, Answer]]
    """By way, by question."""

    def values(self, way: str, measure: str) -> dict[str, float]:
        """A figure of each question; a number instead of a name is the budget in which half of the section is held."""
        if measure.isdigit():
            return {key: float(one.to_half <= int(measure)) for key, one in self.answers[way].items()}
        return {key: float(getattr(one, measure)) for key, one in self.answers[way].items()}

    def as_dict(self) -> dict[str, Any]:
        """The measurement in JSON."""
        facts: dict[str, Any] = {
            "manual": self.manual,
            "passages": self.passages,
            "kind": self.kind,
            "section tokens": self.section_tokens,
        }
        shares = ("hit", "covered", *map(str, BUDGETS))
        for way in self.answers:
            facts[way] = {name: interval(list(self.values(way, name).values())).as_dict() for name in shares}
            for name in ("tokens", "to_hit", "to_half", "milliseconds"):
                middle = median(self.values(way, name).values())
                facts[way][f"{name}, median"] = middle if math.isfinite(middle) else None
        return facts


def measure(
    manual: Manual, kind: str, items: Sequence[Item], parts: wiring.Parts, tokenizer: TextTokenizer
) -> Measured:
    """Asks all questions in all ways."""
    snapshot = parts.store.snapshot()
    say(f"{manual.name}, {kind}: {len(items)} questions")
    answers: dict[str, dict[str, Answer]] = {}
    for way in WAYS:
        answers[way.name] = _asked(way, items, Asking(parts, snapshot, DEPTH), Asking(parts, snapshot, 1), tokenizer)
        hit = sum(answer.hit for answer in answers[way.name].values()) / max(len(items), 1)
        say(f"{manual.name}, {kind}, {way.name}: hit@{HITS} {hit:.3f}")
    texts = {doc_id: document.text for doc_id, document in snapshot.load_all(_documents(items)).items()}
    lengths = [len(tokenizer.offsets(texts[item.question.doc_id or ""][item.start : item.end])) for item in items]
    passages = sum(record.nodes for record in snapshot.documents())
    return Measured(manual.name, passages, kind, median(lengths), answers)


def _documents(items: Sequence[Item]) -> set[str]:
    return {item.question.doc_id or "" for item in items}


def _asked(way: Way, items: Sequence[Item], few: Asking, all_: Asking, tokenizer: TextTokenizer) -> dict[str, Answer]:
    first, deep = way.make(few), way.make(all_)
    first.retrieve(Query(items[0].question.text, HITS))  # loads what is loaded once
    found = {}
    for item in items:
        started = time.perf_counter()
        hits = first.retrieve(Query(item.question.text, HITS))
        milliseconds = (time.perf_counter() - started) * 1000
        to_hit, to_half = _needed(deep.retrieve(Query(item.question.text, DEEP)), item, tokenizer)
        found[item.question.question_id] = Answer(
            hit=any(meets(hit, item.question) for hit in hits),
            covered=covered(hits, item),
            tokens=sum(len(tokenizer.offsets(hit.text)) for hit in hits),
            to_hit=to_hit,
            to_half=to_half,
            milliseconds=milliseconds,
        )
    return found


def _needed(hits: Sequence[Hit], item: Item, tokenizer: TextTokenizer) -> tuple[float, float]:
    """The tokens up to the first right hit, and until half of the section is covered."""
    tokens, to_hit = 0, math.inf
    for number, hit in enumerate(hits, 1):
        tokens += len(tokenizer.offsets(hit.text))
        if meets(hit, item.question):
            to_hit = min(to_hit, tokens)
        if covered(hits[:number], item) >= HALF:
            return to_hit, tokens
    return to_hit, math.inf


def covered(hits: Sequence[Hit], item: Item) -> float:
    """The share of the section that the hits hold together."""
    spans = sorted(
        (max(hit.node.start, item.start), min(hit.node.end, item.end))
        for hit in hits
        if hit.doc_id == item.question.doc_id
    )
    length, reached = 0, item.start
    for start, end in spans:
        length += max(0, end - max(start, reached))
        reached = max(reached, end)
    return length / (item.end - item.start)
