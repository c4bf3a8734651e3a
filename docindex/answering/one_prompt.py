"""One prompt, one answer: the way of the modes that differ in what they pack."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from typing import Protocol

from docindex.answering.grounding import GroundedAnswer, Grounding
from docindex.answering.packing import PackedPrompt, answer_room
from docindex.answering.prompting import STOP
from docindex.answering.streams import LazyAnswer, asked
from docindex.answering.usage import Clock
from docindex.prompts.files import Prompts
from docindex.protocols import LLM
from docindex.schema import Hit, Response


class Packing(Protocol):
    """Makes the prompt."""

    def __call__(
        self, llm: LLM, question: str, hits: Sequence[Hit], *, max_tokens: int, max_hits: int, prompts: Prompts
    ) -> PackedPrompt:
        """A prompt that fits, with some of the hits."""
        ...


class OnePrompt:
    """Answers with one request to the model, and checks every sentence that it writes."""

    def __init__(
        self, llm: LLM, grounding: Grounding, pack: Packing, *, max_tokens: int, max_hits: int, prompts: Prompts
    ) -> None:
        self._llm = llm
        self._grounding = grounding
        self._pack = pack
        self._max_tokens = max_tokens
        self._max_hits = max_hits
        self._prompts = prompts

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
        max_tokens = answer_room(self._llm, self._max_tokens)
        prompt = self._pack(
            self._llm, question, hits, max_tokens=max_tokens, max_hits=self._max_hits, prompts=self._prompts
        )
        answer = GroundedAnswer(self._grounding, question, prompt.hits, clock)
        if not answer.foreign:
            tokens = self._llm.complete(prompt.messages, max_tokens=max_tokens, stop=STOP, cancel=cancel)
            for statement in answer.statements(tokens):
                yield answer.add(statement)
        yield from answer.finish()
        return answer.response(self._llm.name, prompt.hits, dropped=prompt.dropped)
