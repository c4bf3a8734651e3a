"""Questions with the place in a document that answers each: how an index and its answers are measured on own files.

A file of them is JSON Lines: `_id`, `text`, `doc_id`, `start`, `end`, `answer`, `kind`. `answer` is what the document
holds at `start` to `end`, to the letter. A question that no document answers has neither.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from docindex.errors import ConfigError, LoadError
from docindex.evaluation.dataset import read_records
from docindex.schema import Document, digest

QuestionKind = Literal["heading", "sentence", "model", "foreign", "given"]
QuestionSplit = Literal["all", "train", "test"]
LoadDocument = Callable[[str], Document | None]

TRAIN_SHARE = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question, and the place that answers it."""

    question_id: str
    text: str
    kind: QuestionKind = "given"
    """What it was made of: a section's heading, a sentence's keywords, by a language model, to have no answer; or given
    by whoever wrote the file."""
    doc_id: str | None = None
    """None when no document answers it."""
    start: int = 0
    end: int = 0
    answer: str = ""

    @property
    def answerable(self) -> bool:
        """Whether a document answers it."""
        return self.doc_id is not None

    @property
    def split(self) -> Literal["train", "test"]:
        """Where it belongs; the same for ever, since only its id decides."""
        place = int(digest(self.question_id)[:8], 16) / 0xFFFFFFFF
        return "train" if place < TRAIN_SHARE else "test"

    def as_dict(self) -> dict[str, Any]:
        """The question as a file of questions holds it."""
        place: dict[str, Any] = {"doc_id": None}
        if self.answerable:
            place = {"doc_id": self.doc_id, "start": self.start, "end": self.end, "answer": self.answer}
        return {"_id": self.question_id, "text": self.text, "kind": self.kind, **place}


def question_id_of(kind: QuestionKind, doc_id: str, start: int, text: str) -> str:
    """An id that the same question of the same place always gets."""
    return f"{kind[0]}-{digest(doc_id, str(start), text)[:12]}"


def write_questions(questions: Iterable[Question], path: Path) -> int:
    """Writes the questions as they come, so that those stay that were made before an interruption; returns how many."""
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for question in questions:
            file.write(json.dumps(question.as_dict(), ensure_ascii=False) + "\n")
            file.flush()
            count += 1
    return count


def read_questions(path: Path, split: QuestionSplit = "all") -> list[Question]:
    """The questions of a file; `split` takes those that belong to one part of it.

    Raises:
        LoadError: The file is missing, or a line of it is no question; the message names the line.
        ConfigError: It holds no question of the split.
    """
    questions: list[Question] = []
    known: set[str] = set()
    for number, record in read_records(path):
        question = _question(path, number, record)
        if question.question_id in known:
            raise LoadError(str(path), f"line {number}: the id {question.question_id!r} is there already")
        known.add(question.question_id)
        questions.append(question)
    chosen = [question for question in questions if split in ("all", question.split)]
    if not chosen:
        part = "" if split == "all" else f" of the split {split}"
        raise ConfigError(f"{path} holds no question{part}: make some with `docindex eval make`.")
    return chosen


def some_of(questions: Sequence[Question], count: int | None) -> list[Question]:
    """So many of the questions, of all kinds and documents, in their order: always the same ones. None is all."""
    chosen = sorted(questions, key=lambda question: digest("some", question.question_id))[:count]
    ids = {question.question_id for question in chosen}
    return [question for question in questions if question.question_id in ids]


def check_places(questions: Sequence[Question], load: LoadDocument, where: str) -> list[Question]:
    """The questions with places that hold their answers to the letter.

    Where a document has been edited since, an answer that is in it once is found again.

    Args:
        questions: To check.
        load: Gives a document by its id.
        where: What the questions are called in messages, such as the name of their file.

    Raises:
        LoadError: A document is gone, or does not hold the answer any more.
    """
    documents: dict[str, Document | None] = {}
    return [_checked(question, load, documents, where) for question in questions]


def fingerprint_of(questions: Sequence[Question]) -> str:
    """Equal for the same questions with the same places."""
    parts = [
        f"{question.question_id}\t{question.text}\t{question.doc_id}\t{question.start}\t{question.end}"
        for question in sorted(questions, key=lambda question: question.question_id)
    ]
    return digest(*parts)


def _checked(question: Question, load: LoadDocument, documents: dict[str, Document | None], where: str) -> Question:
    if question.doc_id is None:
        return question
    if question.doc_id not in documents:
        documents.clear()  # questions come by document: one is kept in memory at a time
        documents[question.doc_id] = load(question.doc_id)
    document = documents[question.doc_id]
    if document is None:
        raise LoadError(
            where, f"question {question.question_id!r}: the index holds no document {question.doc_id!r}: ingest it"
        )
    if document.text[question.start : question.end] == question.answer:
        return question
    if question.answer and document.text.count(question.answer) == 1:
        start = document.text.index(question.answer)
        return Question(
            question_id=question.question_id,
            text=question.text,
            kind=question.kind,
            doc_id=question.doc_id,
            start=start,
            end=start + len(question.answer),
            answer=question.answer,
        )
    raise LoadError(
        where,
        f"question {question.question_id!r}: {question.doc_id!r} does not hold its answer at {question.start} to "
        f"{question.end}: the document has changed, make the questions anew",
    )


def _question(path: Path, number: int, record: dict[str, object]) -> Question:
    def refuse(reason: str) -> LoadError:
        return LoadError(str(path), f"line {number}: {reason}")

    question_id, text, doc_id = record.get("_id"), record.get("text"), record.get("doc_id")
    if not isinstance(question_id, str | int) or not isinstance(text, str) or not text.strip():
        raise refuse('a question has an "_id" and a "text"')
    kinds: dict[object, QuestionKind] = {known: known for known in get_args(QuestionKind)}
    kind = kinds.get(record.get("kind", "given"))
    if kind is None:
        raise refuse(f'"kind" is one of {", ".join(map(str, kinds))}')
    if doc_id is None:
        return Question(question_id=str(question_id), text=text, kind=kind)
    start, end, answer = record.get("start"), record.get("end"), record.get("answer")
    if not isinstance(doc_id, str) or not isinstance(start, int) or not isinstance(end, int):
        raise refuse('"doc_id" is text, "start" and "end" are whole numbers; a question without an answer has none')
    if not 0 <= start < end or not isinstance(answer, str) or len(answer) != end - start:
        raise refuse('"answer" is the text of the document from "start" to "end"')
    return Question(
        question_id=str(question_id), text=text, kind=kind, doc_id=doc_id, start=start, end=end, answer=answer
    )
