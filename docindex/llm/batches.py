"""Several chats for one model: at once where it can, one after another where it can't."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from docindex.llm.reading import reading
from docindex.protocols import LLM, BatchingLLM, Completion, Message


def complete_many(
    llm: LLM,
    chats: Sequence[Sequence[Message]],
    *,
    max_tokens: int,
    grammar: str | None = None,
    stop: Sequence[str] = (),
    cancel: threading.Event | None = None,
) -> list[Completion]:
    """The answer to each chat at temperature 0, in their order.

    Raises:
        ModelError: A prompt and `max_tokens` do not fit the context.
        RequestCancelledError: `cancel` was set.
    """
    if isinstance(llm, BatchingLLM):
        return llm.complete_many(chats, max_tokens=max_tokens, grammar=grammar, stop=stop, cancel=cancel)
    return [completion(llm, chat, max_tokens=max_tokens, grammar=grammar, stop=stop, cancel=cancel) for chat in chats]


def completion(
    llm: LLM,
    chat: Sequence[Message],
    *,
    max_tokens: int,
    grammar: str | None = None,
    stop: Sequence[str] = (),
    cancel: threading.Event | None = None,
) -> Completion:
    """The whole answer to one chat at temperature 0.

    Raises:
        ModelError: The prompt and `max_tokens` do not fit the context.
        RequestCancelledError: `cancel` was set.
    """
    text, prompt, cached, count = "", 0, 0, 0
    with reading(llm.complete(chat, max_tokens=max_tokens, grammar=grammar, stop=stop, cancel=cancel)) as tokens:
        for token in tokens:
            text += token.text
            prompt, cached, count = token.prompt_tokens, token.cached_tokens, count + 1
    return Completion(text, prompt, cached, count)
