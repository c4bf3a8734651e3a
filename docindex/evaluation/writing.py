"""Questions by a language model: it is shown a sentence and something in it, and asks for that.

What answers is chosen first, by rule, and is a span of the document; the model writes the question only. What it writes
is kept when it is a question that shares words with the sentence and does not give the answer away.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from docindex.answering.terms import STOPWORDS, stem
from docindex.chunking.sentences import split_sentences
from docindex.evaluation.keywords import Sentence, sentences_of, words_of
from docindex.evaluation.questions import LoadDocument, Question, question_id_of
from docindex.evaluation.sampling import sample, spread
from docindex.prompts import examples
from docindex.prompts.files import SHIPPED, Prompts
from docindex.protocols import LLM, Message

AnswerKind: TypeAlias = Literal["number", "name", "phrase"]

ATTEMPTS = 5
"""So many times more sentences are tried than questions are wanted, since not each gives one."""
MAX_TOKENS = 40
_CONTEXT = 400
"""Characters before the sentence that the model may read, in whole sentences."""
_GRAMMAR = """
root ::= opening " " [^?!.:;\\n]{8,100} "?"
opening ::= %s
"""
_UNITS: Mapping[str, tuple[str, ...]] = {
    "How long": ("second", "minute", "hour", "day", "week", "month", "year"),
    "How far": ("metre", "meter", "kilometre", "kilometer", "mile"),
    "How heavy": ("gram", "kilogram", "tonne", "pound"),
    "At what temperature": ("degree", "°", "°c", "°f"),
    "What share": ("percent", "%"),
}
_OPENINGS: Mapping[AnswerKind, tuple[str, ...]] = {
    "number": ("How many", "How much", "What is the"),
    "name": ("What", "Which", "Who", "Where"),
    "phrase": ("What", "Which", "Where", "How"),
}
_NUMBER = re.compile(
    r"(?<![\w.,/-])\d[\d,.]*(?<=\d)(?![\w/-])(?:\s?(?:%|°[CF]?|[€$£])|\s(?:[a-z]+|[kmM]?(?:V|W|A|Hz|N|J|m|g|l))\b)?"
)
_NAME = re.compile(
    r"[A-Z][\w'’-]+(?:\s+(?:(?:of|and|for|the|de|von|van)\s+)?[A-Z][\w'’-]+)+|(?<=[a-z,;] )[A-Z][\w'’-]{2,}"
)
_PHRASE = re.compile(
    r"\b(?:is|are|was|were|by|with|from|into|under|at|in|to|for)\s+"
    r"((?:an?|the|your|its)\s+[a-z][\w-]+(?:\s[a-z][\w-]+)?)(?=[.,;]|$)"
)
_SHORTEST_QUESTION = 15
_TOLD = 0.6
"""The share of the question's words that the passage must have: the others are made up."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Something that a question may ask for: a span of a sentence."""

    sentence: Sentence
    start: int
    text: str
    kind: AnswerKind


def model_questions(
    llm: LLM,
    doc_ids: Sequence[str],
    load: LoadDocument,
    count: int,
    *,
    seed: int = 0,
    prompts: Prompts = SHIPPED,
) -> Iterator[Question]:
    """At most `count` questions with short answers, spread over the documents, each as soon as it is made."""
    by_document: dict[str, list[Answer]] = {}
    for doc_id in sample(doc_ids, count, seed):
        document = load(doc_id)
        if document is not None:
            answers = [answer for sentence in sentences_of(document) for answer in answers_in(sentence)[:1]]
            by_document[doc_id] = sorted(
                answers, key=lambda answer: (-len(words_of(answer.sentence.text)), answer.start)
            )
    made = 0
    asked: set[str] = set()
    for answer in spread(by_document, ATTEMPTS * count, seed):
        document = load(answer.sentence.doc_id)
        if made == count or document is None:
            return
        text = _ask(llm, answer, document.text, document.title, prompts)
        if text is not None and text.lower() not in asked:
            asked.add(text.lower())
            made += 1
            yield Question(
                question_id=question_id_of("model", answer.sentence.doc_id, answer.start, text),
                text=text,
                kind="model",
                doc_id=answer.sentence.doc_id,
                start=answer.start,
                end=answer.start + len(answer.text),
                answer=answer.text,
            )


