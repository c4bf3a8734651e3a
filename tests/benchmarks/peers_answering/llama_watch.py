"""Watches llama-cpp-python, which all other systems ask: what it reads, and when it writes the first token."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

from answer_task import Usage
from llama_cpp import Llama


class LlamaWatch:
    """Counts what every model of this process reads and writes, from one question to the next."""

    def __init__(self) -> None:
        self.begin()
        self._follow_reading()
        self._follow_writing()

    def begin(self) -> None:
        """A question is asked now."""
        self._started = time.perf_counter()
        self._first: float | None = None
        self._prompt = self._read = self._written = 0

    def usage(self) -> Usage:
        """What it took to answer.

        Raises:
            ValueError: The model has written nothing.
        """
        if self._first is None:
            raise ValueError("the model was not asked, or wrote nothing")
        return Usage(
            first_token=self._first - self._started,
            prompt_tokens=self._prompt,
            cached_tokens=self._prompt - self._read,
            answer_tokens=self._written,
        )

    def _follow_reading(self) -> None:
        plain = Llama.eval

        def evaluated(model: Llama, tokens: Sequence[int]) -> None:
            if self._first is None:
                self._read += len(tokens)
            plain(model, tokens)

        Llama.eval = evaluated

    def _follow_writing(self) -> None:
        plain = Llama.generate

        def generated(model: Llama, tokens: Sequence[int], *args: Any, **kwargs: Any) -> Iterator[int]:
            self._prompt += len(tokens)
            for token in plain(model, tokens, *args, **kwargs):
                if self._first is None:
                    self._first = time.perf_counter()
                self._written += 1
                yield token

        Llama.generate = generated


def model_settings(threads: int, way: str) -> dict[str, Any]:
    """What every system passes on to llama-cpp-python, beside what it has a name for itself."""
    return {"n_threads": threads, "n_threads_batch": threads, "verbose": False, "flash_attn": way == "flash"}


def described(way: str) -> str:
    """The same for the report."""
    return f"flash attention {'on' if way == 'flash' else 'off, as it is by default'}, KV cache in f16, batches of 512"
