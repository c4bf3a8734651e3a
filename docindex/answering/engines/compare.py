"""The engine that sets two things, or two documents, side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from docindex.answering.citations import CitationList
from docindex.answering.engines.aspects import Aspect, aspects_of
from docindex.answering.engines.key_sentences import key_sentences, spread
from docindex.answering.engines.naming import DocumentNames
from docindex.answering.engines.readable import named, plain, readable_sentences
from docindex.answering.engines.sides import Sides, sides_of
from docindex.answering.extract import MODEL
from docindex.answering.orders import without_orders
from docindex.answering.piecewise import PiecewiseEngine
from docindex.answering.quotes import SourceSentence
from docindex.answering.support import Relevance
from docindex.answering.terms import analyse
from docindex.answering.usage import Clock, Usage
from docindex.errors import RequestCancelledError
from docindex.protocols import Engine, Retriever, Snapshot, Vectors
from docindex.schema import Condition, Document, Hit, Query, Response, SearchMode, Step

_Find = Callable[[str], list[Hit]]

_OF_DOCUMENT = 24
"""Key sentences of a document that are looked at."""
_OF_SUBJECT = 8
_ALONE = 3
"""Sentences that are given of what only one side has."""
_NAMED, _ABOUT = 0.75, 0.6
"""The share of the words of a side's name, and of the aspect, that a sentence about it has."""
_FIRST_HIT = 0.2
"""What it is worth that a sentence is of the first hit."""
_AS_GOOD = 0.8
"""The share of the merit of the best sentence about a thing that others have."""


@dataclass(frozen=True, slots=True)
class _Side:
    name: str
    sentences: tuple[SourceSentence, ...]


class CompareEngine(PiecewiseEngine):
    """Finds what a question compares, and what the documents say of each; what is about the same stands together.

    Sides are documents that are given or that the question names, or things that it sets against each other: "the
    difference between X and Y", "X versus Y". Every sentence is a quote with a citation. Where their quantities differ,
    the answer says so. What is no comparison, asks which is more so, or has one side alone goes to the engine for
    single questions. The answer comes an aspect at a time; the response's `steps` are the sides.
    """

    def __init__(
        self,
        retriever: Retriever,
        snapshot: Callable[[], Snapshot],
        fallback: Engine,
        *,
        embed: Callable[[Sequence[str]], Vectors] | None = None,
        documents: Sequence[str] = (),
        k: int = 8,
        mode: SearchMode = "hybrid",
        where: Condition | None = None,
    ) -> None:
        """Puts the parts together.

        Args:
            retriever: Finds what is said of a thing.
            snapshot: The index as it is when a comparison begins.
            fallback: Answers what can't be set side by side; one that splits questions does it best.
            embed: Vectors of sentences: tells what is about the same in other words.
            documents: The ids of what is set side by side, whatever is asked; one alone stands beside what is named.
            k: Passages that are looked at for each side.
            mode: Of the search.
            where: What passages must meet.
        """
        self._retriever = retriever
        self._snapshot = snapshot
        self._names = DocumentNames(snapshot, where)
        self._fallback = fallback
        self._embed = embed
        self._documents = tuple(dict.fromkeys(documents))
        self._k = k
        self._mode: SearchMode = mode
        self._where = where

    def _answer(self, question: str, cancel: threading.Event | None) -> Generator[str, None, Response]:
        clock, usage = Clock(), Usage()
        snapshot = self._snapshot()
        load = cache(snapshot.load)

        def find(text: str) -> list[Hit]:
            return self._retriever.retrieve(Query(text, self._k, self._mode, self._where, cancel, usage.add))

        sides = self._sides(question, snapshot, load, find)
        if cancel is not None and cancel.is_set():
            raise RequestCancelledError("The request was cancelled.")
        if sum(1 for side in sides if side.sentences) < 2:
            answer = self._fallback.stream(question, cancel=cancel)
            yield from answer
            return replace(answer.response, tokens=usage.tokens + answer.response.tokens)
        citations = CitationList(load)
        used: list[Hit] = []

        def cited(sentence: SourceSentence) -> str:
            used.append(sentence.hit)
            return f"{plain(sentence.text)} [{citations.quote(sentence)}]"

        text = ""
        for block in _blocks(sides, self._embed, cited):
            piece = f"\n\n{block}" if text else block
            clock.first_token()
            text += piece
            yield piece
        hits = {hit.node_id: hit for hit in used}
        steps = tuple(Step("side", side.name, _counted(len(side.sentences))) for side in sides)
        return Response(
            question,
            text,
            no_answer=False,
            citations=citations.as_tuple(),
            hits=tuple(hits.values()),
            tokens=usage.tokens,
            timings_ms=clock.timings(),
            model=MODEL,
            steps=steps,
        )

    def _sides(
        self, question: str, snapshot: Snapshot, load: Callable[[str], Document | None], find: _Find
    ) -> list[_Side]:
        named = self._documents_of(question)
        if len({doc_ids for _, doc_ids in named}) > 1:
            return [_Side(name, tuple(_of_documents(snapshot, load, doc_ids))) for name, doc_ids in named]
        sides = sides_of(question)
        if sides is None or sides.adjective:
            return []
        found = [_Side(name, self._of_subject(sides, name, load, find)) for name in sides.names]
        both = [set(map(_place, side.sentences)) for side in found]
        common = set.intersection(*both)
        return [_Side(side.name, tuple(one for one in side.sentences if _place(one) not in common)) for side in found]

    def _documents_of(self, question: str) -> list[tuple[str, tuple[str, ...]]]:
        """The documents that are given or named, with what their sides are called."""
        sides: list[tuple[str, tuple[str, ...]]] = [(doc_id, (doc_id,)) for doc_id in self._documents]
        if len(sides) < 2:
            named = [(" ".join(one.words), one.doc_ids) for one in self._names.named(question)]
            sides += [side for side in named if side[1] != self._documents]
        return sides

    def _of_subject(
        self, sides: Sides, name: str, load: Callable[[str], Document | None], find: _Find
    ) -> tuple[SourceSentence, ...]:
        """The sentences about a thing, the best first."""
        hits = find(sides.question(name))
        sentences = {
            _place(sentence): sentence
            for place, hit in enumerate(hits, 1)
            for sentence in readable_sentences(place, hit, load(hit.doc_id))
        }
        terms = [sentence.terms for sentence in sentences.values()]
        about, aspect = Relevance(analyse(name), terms), Relevance(analyse(sides.aspect), terms)
        nothing = analyse("")
        ranked: list[tuple[float, SourceSentence]] = []
        for sentence in sentences.values():
            of_name = about(sentence.terms, nothing, sentence.lead, follows=sentence.follows)
            of_aspect = aspect(sentence.terms, sentence.context, sentence.lead, follows=sentence.follows)
            if of_name >= _NAMED and (not sides.aspect or of_aspect >= _ABOUT):
                ranked.append((of_name + of_aspect + _FIRST_HIT / sentence.place, sentence))
        ranked.sort(key=lambda pair: -pair[0])
        return tuple(sentence for merit, sentence in ranked[:_OF_SUBJECT] if merit >= _AS_GOOD * ranked[0][0])


