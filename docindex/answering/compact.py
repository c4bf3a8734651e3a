"""One prompt, one answer: the synthesizer that reads the best hits and checks every sentence that the model writes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from typing import Protocol

from docindex.answering.entailment import Entailment
from docindex.answering.grounding import GroundedAnswer, Grounding
from docindex.answering.packing import PackedPrompt, answer_room, pack
from docindex.answering.piecewise import PiecewiseSynthesizer
from docindex.answering.policy import AnswerPolicy
from docindex.answering.prompting import STOP
from docindex.answering.usage import Clock
from docindex.prompts.files import SHIPPED, Prompts
from docindex.protocols import LLM, Vectors
from docindex.schema import Document, Hit, Response


class Packing(Protocol):
    """Makes the prompt."""

    def __call__(
        self, llm: LLM, question: str, hits: Sequence[Hit], *, max_tokens: int, max_hits: int, prompts: Prompts
    ) -> PackedPrompt:
        """A prompt that fits, with some of the hits."""
        ...


class CompactSynthesizer(PiecewiseSynthesizer):
    """Answers from the best hits with one request to the model.

    A sentence is given out once it is whole and a source sentence bears it out; others are left out. Where nothing is
    left, the best source sentence is quoted as it stands, and where there is none the answer says so. Nothing that was
    given out is taken back.
    """

    def __init__(
        self,
        llm: LLM,
        load_document: Callable[[str], Document | None],
        *,
        packing: Packing = pack,
        embed: Callable[[Sequence[str]], Vectors] | None = None,
        max_tokens: int = 160,
        max_hits: int = 4,
        policy: AnswerPolicy | None = None,
        prompts: Prompts = SHIPPED,
        entailment: Entailment | None = None,
    ) -> None:
        """Puts the parts together.

        Args:
            llm: The model that writes.
            load_document: A stored document by its id, to verify quotes against.
            packing: Makes the prompt: `pack` leaves out hits that do not fit, `pack_evenly` cuts all to one length.
            embed: Vectors of questions and sentences; sharpens what a sentence has to do with the question.
            max_tokens: The longest answer.
            max_hits: How many hits the model reads at most; a small model reads few well.
            policy: The thresholds.
            prompts: What the model is asked with.
            entailment: Has a model judge each sentence after it was written, or before it is given out where the policy
                withholds what it finds unlikely.
        """
        self._llm = llm
        self._grounding = Grounding(load_document, policy or AnswerPolicy(), embed, entailment)
        self._pack = packing
        self._max_tokens = max_tokens
        self._max_hits = max_hits
        self._prompts = prompts

    def _answer(
        self, question: str, hits: Sequence[Hit], cancel: threading.Event | None
    ) -> Generator[str, None, Response]:
        clock = Clock()
        max_tokens = answer_room(self._llm, self._max_tokens)
        prompt = self._pack(
            self._llm, question, hits, max_tokens=max_tokens, max_hits=self._max_hits, prompts=self._prompts
        )
        answer = GroundedAnswer(self._grounding, question, prompt.hits, clock, cancel=cancel)
        if not answer.foreign:
            tokens = self._llm.complete(prompt.messages, max_tokens=max_tokens, stop=STOP, cancel=cancel)
            for statement in answer.statements(tokens):
                yield answer.add(statement)
        yield from answer.finish()
        return answer.response(self._llm.name, prompt.hits, dropped=prompt.dropped)
