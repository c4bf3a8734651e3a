"""The model's own answer, for what needs no documents."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator

from docindex.answering.piecewise import PiecewiseEngine
from docindex.answering.prompting import direct_prompt
from docindex.answering.usage import Clock, Usage
from docindex.errors import QueryError
from docindex.llm.reading import reading
from docindex.prompts.files import SHIPPED, Prompts
from docindex.protocols import LLM
from docindex.schema import Response


class ModelEngine(PiecewiseEngine):
    """Asks the model alone: nothing is looked up, and nothing is cited."""

    def __init__(self, llm: Callable[[], LLM], *, max_tokens: int = 160, prompts: Prompts = SHIPPED) -> None:
        """Takes what loads the model when the first question comes, the longest answer, and what it is asked with."""
        self._llm = llm
        self._max_tokens = max_tokens
        self._prompts = prompts

    def _answer(self, question: str, cancel: threading.Event | None) -> Generator[str, None, Response]:
        llm, clock, usage = self._llm(), Clock(), Usage()
        messages = direct_prompt(question, self._prompts)
        room = llm.context_tokens - llm.count_tokens(messages)
        if room < 1:
            raise QueryError(f"{llm.name} has room for {llm.context_tokens} tokens: ask a shorter question.")
        text = ""
        tokens = llm.complete(messages, max_tokens=min(self._max_tokens, room), cancel=cancel)
        with reading(tokens):
            for token in usage.counted(tokens, clock):
                text += token.text
                yield token.text
        return Response(
            question, text, no_answer=False, tokens=usage.tokens, timings_ms=clock.timings(), model=llm.name
        )
