"""A language model that says what it is told to say."""

from __future__ import annotations

import re
import threading
from collections.abc import Generator, Sequence

from docindex.errors import ModelError, RequestCancelledError
from docindex.protocols import Message, Token


class ScriptedLLM:
    """Gives the replies in turn, and the last one from then on. Tokens are words with the space before them.

    What it was asked is kept in `requests`. Grammar and temperature change nothing.
    """

    def __init__(self, *replies: str, context_tokens: int = 4096, name: str = "scripted") -> None:
        if not replies:
            raise ValueError("ScriptedLLM needs at least one reply.")
        self.name = name
        self.context_tokens = context_tokens
        self.requests: list[tuple[Message, ...]] = []
        self._replies = replies
        self._turn = threading.Lock()

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """The words of all messages, and one more for each of their roles."""
        return sum(1 + len(message.content.split()) for message in messages)

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        grammar: str | None = None,  # noqa: ARG002 - part of the protocol
        temperature: float = 0.0,  # noqa: ARG002
        stop: Sequence[str] = (),
        cancel: threading.Event | None = None,
    ) -> Generator[Token, None, None]:
        """The next reply, word by word.

        Raises:
            ModelError: The prompt and `max_tokens` do not fit the context.
            RequestCancelledError: `cancel` was set.
        """
        prompt = self.count_tokens(messages)
        if prompt + max_tokens > self.context_tokens:
            raise ModelError(
                f"A prompt of {prompt} tokens and an answer of up to {max_tokens} do not fit the "
                f"{self.context_tokens} tokens of {self.name}: shorten the prompt."
            )
        return self._speak(tuple(messages), prompt, max_tokens, stop, cancel)

    def _speak(
        self,
        messages: tuple[Message, ...],
        prompt: int,
        max_tokens: int,
        stop: Sequence[str],
        cancel: threading.Event | None,
    ) -> Generator[Token, None, None]:
        with self._turn:
            reply = self._replies[min(len(self.requests), len(self._replies) - 1)]
            self.requests.append(messages)
        end = min((at for at in (reply.find(text) for text in stop if text) if at >= 0), default=len(reply))
        for word in re.findall(r"\s*\S+|\s+$", reply[:end])[:max_tokens]:
            if cancel is not None and cancel.is_set():
                raise RequestCancelledError("The request was cancelled.")
            yield Token(word, prompt, 0)
