"""Decisions of a model: held to a grammar, checked, and made by a rule where the model is of no help."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from docindex.answering.engines.shapes import Shape, grammar_of
from docindex.llm.reading import reading
from docindex.protocols import LLM, Message
from docindex.schema import JsonValue, TokenCounts

T = TypeVar("T")


class By(Enum):
    """Who made a decision, and why."""

    MODEL = "model"
    RULE = "rule"
    """No model was asked."""
    NO_ROOM = "no room"
    """The rule: the prompt and the longest answer don't fit the model's context."""
    UNREADABLE = "unreadable"
    """The rule: what the model wrote is no JSON. Under the grammar, that does not happen."""
    UNFIT = "unfit"
    """The rule: what the model wrote makes no sense here."""


@dataclass(frozen=True, slots=True)
class Decided(Generic[T]):
    """What was decided."""

    value: T
    by: By
    tokens: TokenCounts


@dataclass(frozen=True, slots=True)
class Decision(Generic[T]):
    """What a model is asked to decide."""

    shape: Shape
    """Of what it writes."""
    read: Callable[[JsonValue], T | None]
    """What the JSON means; None where it makes no sense."""


class Decider:
    """Asks the model, and never fails: the rule decides where it can't."""

    def __init__(self, llm: LLM | None) -> None:
        """Without a model, the rule always decides."""
        self._llm = llm

    def decide(
        self,
        decision: Decision[T],
        messages: Sequence[Message],
        rule: Callable[[], T],
        *,
        cancel: threading.Event | None = None,
    ) -> Decided[T]:
        """The model's decision, or that of the rule.

        Raises:
            RequestCancelledError: `cancel` was set.
        """
        llm = self._llm
        if llm is None:
            return Decided(rule(), By.RULE, TokenCounts())
        grammar = grammar_of(decision.shape)
        if llm.count_tokens(messages) + grammar.longest > llm.context_tokens:
            return Decided(rule(), By.NO_ROOM, TokenCounts())
        # As many tokens as the longest text has bytes: what is written is never cut off.
        answer = llm.complete(messages, max_tokens=grammar.longest, grammar=grammar.text, cancel=cancel)
        text, spent = "", TokenCounts()
        with reading(answer) as tokens:
            for count, token in enumerate(tokens, 1):
                text += token.text
                spent = TokenCounts(token.prompt_tokens, token.cached_tokens, count)
        try:
            written = json.loads(text)
        except ValueError:
            return Decided(rule(), By.UNREADABLE, spent)
        value = decision.read(written)
        return Decided(rule(), By.UNFIT, spent) if value is None else Decided(value, By.MODEL, spent)