def _of_documents(
    snapshot: Snapshot, load: Callable[[str], Document | None], doc_ids: Sequence[str]
) -> list[SourceSentence]:
    documents = [document for document in map(load, doc_ids) if document is not None]
    nothing = analyse("")
    keys = [key for document in documents for key in spread(key_sentences(snapshot, document, nothing), _OF_DOCUMENT)]
    return [key.source for key in sorted(keys, key=lambda key: -key.score)[:_OF_DOCUMENT]]


def _blocks(
    sides: Sequence[_Side],
    embed: Callable[[Sequence[str]], Vectors] | None,
    cited: Callable[[SourceSentence], str],
) -> Generator[str, None, None]:
    """The parts of the answer: each aspect, then what only one side has."""
    aspects = aspects_of([side.sentences for side in sides], [side.name for side in sides], embed)
    told = {_place(sentence) for aspect in aspects for sentence in aspect.sentences if sentence is not None}
    for aspect in aspects:
        yield "\n".join(_lines(aspect, sides, cited))
    for side in sides:
        alone = [sentence for sentence in side.sentences if _place(sentence) not in told][:_ALONE]
        if alone:
            shown = _shown(side)
            name = f"Also of {shown}" if aspects else shown[:1].upper() + shown[1:]
            yield "\n".join([f"{name}:", *(f"- {cited(sentence)}" for sentence in alone)])


def _lines(
    aspect: Aspect, sides: Sequence[_Side], cited: Callable[[SourceSentence], str]
) -> Generator[str, None, None]:
    differing = f" ({' and '.join(aspect.differing)})" if aspect.differing else ""
    heading = named(aspect.label[:1].upper() + aspect.label[1:])
    if heading or differing:
        yield f"{heading or 'Different'}{differing}:"
    for side, sentence in zip(sides, aspect.sentences, strict=True):
        if sentence is not None:
            yield f"- {_shown(side)}: {cited(sentence)}"


def _shown(side: _Side) -> str:
    return named(without_orders(side.name))


def _counted(sentences: int) -> str:
    return f"{sentences} sentence{'' if sentences == 1 else 's'}"


def _place(sentence: SourceSentence) -> tuple[str, int]:
    return sentence.hit.doc_id, sentence.start
