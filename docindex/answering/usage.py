"""What an answer costs: its tokens and its time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from docindex.protocols import Token
from docindex.schema import TokenCounts


class Usage:
    """Counts tokens as they pass."""

    def __init__(self) -> None:
        self.tokens = TokenCounts()

    def add(self, tokens: TokenCounts) -> None:
        """Adds what something else has cost."""
        self.tokens += tokens

    def counted(self, tokens: Iterator[Token], clock: Clock) -> Iterator[Token]:
        """The tokens of one completion, added to those of the ones before."""
        before = self.tokens
        for count, token in enumerate(tokens, 1):
            clock.first_token()
            self.tokens = before + TokenCounts(token.prompt_tokens, token.cached_tokens, count)
            yield token


class Clock:
    """Milliseconds since the answer was asked for."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._first: float | None = None
        self._stages: dict[str, float] = {}

    def first_token(self) -> None:
        """Stops the time to the first token, once."""
        if self._first is None:
            self._first = self._elapsed()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Adds up the time that a stage of the answer takes."""
        began = self._elapsed()
        try:
            yield
        finally:
            self._stages[name] = self._stages.get(name, 0.0) + self._elapsed() - began

    def timings(self) -> dict[str, float]:
        """Up to the first token, in the stages that were timed, and in all."""
        total = self._elapsed()
        return {"first_token": total if self._first is None else self._first, **self._stages, "total": total}

    def _elapsed(self) -> float:
        return (time.perf_counter() - self._started) * 1000
