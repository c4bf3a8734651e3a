"""One prompt with the beginnings of all hits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from docindex.answering.grounding import Grounding
from docindex.answering.one_prompt import OnePrompt
from docindex.answering.packing import pack_evenly
from docindex.answering.policy import AnswerPolicy
from docindex.answering.streams import LazyAnswer
from docindex.prompts.files import SHIPPED, Prompts
from docindex.protocols import LLM, Vectors
from docindex.schema import Document, Hit


class SimpleSynthesizer:
    """Answers with one request to the model that shows something of every hit.

    Where the hits don't fit, all are cut at about the same length; the compact way leaves out whole ones instead.
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
        prompts: Prompts = SHIPPED,
    ) -> None:
        """Puts the parts together; they are those of `CompactSynthesizer`."""
        grounding = Grounding(load_document, policy or AnswerPolicy(), embed)
        self._one = OnePrompt(llm, grounding, pack_evenly, max_tokens=max_tokens, max_hits=max_hits, prompts=prompts)

    def synthesize(self, question: str, hits: Sequence[Hit], *, cancel: threading.Event | None = None) -> LazyAnswer:
        """The answer as it grows, a sentence at a time.

        Raises:
            QueryError: The question is empty, or alone too long for the model's context.
        """
        return self._one.synthesize(question, hits, cancel=cancel)
