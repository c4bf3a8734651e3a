"""The questions, and the places of documents that answer them.

A line of the file holds `id`, `corpus`, `question`, `document`, `answer`, `anchor`, `aliases`, `kind`. The anchor is a
fragment that the document holds once; the sentence around it answers the question. `also` names further places, where
a document says it twice or where the answer stands in the heading above.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docindex.chunking.sentences import split_sentences
from docindex.errors import LoadError
from docindex.evaluation.answers import normalized
from docindex.schema import Citation, Document

LoadDocument = Callable[[str], Document | None]

KINDS = ("fact", "number", "date", "name", "yes-no", "list", "procedure")
LONGEST_ANCHOR = 60
"""Characters; the Debian documents are quoted no further than it takes to find a sentence."""
LONGEST_ANSWER = 8
"""Words."""
MOST_OF_A_SENTENCE = 2
"""Questions that one sentence may answer."""
LARGEST_FILE = 200_000
RECORDS = (".json", ".jsonl", ".csv")
"""Files in which a line ends what is said, whether or not a full stop does."""
MOST_LINES = 4
"""Of a sentence; what has more without a full stop is a table, of which a line is a statement."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """A fragment by which a sentence of a document is found."""

    document: str
    fragment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question as the file has it."""

    question_id: str
    corpus: str
    text: str
    answer: str
    aliases: tuple[str, ...]
    kind: str
    anchors: tuple[Anchor, ...]
    """The first is the place that was meant."""


@dataclass(frozen=True, slots=True)
class Place:
    """A sentence that answers a question."""

    doc_id: str
    start: int
    end: int

    def meets(self, citation: Citation) -> bool:
        """Whether the citation shares text with it."""
        return citation.doc_id == self.doc_id and citation.start < self.end and self.start < citation.end


@dataclass(frozen=True, slots=True)
class Placed:
    """A question with the places that answer it in the documents at hand."""

    asked: Asked
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class OffTopic:
    """A question that no document answers."""

    question_id: str
    text: str
    near: bool
    """About the kinds of things that the documents are about."""


class AnchorError(ValueError):
    """A question and a document don't fit together."""


def read_questions(path: Path) -> list[Asked]:
    """All questions of the file.

    Raises:
        LoadError: A line lacks a field.
    """
    questions = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            questions.append(_asked(json.loads(line)))
        except (ValueError, KeyError, TypeError) as error:
            raise LoadError(str(path), f"line {number} is no question ({type(error).__name__}: {error})") from error
    return questions


def read_off_topic(path: Path) -> list[OffTopic]:
    """The plainly foreign questions, and after an empty line the near misses."""
    foreign, _, near = path.read_text(encoding="utf-8").partition("\n\n")
    return [
        OffTopic(f"{name}{number:02}", text, name == "near")
        for name, texts in (("foreign", foreign), ("near", near))
        for number, text in enumerate(texts.splitlines(), 1)
    ]


def placed(asked: Asked, load: LoadDocument) -> Placed:
    """The question with its sentences.

    Raises:
        AnchorError: A document is missing, holds an anchor not once, or does not hold the answer there.
    """
    found = [(document, _place(document, anchor)) for document, anchor in _documents(asked, load)]
    texts = [document.text[place.start : place.end] for document, place in found]
    if not any(_plain(asked.answer) in _plain(text) for text in texts):
        raise AnchorError(f"{asked.question_id}: the answer {asked.answer!r} is not in {texts}")
    return Placed(asked, tuple(place for _, place in found))


def place_all(questions: Iterable[Asked], load: LoadDocument) -> tuple[list[Placed], list[str]]:
    """The questions that the documents answer, and what is wrong with the others."""
    good, wrong = [], []
    for asked in questions:
        try:
            good.append(placed(asked, load))
        except AnchorError as error:
            wrong.append(str(error))
    return good, wrong


def flaws(questions: Sequence[Asked], off_topic: Sequence[OffTopic]) -> Iterator[str]:
    """What is wrong with the questions, whatever the documents say."""
    for name, count in Counter(asked.question_id for asked in questions).items():
        if count > 1:
            yield f"the id {name} is there {count} times"
    texts = [normalized(text) for text in (*(one.text for one in questions), *(one.text for one in off_topic))]
    for text, count in Counter(texts).items():
        if count > 1 or not text:
            yield f"the question {text!r} is there {count} times"
    for asked in questions:
        if asked.kind not in KINDS:
            yield f"{asked.question_id}: {asked.kind!r} is none of {', '.join(KINDS)}"
        if not 1 <= len(asked.answer.split()) <= LONGEST_ANSWER:
            yield f"{asked.question_id}: the answer has {len(asked.answer.split())} words, not 1 to {LONGEST_ANSWER}"
        if any(len(anchor.fragment) > LONGEST_ANCHOR for anchor in asked.anchors):
            yield f"{asked.question_id}: an anchor is longer than {LONGEST_ANCHOR} characters"


def crowded(questions: Iterable[Placed]) -> Iterator[str]:
    """The sentences that too many questions are about."""
    asked_of: dict[Place, list[str]] = {}
    for question in questions:
        asked_of.setdefault(question.places[0], []).append(question.asked.question_id)
    for place, ids in asked_of.items():
        if len(ids) > MOST_OF_A_SENTENCE:
            yield f"{place.doc_id}: one sentence answers {', '.join(ids)}"


def _asked(record: dict[str, Any]) -> Asked:
    first = Anchor(record["document"], record["anchor"])
    also = (Anchor(place["document"], place["anchor"]) for place in record.get("also", ()))
    return Asked(
        question_id=record["id"],
        corpus=record["corpus"],
        text=record["question"],
        answer=record["answer"],
        aliases=tuple(record["aliases"]),
        kind=record["kind"],
        anchors=(first, *also),
    )


def _documents(asked: Asked, load: LoadDocument) -> Iterator[tuple[Document, Anchor]]:
    for anchor in asked.anchors:
        document = load(anchor.document)
        if document is None:
            raise AnchorError(f"{asked.question_id}: there is no document {anchor.document!r}")
        count = document.text.count(anchor.fragment)
        if count != 1:
            raise AnchorError(f"{asked.question_id}: {anchor.document} holds {anchor.fragment!r} {count} times")
        yield document, anchor


def _place(document: Document, anchor: Anchor) -> Place:
    at = document.text.index(anchor.fragment)
    start, end = next(span for span in split_sentences(document.text) if span[0] <= at < span[1])
    if document.source.endswith(RECORDS) or document.text.count("\n", start, end) >= MOST_LINES:
        start = max(start, document.text.rfind("\n", 0, at) + 1)
        line_end = document.text.find("\n", at)
        end = end if line_end < 0 else min(end, line_end)
    return Place(document.doc_id, start, max(end, at + len(anchor.fragment)))


def _plain(text: str) -> str:
    """Lines of a PDF break anywhere: blanks are as good as each other."""
    return " ".join(text.split())
