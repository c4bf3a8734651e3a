"""Whether a model can tell what a question is for: it is asked about some whose answer is known."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from docindex.answering.engines.asking import Choice, messages
from docindex.answering.engines.decisions import Decider, Decision
from docindex.answering.engines.shapes import Fields, OneOf
from docindex.prompts.files import SHIPPED, Prompts
from docindex.protocols import LLM
from docindex.schema import JsonValue, TokenCounts

EXAM = (
    ("Write a summary of the contract for me.", "summary"),
    ("What is the address of the office?", "retriever"),
    ("Compare the blue model with the green model.", "compare"),
    ("How many orders are there, and what is their average value?", "tables"),
    ("How do I open the lid?", "retriever"),
    ("Give me an overview of the minutes.", "summary"),
)
"""Questions, and the engine of each."""
_MISTAKES = 1
"""More than these, and the model's choices are not better than none."""


class Exam:
    """Asks a model once, when it is first wanted: up to six short answers. The default model fails at two."""

    def __init__(self, llm: LLM | None, choices: Sequence[Choice], prompts: Prompts = SHIPPED) -> None:
        """Takes the model and what it is to choose from; no model never passes."""
        self._llm = llm
        self._choices = tuple(choices)
        self._prompts = prompts
        self._passed: bool | None = None if llm is not None else False

    def sit(self, *, cancel: threading.Event | None = None) -> tuple[bool, TokenCounts]:
        """Whether the model may choose, and the tokens that it took to know; none from the second time on."""
        spent = TokenCounts()
        if self._passed is None:
            names = [choice.name for choice in self._choices]
            asked = [(question, name) for question, name in EXAM if name in names]
            mistakes = 0
            for question, name in asked:
                prompt = messages("decide_engine", question, choices=self._choices, prompts=self._prompts)
                decided = Decider(self._llm).decide(engine_decision(names), prompt, lambda: "", cancel=cancel)
                spent = spent + decided.tokens
                mistakes += decided.value != name
                if mistakes > _MISTAKES:
                    break
            self._passed = mistakes <= _MISTAKES < len(asked)
        return self._passed, spent


def engine_decision(names: Sequence[str]) -> Decision[str]:
    """What a model decides that chooses an engine."""

    def read(written: JsonValue) -> str | None:
        return str(written["engine"]) if isinstance(written, dict) and written.get("engine") in names else None

    return Decision(Fields({"engine": OneOf(tuple(names))}), read)
