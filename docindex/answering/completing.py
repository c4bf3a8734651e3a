"""Several requests to the model: at once where it can, one after another where it can't."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

from docindex.answering.prompting import STOP
from docindex.llm.batches import completion
from docindex.protocols import LLM, BatchingLLM, Completion, Message

AT_ONCE = 8
"""Chats of one batch. The first answers are waited for as long as those of the whole batch take."""


def completions(
    llm: LLM,
    batching: BatchingLLM | None,
    chats: Sequence[Sequence[Message]],
    *,
    max_tokens: int,
    cancel: threading.Event | None,
) -> Iterator[Completion]:
    """The answer to each chat, in their order, as soon as it is there."""
    if batching is None:
        for chat in chats:
            yield completion(llm, chat, max_tokens=max_tokens, stop=STOP, cancel=cancel)
        return
    for first in range(0, len(chats), AT_ONCE):
        some = chats[first : first + AT_ONCE]
        yield from batching.complete_many(some, max_tokens=max_tokens, stop=STOP, cancel=cancel)
