"""One prompt, one answer: the synthesizer that reads the best hits and checks every sentence that the model writes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from functools import cache

from docindex.answering.citations import CitationList, Sources
from docindex.answering.packing import pack
from docindex.answering.policy import AnswerPolicy
from docindex.answering.streams import LazyAnswer, asked, reading
from docindex.answering.usage import Clock, Usage
from docindex.answering.writing import Written, checked
from docindex.protocols import LLM, Vectors
from docindex.schema import Document, Hit, Response

_STOP = ("\n\n", "\nQuestion:", "\nSource", "<source", "</source")
"""Where a small model begins to ramble."""
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
        return asked(question, self._answer(question, hits, cancel))

    def _answer(
        self, question: str, hits: Sequence[Hit], cancel: threading.Event | None
    ) -> Generator[str, None, Response]:
        clock = Clock()
        max_tokens = min(self._max_tokens, max(1, self._llm.context_tokens // _FALLBACK_ANSWER_SHARE))
        prompt = pack(self._llm, question, hits, max_tokens=max_tokens, max_hits=self._max_hits)
        load_document = cache(self._load_document)
        sources = Sources(question, prompt.hits, load_document, self._policy, self._embed)
        citations = CitationList(load_document)
        written = Written(citations)
        usage = Usage()
        if not self._policy.is_foreign(
            question, prompt.hits, sources.best_relevance, lacks_subject=sources.lacks_subject
        ):
            tokens = self._llm.complete(prompt.messages, max_tokens=max_tokens, stop=_STOP, cancel=cancel)
            with reading(tokens):
                for sentence, judgement in checked(usage.counted(tokens, clock), sources):
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
