"""One prompt, one answer: the synthesizer that reads the best hits and checks every sentence that the model writes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import cache

from docindex.answering.citations import CitationList, Judgement, Sources
from docindex.answering.packing import pack
from docindex.answering.policy import NO_ANSWER, AnswerPolicy
from docindex.answering.questions import is_refusal
from docindex.answering.sentences import Sentence, sentences_of
from docindex.answering.streams import LazyAnswer, reading
from docindex.errors import QueryError
from docindex.protocols import LLM, Token, Vectors
from docindex.schema import Document, Hit, Response, TokenCounts

_STOP = ("\n\n", "\nQuestion:", "\nSource", "<source", "</source")
"""Where a small model begins to ramble."""
_PATIENCE = 2
"""After so many sentences in a row that no source bears out, the rest is not waited for."""
_FALLBACK_ANSWER_SHARE = 4
"""In a small context, at most one part in so many is kept for the answer."""


class CompactSynthesizer:
    """Answers from the best hits with one request to the model.

    A sentence is given out once it is whole and a source sentence bears it out; others are left out. Where nothing is
    left, the best source sentence is quoted as it stands, and where there is none the answer says so.
    """

    def __init__(
        self,
        llm: LLM,
        load_document: Callable[[str], Document | None],
        *,
        embed: Callable[[Sequence[str]], Vectors] | None = None,
        max_tokens: int = 160,
        max_hits: int = 4,
        policy: AnswerPolicy | None = None,
    ) -> None:
        """Puts the parts together.

        Args:
            llm: The model that writes.
            load_document: A stored document by its id, to verify quotes against.
            embed: Vectors of questions and sentences; sharpens what a sentence has to do with the question.
            max_tokens: The longest answer.
            max_hits: How many hits the model reads at most; a small model reads few well.
            policy: The thresholds.
        """
        self._llm = llm
        self._load_document = load_document
        self._embed = embed
        self._max_tokens = max_tokens
        self._max_hits = max_hits
        self._policy = policy or AnswerPolicy()

    def synthesize(self, question: str, hits: Sequence[Hit], *, cancel: threading.Event | None = None) -> LazyAnswer:
        """The answer as it grows, a sentence at a time; nothing that was given out is taken back.

        Raises:
            QueryError: The question is empty, or alone too long for the model's context.
        """
        if not question.strip():
            raise QueryError("The question is empty: ask something.")
        return LazyAnswer(self._answer(question, hits, cancel))

    def _answer(
        self, question: str, hits: Sequence[Hit], cancel: threading.Event | None
    ) -> Generator[str, None, Response]:
        clock = _Clock()
        max_tokens = min(self._max_tokens, max(1, self._llm.context_tokens // _FALLBACK_ANSWER_SHARE))
        prompt = pack(self._llm, question, hits, max_tokens=max_tokens, max_hits=self._max_hits)
        load_document = cache(self._load_document)
        sources = Sources(question, prompt.hits, load_document, self._policy, self._embed)
        citations = CitationList(load_document)
        written = _Written(citations)
        usage = _Usage()
        if not self._policy.is_foreign(
            question, prompt.hits, sources.best_relevance, lacks_subject=sources.lacks_subject
        ):
            tokens = self._llm.complete(prompt.messages, max_tokens=max_tokens, stop=_STOP, cancel=cancel)
            with reading(tokens):
                for sentence, judgement in _checked(usage.counted(tokens, clock), sources):
                    yield written.add(sentence, judgement)
            if not written.verified and (best := sources.quotable()):
                marker = citations.cite(best, verified=True)
                yield written.quote(best.text, marker)
        if not written.text:
            yield written.refuse()
        return Response(
            question=question,
            answer=written.text,
            no_answer=written.refused,
            citations=citations.as_tuple(),
            hits=prompt.hits,
            dropped=prompt.dropped,
            tokens=usage.tokens,
            timings_ms=clock.timings(),
            model=self._llm.name,
        )


def _checked(tokens: Iterator[Token], sources: Sources) -> Iterator[tuple[Sentence, Judgement]]:
    """The sentences that a source bears out, as they come; of those that can't be verified, one for each quote."""
    seen: set[str] = set()
    doubtful: set[int] = set()
    astray = 0
    for sentence in sentences_of(tokens):
        key = " ".join(sentence.text.lower().split())
        if key in seen:
            return  # it goes round in circles
        seen.add(key)
        judgement = sources.judge(sentence.text, sentence.cited)
        repeats = not judgement.verified and id(judgement.sentence) in doubtful
        if judgement.shown and not repeats and not is_refusal(sentence.text):
            astray = 0
            if not judgement.verified:
                doubtful.add(id(judgement.sentence))
            yield sentence, judgement
        elif (astray := astray + 1) >= _PATIENCE:
            return


class _Written:
    """The answer so far."""

    def __init__(self, citations: CitationList) -> None:
        self._citations = citations
        self.text = ""
        self.verified = False
        """A citation in it is."""
        self.refused = False

    def add(self, sentence: Sentence, judgement: Judgement) -> str:
        """A sentence with its marker; returns what is new in the text."""
        if judgement.sentence is None:
            raise ValueError("Only a sentence with a source is shown.")
        marker = self._citations.cite(judgement.sentence, verified=judgement.verified)
        self.verified = self.verified or judgement.verified
        return self._append(sentence.gap, f"{sentence.text} [{marker}]")

    def quote(self, text: str, marker: int) -> str:
        """A source sentence as it stands."""
        self.verified = True
        return self._append(" ", f"“{' '.join(text.split())}” [{marker}]")

    def refuse(self) -> str:
        """Says that there is no answer."""
        self.refused = True
        return self._append("", NO_ANSWER)

    def _append(self, gap: str, text: str) -> str:
        piece = (gap if self.text else "") + text
        self.text += piece
        return piece


class _Usage:
    """Counts tokens as they pass."""

    def __init__(self) -> None:
        self.tokens = TokenCounts()

    def counted(self, tokens: Iterator[Token], clock: _Clock) -> Iterator[Token]:
        for count, token in enumerate(tokens, 1):
            clock.first_token()
            self.tokens = TokenCounts(token.prompt_tokens, token.cached_tokens, count)
            yield token


class _Clock:
    """Milliseconds since the answer was asked for."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._first: float | None = None

    def first_token(self) -> None:
        if self._first is None:
            self._first = self._elapsed()

    def timings(self) -> dict[str, float]:
        total = self._elapsed()
        return {"first_token": total if self._first is None else self._first, "total": total}

    def _elapsed(self) -> float:
        return (time.perf_counter() - self._started) * 1000
