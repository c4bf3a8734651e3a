"""One prompt, one answer: the synthesizer that reads the best hits and checks every sentence that the model writes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from docindex.answering.grounding import Grounding
from docindex.answering.one_prompt import OnePrompt
from docindex.answering.packing import pack
from docindex.answering.policy import AnswerPolicy
from docindex.answering.streams import LazyAnswer
from docindex.prompts.files import SHIPPED, Prompts
from docindex.protocols import LLM, Vectors
from docindex.schema import Document, Hit


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
        prompts: Prompts = SHIPPED,
    ) -> None:
        """Puts the parts together.

        Args:
            llm: The model that writes.
            load_document: A stored document by its id, to verify quotes against.
            embed: Vectors of questions and sentences; sharpens what a sentence has to do with the question.
            max_tokens: The longest answer.
            max_hits: How many hits the model reads at most; a small model reads few well.
            policy: The thresholds.
            prompts: What the model is asked with.
        """
        grounding = Grounding(load_document, policy or AnswerPolicy(), embed)
        self._one = OnePrompt(llm, grounding, pack, max_tokens=max_tokens, max_hits=max_hits, prompts=prompts)

    def synthesize(self, question: str, hits: Sequence[Hit], *, cancel: threading.Event | None = None) -> LazyAnswer:
        """The answer as it grows, a sentence at a time; nothing that was given out is taken back.

        Raises:
            QueryError: The question is empty, or alone too long for the model's context.
        """
        return self._one.synthesize(question, hits, cancel=cancel)
