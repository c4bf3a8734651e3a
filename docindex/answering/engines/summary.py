"""The engine that sums documents up."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import cache

from docindex.answering.citations import Sources
from docindex.answering.engines.extracts import describe_tables, extract
from docindex.answering.engines.joining import Joining
from docindex.answering.engines.key_sentences import key_sentences, spread
from docindex.answering.engines.naming import DocumentNames
from docindex.answering.engines.readable import hit_of, named, plain
from docindex.answering.engines.wishes import Wishes, wishes_of
from docindex.answering.orders import without_orders
from docindex.answering.piecewise import PiecewiseEngine
from docindex.answering.policy import NO_ANSWER, AnswerPolicy
from docindex.answering.terms import analyse
from docindex.answering.usage import Clock
from docindex.errors import RequestCancelledError
from docindex.protocols import Retriever, Snapshot, Synthesizer, Vectors
from docindex.retrieval.documents import best_of_each
from docindex.schema import Condition, Document, Hit, Query, Response, SearchMode, Step

_DEPTH = 24
"""Hits among whose documents those are that a request is about which names none."""
_JUDGED = 4
"""Hits whose sentences tell whether a question can be answered at all, as many as an answer is written from."""
_NEAR = 0.75
"""The share of the best hit's score that a further document's best hit has."""
_FEWEST = 2
"""Sentences of each document where many share the length."""


@dataclass(frozen=True, slots=True)
class _Request:
    question: str
    wishes: Wishes
    chosen: tuple[str, ...]
    """The ids of the documents to sum up."""
    left_out: int
    """How many more there are."""
    about: str


class SummaryEngine(PiecewiseEngine):
    """Says in a few sentences what a document, or several, say: their own sentences, each cited and looked up.

    A document is meant if the request names it by its file, its title or its id. Where it names none, those are meant
    that the best hits are from; where it asks about nothing in particular, all. "In three sentences", "briefly" and "as
    bullet points" are heeded.

    The sentences are the most central ones by the vectors that are stored and by their words, spread over the parts of
    the document. With a synthesizer, that writes the summary instead, from all passages of the document. The summaries
    come a document at a time; the response's `steps` name the documents.
    """

    def __init__(
        self,
        retriever: Retriever,
        snapshot: Callable[[], Snapshot],
        *,
        synthesizer: Synthesizer | None = None,
        documents: Sequence[str] = (),
        sentences: int = 5,
        most_documents: int = 8,
        mode: SearchMode = "hybrid",
        where: Condition | None = None,
        policy: AnswerPolicy | None = None,
        embed: Callable[[Sequence[str]], Vectors] | None = None,
    ) -> None:
        """Puts the parts together.

        Args:
            retriever: Finds the documents that a request is about.
            snapshot: The index as it is when a summary begins.
            synthesizer: Writes the summary from the passages in their order, such as a tree of summaries. Its answer
                is passed over for the key sentences where it has none.
            documents: The ids of what is summed up, whatever is asked.
            sentences: Of a document, or of two; where the request does not say and there are more, each has fewer.
            most_documents: How many documents are summed up for one request.
            mode: Of the search.
            where: What passages must meet.
            policy: When nothing that was found is about the request.
            embed: Gives the vectors of sentences. With it, a question is refused as other engines refuse it, by the
                sentences that might answer it as well as by the scores.
        """
        self._retriever = retriever
        self._snapshot = snapshot
        self._names = DocumentNames(snapshot, where)
        self._synthesizer = synthesizer
        self._documents = tuple(documents)
        self._sentences = sentences
        self._most = most_documents
        self._mode: SearchMode = mode
        self._where = where
        self._policy = policy or AnswerPolicy()
        self._embed = embed

    def _answer(self, question: str, cancel: threading.Event | None) -> Generator[str, None, Response]:
        clock, joining = Clock(), Joining()
        snapshot = self._snapshot()

        def find(text: str) -> list[Hit]:
            return self._retriever.retrieve(Query(text, _DEPTH, self._mode, self._where, cancel, joining.spend))

        request = self._request(snapshot, question, find)
        steps: list[Step] = []
        text = ""
        for doc_id in request.chosen:
            if cancel is not None and cancel.is_set():
                raise RequestCancelledError("The request was cancelled.")
            document = snapshot.load(doc_id)
            part = self._summary(snapshot, document, request, cancel) if document is not None else None
            if document is None or part is None:
                continue
            summary = joining.text(part)
            steps.append(Step("summary", doc_id, f"{len(part.citations)} citations"))
            titled = f"{_title(document)}\n{summary}" if len(request.chosen) > 1 else summary
            piece = f"\n\n{titled}" if text else titled
            clock.first_token()
            text += piece
            yield piece
        rest = "" if text else NO_ANSWER
        left_out = request.left_out + len(request.chosen) - len(steps)
        if text and left_out:
            rest = f"\n\nNot summed up: {left_out} more document{'s' if left_out > 1 else ''}."
        if rest:
            clock.first_token()
            yield rest
        return joining.whole(question, text + rest, timings_ms=clock.timings(), no_answer=not text, steps=tuple(steps))

    def _request(self, snapshot: Snapshot, question: str, find: Callable[[str], list[Hit]]) -> _Request:
        wishes = wishes_of(question, self._sentences)
        about = wishes.about
        ids: Sequence[str] = self._documents
        if ids:
            about = ""
        elif named := self._names.named(question):
            ids = [doc_id for one in named for doc_id in one.doc_ids]
            for word in (word for one in named for word in one.words):
                about = re.sub(rf"\b{re.escape(word)}\b", " ", about)
            doubtful = wishes.asks and not any(one.whole for one in named)
            if doubtful and analyse(about).size and self._foreign(snapshot, question, find(question), asks=True):
                ids = []
        elif not analyse(about).size:
            ids = list(filter(self._names.meets, _all(snapshot)))
        else:
            ids = self._found(snapshot, about, find(about), asks=wishes.asks)
        distinct = tuple(dict.fromkeys(ids))
        return _Request(question, wishes, distinct[: self._most], max(0, len(distinct) - self._most), about)

    def _found(self, snapshot: Snapshot, about: str, hits: list[Hit], *, asks: bool) -> list[str]:
        """The documents of the best hits."""
        if self._foreign(snapshot, about, hits, asks=asks):
            return []
        return [hit.doc_id for hit in best_of_each(hits, 1) if hit.score >= _NEAR * hits[0].score]

    def _foreign(self, snapshot: Snapshot, about: str, hits: list[Hit], *, asks: bool) -> bool:
        """Whether they have nothing to do with it; of a question, that is told as other engines tell it."""
        judged, embed = (hits[:_JUDGED], self._embed) if asks else (hits, None)
        return Sources(about, judged, cache(snapshot.load), self._policy, embed).foreign

    def _summary(
        self, snapshot: Snapshot, document: Document, request: _Request, cancel: threading.Event | None
    ) -> Response | None:
        stored = [found for found in snapshot.nodes_of(document.doc_id) if found.node.level == 0]
        if self._synthesizer is not None:
            hits = [hit_of(rank, found) for rank, found in enumerate(stored, 1)]
            response = self._synthesizer.synthesize(request.question, hits, cancel=cancel).response
            if not response.no_answer:
                return response
        about, wishes = analyse(request.about), request.wishes
        keys = key_sentences(snapshot, document, about)
        if not keys and about.size and not wishes.narrow:
            keys = key_sentences(snapshot, document, analyse(""))
        count = wishes.sentences
        if not wishes.counted and len(request.chosen) > 2:
            count = max(_FEWEST, 2 * count // len(request.chosen))
        chosen = spread(keys, count)
        if not any(key.whole for key in keys):
            if tables := describe_tables(request.question, document, stored):
                return tables
            # Of what has no sentences, no line says more than another; it is shown where nothing else was asked for.
            chosen = keys[:count] if len(request.chosen) == 1 else []
        return extract(request.question, chosen, document, bullets=wishes.bullets) if chosen else None


def _all(snapshot: Snapshot) -> list[str]:
    """All documents: one of each source before there is a second of any."""
    turns: dict[str, int] = {}
    ordered: list[tuple[int, str]] = []
    for record in snapshot.documents():
        if record.nodes:
            turns[record.source] = turns.get(record.source, 0) + 1
            ordered.append((turns[record.source], record.doc_id))
    return [doc_id for _, doc_id in sorted(ordered)]


def _title(document: Document) -> str:
    title, name = plain(without_orders(document.title)), named(without_orders(document.doc_id))
    return f"{title} ({name})" if title else name
