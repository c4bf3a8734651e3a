"""The best sentences as they stand: an answer without a language model."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence

from docindex.answering.grounding import GroundedAnswer, Grounding
from docindex.answering.piecewise import PiecewiseSynthesizer
from docindex.answering.policy import AnswerPolicy
from docindex.answering.quotes import SourceSentence
from docindex.answering.usage import Clock
from docindex.errors import RequestCancelledError
from docindex.protocols import Vectors
from docindex.schema import Document, Hit, Response

MODEL = "extract"
"""What a response names as its model."""
_ALIKE = 0.6
"""Two sentences that share so much of their words say nearly the same."""


class ExtractSynthesizer(PiecewiseSynthesizer):
    """Quotes the sentences that could answer the question best, the most relevant first, and none twice.

    The quotes come one at a time; all hits are read.
    """

    def __init__(
        self,
        load_document: Callable[[str], Document | None],
        *,
        embed: Callable[[Sequence[str]], Vectors] | None = None,
        max_sentences: int = 3,
        policy: AnswerPolicy | None = None,
    ) -> None:
        """Puts the parts together; they are those of `CompactSynthesizer`, but there is no model.

        Sentences after the first one are quoted only if they are nearly as relevant.
        """
        self._policy = policy or AnswerPolicy()
        self._grounding = Grounding(load_document, self._policy, embed)
        self._max_sentences = max_sentences

    def _answer(
        self, question: str, hits: Sequence[Hit], cancel: threading.Event | None
    ) -> Generator[str, None, Response]:
        clock = Clock()
        answer = GroundedAnswer(self._grounding, question, hits, clock)
        for sentence in () if answer.foreign else self._chosen(answer):
            if cancel is not None and cancel.is_set():
                raise RequestCancelledError("The request was cancelled.")
            clock.first_token()
            yield answer.quote(sentence)
        yield from answer.finish()
        return answer.response(MODEL, hits)

    def _chosen(self, answer: GroundedAnswer) -> list[SourceSentence]:
        least = max(self._policy.quotable, self._policy.doubtful_topic * answer.sources.best_relevance)
        chosen: list[SourceSentence] = []
        for relevance, sentence in answer.sources.ranked():
            if relevance < least or len(chosen) == self._max_sentences:
                break
            if not any(_alike(sentence, other) for other in chosen):
                chosen.append(sentence)
        return chosen


def _alike(one: SourceSentence, other: SourceSentence) -> bool:
    """Whether two sentences have nearly the same words; their numbers may differ."""
    either = one.terms.words | other.terms.words
    return len(one.terms.words & other.terms.words) >= _ALIKE * len(either)