def answers_in(sentence: Sentence) -> list[Answer]:
    """What may be asked for: numbers with what they count, names, objects of some prepositions, in this order."""
    text = sentence.text
    found: list[tuple[AnswerKind, int, int]] = []
    for match in _NUMBER.finditer(text, 1):
        number, _, unit = match[0].partition(" ")
        if unit and unit.lower() not in STOPWORDS:
            found.append(("number", *match.span()))
        elif len(number) > 1:  # a lone digit may count anything
            found.append(("number", match.start(), match.start() + len(number)))
    found += [("name", *match.span()) for match in _NAME.finditer(text, 1)]
    found += [("phrase", *match.span(1)) for match in _PHRASE.finditer(text)]
    return [Answer(sentence, sentence.start + start, text[start:end], kind) for kind, start, end in found]


def sound(question: str, answer: Answer, passage: str) -> bool:
    """Whether it is a question that the passage answers, as far as words can tell, without giving the answer away."""
    asked, given = _stems(question), _stems(answer.text)
    told = _stems(answer.sentence.text) - given
    return (
        question.endswith("?")
        and len(question) >= _SHORTEST_QUESTION
        and " ".join(answer.text.split()).lower() not in question.lower()
        and not (given and given <= asked)
        and len(asked & told) >= min(2, len(told))
        and len(asked & _stems(passage)) >= _TOLD * len(asked)
        and not re.search(r"\b(?:passage|sentence|text|answer)\b", question, re.IGNORECASE)
    )


def openings_for(answer: Answer) -> list[str]:
    """How a question may begin that asks for it."""
    unit = answer.text.split()[-1].lower() if " " in answer.text or not answer.text[-1].isdigit() else ""
    by_unit = [opening for opening, units in _UNITS.items() if unit.removesuffix("s") in units]
    counted = [f"How many {unit}"] if answer.kind == "number" and unit.isalpha() and len(unit) > 2 else []
    if answer.kind != "number":
        return list(_OPENINGS[answer.kind])
    return [*by_unit, *counted] or list(_OPENINGS["number"])


def _ask(llm: LLM, answer: Answer, text: str, title: str, prompts: Prompts) -> str | None:
    sentence = answer.sentence
    passage = " ".join(text[_context_start(text, sentence.start) : sentence.start + len(sentence.text)].split())
    values = {"title": title, "passage": passage, "answer": " ".join(answer.text.split())}
    request = [
        Message("system", prompts.render("eval_make_system")),
        *examples.turns(prompts.render("eval_make_examples")),
        Message("user", prompts.render("eval_make", values)),
    ]
    grammar = _GRAMMAR % " | ".join(json.dumps(opening) for opening in openings_for(answer))
    said = "".join(token.text for token in llm.complete(request, max_tokens=MAX_TOKENS, grammar=grammar))
    question = " ".join(said.split())
    return question if sound(question, answer, f"{title} {passage}") else None


def _context_start(text: str, start: int) -> int:
    """Where the sentences before a place begin that a model may read."""
    from_ = max(0, start - _CONTEXT)
    paragraph = max(text.rfind("\n\n", from_, start), from_ - 1 if from_ else -1)
    spans = split_sentences(text[paragraph + 1 : start])
    return paragraph + 1 + spans[-2 if len(spans) > 1 else 0][0] if spans else start


def _stems(text: str) -> set[str]:
    words = (word.lower() for word in re.findall(r"\w+", text))
    return {stem(word) for word in words if word not in STOPWORDS}
